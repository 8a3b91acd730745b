// A backend that is not there, does not speak HTTP, falls silent, or dies half-way: the caller is told
// so, at once and without details. It neither waits for ever, nor takes half an answer for a whole
// one, nor gets a stack trace (pitfalls 15, 26, 30). Every documented mode of express-http-proxy
// leaves the caller hanging here.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, beforeEach, test } from "node:test";
import type { Timeouts } from "../../../gateway/backend/transport.ts";
import type { Behaviour } from "../../stand-in/behaviour.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat, errorOf } from "../caller.ts";
import { type WrittenBackend, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const short: Timeouts = { connect: 100, firstByte: 100, idle: 100 };
const policies = { backendAuth: { key: "any" } };

type Kind = {
  readonly kind: string;
  readonly to: (authority: string) => WrittenBackend;
  readonly asked: Call;
};

const kinds: readonly Kind[] = [
  {
    kind: "an AI backend",
    to: (authority) => model(authority),
    asked: chat({ messages: [{ role: "user", content: "Hi" }] }),
  },
  {
    kind: "a host backend asked to GET",
    to: (host) => ({ host }),
    asked: { path: "/language/x" },
  },
  {
    kind: "a host backend sent a body",
    to: (host) => ({ host }),
    asked: { method: "PUT", path: "/language/x", body: Buffer.alloc(100_000) },
  },
];

const failures: readonly {
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly status: number;
  readonly code: string;
}[] = [
  {
    name: "closes each connection before it answers",
    behaviour: { kind: "noAnswer", manner: "destroy" },
    status: 502,
    code: "upstream_reset",
  },
  {
    name: "resets each connection before it answers",
    behaviour: { kind: "noAnswer", manner: "reset" },
    status: 502,
    code: "upstream_reset",
  },
  {
    name: "answers with what is not HTTP",
    behaviour: { kind: "garbage", bytes: Buffer.from("HTTP/1.1 OK\r\n\r\nsecret completion") },
    status: 502,
    code: "upstream_protocol",
  },
  {
    name: "answers with two lengths",
    behaviour: {
      kind: "garbage",
      bytes: Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    },
    status: 502,
    code: "upstream_reset",
  },
  {
    name: "never answers",
    behaviour: { kind: "hang" },
    status: 504,
    code: "upstream_first_byte_timeout",
  },
];

for (const { kind, to, asked } of kinds) {
  for (const { name, behaviour, status, code } of failures) {
    test(`${kind} that ${name} is a ${status} ${code}`, async (t) => {
      foundry.always(behaviour);
      const gateway = await runGateway(
        t,
        routes({ backends: [to(`localhost:${foundry.port}`)], policies }),
        { timeouts: short },
      );
      await expectFailure(gateway, asked, status, code);
    });
  }

  test(`${kind} that refuses connections is a 502`, async (t) => {
    await foundry.refuseConnections();
    t.after(() => foundry.acceptConnections());
    const gateway = await runGateway(
      t,
      routes({ backends: [to(`localhost:${foundry.port}`)], policies }),
    );
    await expectFailure(gateway, asked, 502, "upstream_connect");
  });

  test(`${kind} whose name does not resolve is a 502`, async (t) => {
    const gateway = await runGateway(
      t,
      routes({ backends: [to("foundry.invalid:80")], policies }),
      {
        dial: (target) => target,
      },
    );
    await expectFailure(gateway, asked, 502, "upstream_dns");
  });

  test(`${kind} that accepts a connection but never speaks TLS is a 504`, async (t) => {
    const mute = createServer().listen(0, "127.0.0.1");
    await once(mute, "listening");
    t.after(() => mute.close());
    const address = mute.address();
    assert.ok(typeof address === "object" && address !== null);
    const gateway = await runGateway(t, routes({ backends: [to("foundry.test:443")], policies }), {
      timeouts: short,
      upstreamPort: address.port,
    });
    await expectFailure(gateway, asked, 504, "upstream_connect_timeout");
  });

  for (const { name, behaviour, outcome } of [
    {
      name: "closes before the declared length",
      behaviour: { kind: "truncated", declared: 1000, sent: 400 },
      outcome: "upstream_reset",
    },
    {
      name: "closes between two chunks",
      behaviour: {
        kind: "garbage",
        bytes: Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
      },
      outcome: "upstream_reset",
    },
    {
      name: "breaks the chunked framing",
      behaviour: {
        kind: "garbage",
        bytes: Buffer.from(
          "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n\r\n",
        ),
      },
      outcome: "upstream_protocol",
    },
  ] as const) {
    test(`${kind} that ${name} leaves the caller with a broken answer, never a clean end`, async (t) => {
      foundry.next(behaviour);
      const { origin, accessLog } = await runGateway(
        t,
        routes({ backends: [to(`localhost:${foundry.port}`)], policies }),
      );
      const reply = await call(origin, asked);
      assert.equal(reply.status, 200);
      assert.equal(reply.ending, "broken");
      assert.ok(reply.body.length < 1000);
      const [line] = await accessLog(1);
      assert.partialDeepStrictEqual(line, { outcome, status: 200, upstreamStatus: 200 });
    });
  }

  test(`${kind} that says no more within the idle time leaves a broken answer`, async (t) => {
    foundry.next({ kind: "answer", cut: { at: { afterByte: 10 }, manner: "silence" } });
    const { origin, accessLog } = await runGateway(
      t,
      routes({
        backends: [to(`localhost:${foundry.port}`)],
        policies: { ...policies, urlRewrite: { path: { full: "/v1/chat/completions" } } },
      }),
      { timeouts: { ...short, connect: 5_000, firstByte: 5_000 } },
    );
    const question = chat({ model: "m", messages: [{ role: "user", content: "Hi" }] });
    const reply = await call(origin, question);
    assert.deepEqual([reply.status, reply.body.length, reply.ending], [200, 10, "broken"]);
    const [line] = await accessLog(1);
    assert.partialDeepStrictEqual(line, { outcome: "upstream_idle_timeout" });
  });
}

async function expectFailure(
  { origin, accessLog, logText }: Awaited<ReturnType<typeof runGateway>>,
  asked: Call,
  status: number,
  code: string,
): Promise<void> {
  const reply = await call(origin, asked);
  assert.equal(reply.status, status);
  const error = errorOf(reply);
  assert.deepEqual(
    [error["code"], error["type"], error["param"]],
    [code, status === 504 ? "timeout_error" : "api_error", null],
  );
  // Nothing of the system's or the SDK's words.
  assert.match(String(error["message"]), /^The (gateway|backend)\b[^:\d]*\.$/);
  assert.doesNotMatch(reply.body.toString(), /127\.0\.0\.1|localhost|ECONN|ENOTFOUND|\bat /);
  const id = reply.headers["x-request-id"];
  const [line] = await accessLog(1);
  assert.partialDeepStrictEqual(line, { status, requestId: id });
  // What happened is in the log, under the id that the caller can name.
  assert.ok(logText().includes(`"requestId":"${String(id)}"`));
  assert.match(logText(), /"msg":"backend failed"/);
  assert.doesNotMatch(logText(), /secret completion/);
}
