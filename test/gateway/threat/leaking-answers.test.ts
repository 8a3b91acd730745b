// The threat: an answer from a backend that does something to the caller on the gateway's behalf.
// A cookie for the gateway's own name, a redirect the gateway follows with its credential in hand, a
// header that breaks the answer in two, another host that Alt-Svc sends the caller to.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import * as fc from "fast-check";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, exchangeBytes } from "../caller.ts";
import { type WrittenBackend, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
const elsewhere = await startFoundry({ accept: "any" });
afterEach(() => {
  foundry.reset();
  elsewhere.reset();
});
after(async () => {
  await foundry.close();
  await elsewhere.close();
});

const backends: Readonly<Record<string, WrittenBackend>> = {
  "an AI backend": model(`localhost:${foundry.port}`),
  "a host backend": { host: `localhost:${foundry.port}` },
};
const ask = chat({ messages: [{ role: "user", content: "Hi" }] });

for (const [kind, backend] of Object.entries(backends)) {
  const yaml = routes({ backends: [backend], policies: { backendAuth: { key: "secret-key" } } });

  for (const status of [301, 302, 303, 307, 308]) {
    test(`${kind}: a ${status} is for the caller to see, not for the gateway to follow`, async (t) => {
      const { origin } = await runGateway(t, yaml);
      const location = `${elsewhere.origin}/stolen`;
      foundry.next({ kind: "status", status, headers: { location }, body: "" });
      const reply = await call(origin, ask);
      assert.equal(reply.status, status);
      assert.equal(reply.headers.location, location);
      assert.equal(elsewhere.connections.tcp, 0);
    });
  }

  test(`${kind}: cookies and hop-by-hop headers of its answers stop at the gateway`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    foundry.next({
      kind: "status",
      status: 200,
      body: {},
      headers: {
        "set-cookie": ["a=1; Domain=gateway.example", "b=2"],
        "alt-svc": 'h3="evil.example:443"',
        "proxy-authenticate": "Basic",
        "x-kept": "yes",
      },
    });
    const { headers, body } = await call(origin, ask);
    for (const name of ["set-cookie", "alt-svc", "proxy-authenticate"]) {
      assert.equal(headers[name], undefined, name);
    }
    assert.equal(headers["x-kept"], "yes");
    assert.ok(!body.toString().includes("secret-key"));
  });

  test(`${kind}: 150 random values in a header of its answer never make two answers of one`, async (t) => {
    const { port, logText } = await runGateway(t, yaml);
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 30 });
    const injection = fc.constantFrom(
      "\r\nset-cookie: x=1",
      "\nx-injected: 1",
      "\r\n\r\n<html>",
      "\0",
      "\x7f",
      "\r",
    );
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          bytes.map((some) => Buffer.from(some).toString("latin1")),
          injection,
        ),
        async (value) => {
          const answer = `HTTP/1.1 200 OK\r\nx-value: a${value}b\r\ncontent-length: 2\r\n\r\n{}`;
          foundry.next({ kind: "garbage", bytes: Buffer.from(answer, "latin1") });
          const body = String(ask.body);
          const raw = await exchangeBytes(
            port,
            `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
          );
          assert.match(raw, /^HTTP\/1\.1 (200|502) /);
          const [head = ""] = raw.split("\r\n\r\n", 1);
          assert.doesNotMatch(head, /set-cookie/i);
          assert.doesNotMatch(head.replaceAll("\r\n", ""), /[\r\n\0]/);
          answers += 1;
        },
      ),
      { numRuns: 150 },
    );
    t.diagnostic(`${answers} answers, no crash`);
    assert.doesNotMatch(logText(), /request failed/);
  });

  for (const [name, head] of [
    ["two lengths", "content-length: 2\r\ncontent-length: 3\r\n"],
    ["a length and chunks", "content-length: 2\r\ntransfer-encoding: chunked\r\n"],
    ["a folded header", "x-a: 1\r\n content-length: 2\r\n"],
    ["200 KB of headers", `x-a: ${"a".repeat(200_000)}\r\n`],
  ] as const) {
    test(`${kind} that answers with ${name} is a 502, not another's answer`, async (t) => {
      const { origin } = await runGateway(t, yaml);
      // Always: a connection that breaks at once may be tried again.
      foundry.always({ kind: "garbage", bytes: Buffer.from(`HTTP/1.1 200 OK\r\n${head}\r\n{}`) });
      const { status, ending } = await call(origin, ask);
      assert.ok(status === 502 || ending === "broken", `${status} ${ending}`);
    });
  }
}

test("what a caller writes comes back only where it cannot be a header or a page of its own", async (t) => {
  const yaml = routes({
    policies: { requestRedirect: { scheme: "https" } },
  });
  const { port } = await runGateway(t, yaml);
  for (const target of ["/%0d%0aset-cookie:x=1", "/a?b=%0d%0ax"]) {
    const raw = await exchangeBytes(
      port,
      Buffer.from(
        `GET ${target} HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nx-request-id: a"b<c>\r\n\r\n`,
        "latin1",
      ),
    );
    assert.match(raw, /^HTTP\/1\.1 302 /);
    assert.ok(raw.includes(`\r\nlocation: https://gw${target}\r\n`));
    assert.doesNotMatch(raw, /\r\nset-cookie/i);
  }
});
