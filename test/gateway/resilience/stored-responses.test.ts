// A response is kept by the backend that made it: who reads, cancels, deletes or continues it must
// reach that one (LiteLLM 19143), however the route chooses its backends otherwise.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type { Foundry } from "../../stand-in/foundry.ts";
import { call, open, replyOf } from "../caller.ts";
import { type WrittenBackend, configuration, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { counts, startFoundries } from "./backends.ts";
import { made, modelsOf, respond, unknownResponse } from "./responses.ts";

const foundries = await startFoundries(3);
const [first, second, third] = foundries;
assert.ok(first !== undefined && second !== undefined && third !== undefined);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

const models = modelsOf(foundries);
/** With this much luck the backends of equal weight are tried in their order. */
const random = () => 0;

for (const [method, below] of [
  ["GET", "?include=x"],
  ["GET", "/input_items?limit=2"],
  ["POST", "/cancel"],
  ["DELETE", ""],
] as const) {
  test(`${method} /responses/{id}${below} goes to the model's backend that made it`, async (t) => {
    const { origin } = await runGateway(t, models);
    first.next({ kind: "status", status: 503 });
    second.next(made("resp_made_by_second"));
    await call(origin, respond());
    first.always({ kind: "status", status: 404 });
    second.always({ kind: "status", status: 200, body: { id: "resp_made_by_second" } });
    const path = `/openai/v1/responses/resp_made_by_second${below}`;
    for (let turn = 0; turn < 3; turn += 1)
      assert.equal((await call(origin, { method, path })).status, 200);
    assert.deepEqual(counts(foundries), [1, 4, 0]);
    assert.deepEqual(
      second.requests.slice(1).map((received) => [received.method, received.path]),
      [1, 2, 3].map(() => [method, path]),
    );
  });

  test(`${method} /responses/{id}${below} that another replica made asks until one has it`, async (t) => {
    const { origin } = await runGateway(t, models);
    first.always({ kind: "status", status: 404 });
    second.always({ kind: "status", status: 404 });
    const path = `/openai/v1/responses/resp_of_a_replica${below}`;
    assert.equal((await call(origin, { method, path })).status, 200);
    assert.equal((await call(origin, { method, path })).status, 200);
    assert.deepEqual(counts(foundries), [1, 1, 2]);
  });
}

const at = ({ port }: Foundry) => ({ baseUrl: `http://localhost:${port}/v1` });

/** The ends of the ids that were asked for. */
function gets({ requests }: Foundry): string[] {
  return requests
    .filter(({ method }) => method === "GET")
    .map(({ path }) => path.slice(-6))
    .toSorted();
}

test("a response of a model that llm names is found again, whatever takes any other model", async (t) => {
  const source = configuration({
    llm: {
      models: [
        { name: "*", provider: "openAI", params: at(first) },
        { name: "gpt-5", provider: "openAI", params: at(second) },
        { name: "gpt-5-mini", provider: "openAI", params: at(second) },
      ],
    },
  });
  const { origin } = await runGateway(t, source, { random });
  second.next(made("resp_made_by_second"));
  await call(origin, respond({ model: "gpt-5" }));
  second.next({ kind: "status", status: 200 });
  second.always({ kind: "status", status: 404 });
  first.next({ kind: "status", status: 200 });
  first.always({ kind: "status", status: 404 });
  const statuses = [];
  for (const id of ["resp_made_by_second", "resp_of_a_replica", "resp_of_nobody"])
    statuses.push((await call(origin, { path: `/v1/responses/${id}` })).status);
  assert.deepEqual(statuses, [200, 200, 404]);
  // A host is asked once, however many of its models are named.
  assert.deepEqual(gets(first), ["eplica", "nobody"]);
  assert.deepEqual(gets(second), ["eplica", "nobody", "second"]);
});

test("projects of one resource do not know each other's responses", async (t) => {
  const backend = (projectName: string): WrittenBackend => ({
    ai: {
      name: projectName,
      hostOverride: `localhost:${first.port}`,
      provider: { azure: { resourceName: "r", resourceType: "foundry", projectName } },
    },
  });
  const { origin } = await runGateway(
    t,
    routes({
      policies: { backendAuth: { key: "any" } },
      backends: [backend("red"), backend("blue")],
    }),
    { random },
  );
  first.next(made("resp_of_some_project"));
  await call(origin, respond());
  first.next(unknownResponse);
  first.next(made("resp_of_some_project"));
  const asked = respond({ previous_response_id: "resp_of_some_project" });
  assert.equal((await call(origin, asked)).status, 200);
  const projects = first.requests.map(({ path }) => path.split("/")[3]);
  assert.deepEqual(projects, ["red", "red", "blue"]);
});

test("an id that the network cuts in two is found", async (t) => {
  const { origin } = await runGateway(t, models);
  first.next({ kind: "status", status: 503 });
  second.next(made("resp_made_by_second"));
  await call(origin, respond());
  const body = JSON.stringify({
    model: "m",
    input: "Hi",
    previous_response_id: "resp_made_by_second",
  });
  const cut = body.indexOf("made_by");
  const { request, answer } = open(origin, {
    ...respond(),
    headers: { "content-type": "application/json" },
  });
  second.always({ kind: "status", status: 200 });
  request.write(body.slice(0, cut));
  await new Promise((resolve) => setTimeout(resolve, 30));
  request.end(body.slice(cut));
  assert.equal((await replyOf(await answer)).status, 200);
  assert.deepEqual(counts(foundries), [1, 2, 0]);
});
