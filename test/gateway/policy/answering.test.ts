// Policies that answer without a backend, and one that waits for it only so long.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, errorOf } from "../caller.ts";
import { type WrittenRoute, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

type Redirect = NonNullable<NonNullable<WrittenRoute["policies"]>["requestRedirect"]>;

const redirects: readonly (readonly [string, Redirect, status: number, location: string])[] = [
  ["nothing given", {}, 302, "http://gw.example:8080/old/a?q=1"],
  ["a scheme", { scheme: "https" }, 302, "https://gw.example:8080/old/a?q=1"],
  [
    "a host",
    { authority: { host: "new.example" }, status: 301 },
    301,
    "http://new.example:8080/old/a?q=1",
  ],
  ["a port", { authority: { port: 81 }, status: 307 }, 307, "http://gw.example:81/old/a?q=1"],
  [
    "an authority",
    { authority: { full: "new.example" }, status: 308 },
    308,
    "http://new.example/old/a?q=1",
  ],
  ["a path", { path: { full: "/new" }, status: 303 }, 303, "http://gw.example:8080/new?q=1"],
  ["a prefix", { path: { prefix: "/new/" } }, 302, "http://gw.example:8080/new/a?q=1"],
  ["an empty prefix", { path: { prefix: "/" } }, 302, "http://gw.example:8080/a?q=1"],
];
for (const [name, requestRedirect, status, location] of redirects) {
  test(`a redirect with ${name}: ${status} to ${location}`, async (t) => {
    const { origin } = await runGateway(
      t,
      routes({ matches: [{ path: { pathPrefix: "/old" } }], policies: { requestRedirect } }),
    );
    const headers = { host: "gw.example:8080" };
    const reply = await call(origin, { path: "/old/a?q=1", headers });
    assert.equal(reply.status, status);
    assert.equal(reply.headers.location, location);
    assert.equal(reply.body.length, 0);
  });
}

for (const [method, status, body, seen, length] of [
  ["GET", 200, "pong\n", "pong\n", "5"],
  ["HEAD", 200, "pong\n", "", "5"],
  ["POST", 503, "Gr\u00fc\u00dfe", "Gr\u00fc\u00dfe", "7"],
  ["GET", 204, "", "", undefined],
  ["GET", 404, "", "", "0"],
] as const) {
  test(`a direct response of ${status} to ${method} has its body and length`, async (t) => {
    const { origin } = await runGateway(
      t,
      routes({ policies: { directResponse: { status, body } } }),
    );
    const reply = await call(origin, { method, path: "/ping" });
    assert.equal(reply.status, status);
    assert.equal(reply.body.toString(), seen);
    assert.equal(reply.headers["content-length"], length);
    assert.ok(reply.headers["x-request-id"]);
    assert.equal(reply.headers["x-powered-by"], undefined);
  });
}

const slow = (timeout: NonNullable<WrittenRoute["policies"]>["timeout"]) =>
  routes({
    backends: [model(`localhost:${foundry.port}`)],
    policies: { backendAuth: { key: "any" }, timeout },
  });
const messages = [{ role: "user", content: "Hi" }];

for (const timeout of [
  { requestTimeout: "100ms" },
  { backendRequestTimeout: "100ms" },
  { requestTimeout: "1h", backendRequestTimeout: "100ms" },
]) {
  test(`${JSON.stringify(timeout)}: 504 when no answer begins, and the backend is let go`, async (t) => {
    const { origin, accessLog } = await runGateway(t, slow(timeout));
    foundry.next({ kind: "hang" });
    const reply = await call(origin, chat({ messages }));
    assert.equal(reply.status, 504);
    assert.deepEqual(
      [errorOf(reply)["code"], errorOf(reply)["type"]],
      ["request_timeout", "timeout_error"],
    );
    await foundry.requests[0]?.whenAborted;
    assert.equal((await accessLog(1))[0]?.["outcome"], "request_timeout");
  });
}

test("a stream that has begun in time may take its time", async (t) => {
  const { origin } = await runGateway(t, slow({ requestTimeout: "300ms" }));
  foundry.next({ kind: "answer", chunkDelayMs: 100, content: "one two three four five" });
  const reply = await call(origin, chat({ messages, stream: true }));
  assert.equal(reply.ending, "clean");
  assert.match(reply.body.toString(), /\[DONE\]/);
});
