// One id names a call in the caller's log, in the gateway's and in the backend's. A caller's own is
// taken, unless it could forge a log line, a header, or fill the log.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../stand-in/foundry.ts";
import { type Call, call, chat, exchangeBytes } from "./caller.ts";
import { type WrittenBackend, model, routes } from "./configuration.ts";
import { runGateway } from "./running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const made = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const policies = { backendAuth: { key: "any" } };

const traffics: readonly { readonly kind: string; backend: WrittenBackend; asked: Call }[] = [
  {
    kind: "AI",
    backend: model(`localhost:${foundry.port}`),
    asked: chat({ messages: [{ role: "user", content: "Hi" }] }),
  },
  {
    kind: "host",
    backend: { host: `localhost:${foundry.port}` },
    asked: { path: "/language/x" },
  },
];

for (const { kind, backend, asked } of traffics) {
  for (const { name, written, taken } of [
    { name: "the caller's", written: "trace-42/a?;b=1", taken: true },
    { name: "one of 128 characters", written: "x".repeat(128), taken: true },
    { name: "a new one where there is none", written: undefined, taken: false },
    { name: "a new one for 129 characters", written: "x".repeat(129), taken: false },
    { name: "a new one for blanks inside", written: "a b", taken: false },
    { name: "a new one for what is not ASCII", written: "gr\u00fc\u00dfe", taken: false },
    { name: "a new one for an empty one", written: "", taken: false },
  ]) {
    test(`${kind} backend: ${name} goes upstream, back to the caller and into the log`, async (t) => {
      const gateway = await runGateway(t, routes({ backends: [backend], policies }));
      const headers = {
        ...asked.headers,
        ...(written === undefined ? {} : { "X-Request-ID": written }),
      };
      const reply = await call(gateway.origin, { ...asked, headers });
      const id = reply.headers["x-request-id"];
      assert.ok(typeof id === "string");
      if (taken) assert.equal(id, written);
      else assert.match(id, made);
      // The backend's own id is another one: it is in the log only.
      assert.equal(foundry.requests[0]?.headers["x-request-id"], id);
      const [line] = await gateway.accessLog(1);
      assert.equal(line?.["requestId"], id);
      assert.match(String(line?.["upstreamRequestId"]), made);
      assert.notEqual(line?.["upstreamRequestId"], id);
      const sent = reply.rawHeaders.filter((header) => header.toLowerCase() === "x-request-id");
      assert.equal(sent.length, 1);
    });
  }
}

test("an id sent twice is replaced, and a refused request has one as well", async (t) => {
  const { port } = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      matches: [{ path: { exact: "/" } }],
    }),
  );
  const answer = await exchangeBytes(
    port,
    "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: a\r\nx-request-id: b\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 404 /);
  assert.match(answer, /x-request-id: [0-9a-f]{8}-/);
});
