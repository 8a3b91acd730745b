// A caller that hangs up says nothing about the backend: counted as failures, three impatient callers
// would send everybody's requests elsewhere (LiteLLM 42222), and a model that goes on writing costs
// money (30244). So it is for every format, before the first byte and in the middle (pitfall 13).
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import type { Behaviour } from "../../stand-in/behaviour.ts";
import { type Call, call, open } from "../caller.ts";
import { routes } from "../configuration.ts";
import { counts, startFoundries } from "../resilience/backends.ts";
import { runGateway } from "../running-gateway.ts";
import { form, json, messages } from "./format-calls.ts";

const foundries = await startFoundries(2);
const [first, second] = foundries;
assert.ok(first !== undefined && second !== undefined);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

const yaml = routes({
  policies: { backendAuth: { key: "any" }, ai: { routes: { "/files": "passthrough" } } },
  backends: [
    {
      ai: {
        groups: foundries.map(({ port }, at) => ({
          providers: [
            {
              name: `b${at}`,
              hostOverride: `localhost:${port}`,
              provider: { azure: { resourceName: "r", resourceType: "openAI" } },
            },
          ],
        })),
      },
    },
  ],
});

const model = "m";
const stream = true;
const formats: readonly (readonly [name: string, asked: Call])[] = [
  ["a chat completion", json("/v1/chat/completions", { model, messages })],
  ["a streamed chat completion", json("/v1/chat/completions", { model, messages, stream })],
  ["a text completion", json("/v1/completions", { model, prompt: "Hi", stream })],
  ["an embedding", json("/v1/embeddings", { model, input: "Hi" })],
  ["a response", json("/v1/responses", { model, input: "Hi", stream })],
  [
    "a response that goes on from another",
    json("/v1/responses", { model, input: "Hi", previous_response_id: "resp_12345678" }),
  ],
  ["a stored response", { path: "/v1/responses/resp_12345678" }],
  ["a message", json("/v1/messages", { model, messages, stream })],
  ["an image", json("/v1/images/generations", { model, prompt: "Hi" })],
  [
    "an edited image",
    form("/v1/images/edits", [
      ["image", "x"],
      ["model", model],
    ]),
  ],
  [
    "a transcription",
    form("/v1/audio/transcriptions", [
      ["file", "x"],
      ["model", model],
    ]),
  ],
  ["speech", json("/v1/audio/speech", { model, input: "Hi" })],
  ["the list of models", { path: "/v1/models" }],
  ["what is passed through", { path: "/v1/files" }],
];

/** One more than the failures in a row that would evict a backend. */
const turns = 4;
const served: Behaviour = { kind: "status", status: 200, body: {} };

for (const [name, asked] of formats) {
  describe(`callers of ${name} that hang up`, () => {
    for (const [when, behaviour] of [
      ["before the first byte", { kind: "hang" }],
      ["in the middle of the answer", { kind: "huge", bytes: 50_000_000 }],
    ] as const) {
      test(
        `${when} end the backend's work and leave it in service`,
        { timeout: 20_000 },
        async (t) => {
          const { origin, gateway, accessLog, logged } = await runGateway(t, yaml);
          for (let turn = 1; turn <= turns; turn += 1) {
            first.next(behaviour);
            const { request, answer } = open(origin, asked);
            request.end(asked.body);
            const received = await first.whenReceived(turn);
            if (behaviour.kind === "huge") await (await answer)[Symbol.asyncIterator]().next();
            request.destroy();
            await received.whenAborted;
          }
          for (const line of await accessLog(turns))
            assert.partialDeepStrictEqual(line, {
              outcome: "client_closed",
              backend: "b0",
              level: 30,
            });
          first.always(served);
          assert.equal((await call(origin, asked)).status, 200);
          assert.deepEqual(counts(foundries), [turns + 1, 0]);
          assert.equal(gateway.counts().evictions, 0);
          assert.deepEqual(
            logged().filter(({ level }) => Number(level) > 30),
            [],
          );
        },
      );
    }
  });
}
