// The threat: a few kilobytes that become gigabytes. A compressed body is decoded piece by piece and
// dropped as soon as what has come out of it exceeds the limit; what is left is never decoded. And
// what the gateway cannot read it does not pass on.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { decoderOf } from "../../../gateway/backend/ai/content-coding.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, errorOf, open, replyOf } from "../caller.ts";
import { configuration, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const route = {
  backends: [model(`localhost:${foundry.port}`)],
  policies: { backendAuth: { key: "any" } },
};
const limit = 1_000_000;
const yaml = configuration({
  frontendPolicies: { http: { maxBufferSize: limit } },
  binds: [{ port: 3000, listeners: [{ routes: [route] }] }],
});
const body = '{"model":"gpt-4","messages":[{"role":"user","content":"Grüße"}],"n":1.0}';
const rewritten = body.replace("gpt-4", "gpt-5-mini");
const coded = (encoding: string, bytes: Buffer) => chat(bytes, { "content-encoding": encoding });

const codings: Readonly<Record<string, (bytes: string | Buffer) => Buffer>> = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  GZip: gzipSync,
  br: brotliCompressSync,
  deflate: deflateSync,
};

for (const [encoding, encode] of Object.entries(codings)) {
  test(`${encoding}: the body is decoded, rewritten, and sent on without a coding`, async (t) => {
    const { origin } = await runGateway(t, routes(route));
    assert.equal((await call(origin, coded(encoding, encode(body)))).status, 200);
    const [received] = foundry.requests;
    assert.equal(received?.body.toString(), rewritten);
    assert.equal(received?.headers["content-encoding"], undefined);
    assert.equal(received?.headers["content-length"], String(Buffer.byteLength(rewritten)));
  });

  test(`${encoding}: a bomb is dropped at the limit, and nothing is sent`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    // A valid beginning, so that only the limit can end it: 16 MB of blanks in less than 17 KB.
    const bomb = encode(
      Buffer.concat([Buffer.from('{"messages":['), Buffer.alloc(16_000_000, " ")]),
    );
    assert.ok(bomb.length < 17_000);
    const reply = await call(origin, coded(encoding, bomb));
    assert.equal(reply.status, 413);
    assert.equal(errorOf(reply)["code"], "body_too_large");
    assert.equal(foundry.connections.tcp, 0);
  });

  test(`${encoding}: what is cut short, or is something else, is the caller's mistake`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    for (const bytes of [encode(body).subarray(0, -6), Buffer.from(body), Buffer.alloc(0)]) {
      const reply = await call(origin, coded(encoding, bytes));
      assert.equal(reply.status, 400, bytes.toString("hex"));
      assert.match(String(errorOf(reply)["code"]), /^(undecodable_body|invalid_json)$/);
    }
    assert.equal(foundry.connections.tcp, 0);
  });
}

test("a bomb's decoder makes no more than the limit and one piece, and then works no more", async () => {
  const decode = decoderOf("gzip");
  if (typeof decode === "string") return assert.fail(decode);
  let fed = 0;
  // Gzip's members may follow each other without end.
  const member = gzipSync(Buffer.alloc(1_000_000));
  async function* source(): AsyncGenerator<Buffer> {
    for (; fed < 10_000_000; fed += member.length) yield member;
  }
  let made = 0;
  for await (const piece of decode(source())) {
    made += piece.length;
    if (made > limit) break;
  }
  assert.ok(made < limit + 64 * 1024);
  // What waits in buffers of 64 KB, of ten million.
  assert.ok(fed < 200_000, `${fed} bytes were read`);
});

test("a caller that goes on with its bomb after the answer is not decoded any more", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const { request, answer } = open(origin, {
    ...chat(""),
    headers: {
      "content-type": "application/json",
      "content-encoding": "gzip",
      "transfer-encoding": "chunked",
    },
  });
  const zip = createGzip();
  zip.on("data", (piece: Buffer) => request.write(piece));
  zip.write('{"messages":[');
  zip.write(Buffer.alloc(10_000_000, " "));
  zip.flush();
  assert.equal((await replyOf(await answer)).status, 413);
  request.destroy();
});

for (const encoding of [
  "compress",
  "zstd",
  "gzip, br",
  "gzip, gzip",
  "chunked",
  "__proto__",
  "constructor",
  "",
]) {
  test(`a coding the gateway does not undo (${encoding}) is a 415 that names those it does`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    const reply = await call(origin, coded(encoding, gzipSync(body)));
    assert.equal(reply.status, 415);
    assert.equal(reply.headers["accept-encoding"], "gzip, br, deflate");
    assert.equal(foundry.connections.tcp, 0);
  });
}

test("deflate is the zlib format; raw deflate is not guessed at", async (t) => {
  const { origin } = await runGateway(t, yaml);
  assert.equal((await call(origin, coded("deflate", deflateRawSync(body)))).status, 400);
});

test("500 random bytes in each coding: always an answer, never a failure of the gateway", async (t) => {
  const { origin, logText } = await runGateway(t, yaml);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("gzip", "br", "deflate"),
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        fc.tuple(fc.nat(60), fc.nat(255)).map(([at, byte]) => {
          const bytes = gzipSync(body);
          bytes[at] = byte;
          return bytes;
        }),
      ),
      async (encoding, bytes) => {
        const { status } = await call(origin, coded(encoding, bytes));
        assert.ok(status === 400 || status === 200 || status === 413, String(status));
      },
    ),
    { numRuns: 500 },
  );
  for (const { body: sent } of foundry.requests)
    assert.doesNotThrow(() => JSON.parse(sent.toString()));
  assert.doesNotMatch(logText(), /request failed/);
});

test("a host backend gets a compressed body as it is, with its coding", async (t) => {
  const { origin } = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      policies: { backendAuth: { key: "any" } },
    }),
  );
  const zipped = gzipSync(body);
  await call(origin, coded("gzip", zipped));
  assert.deepEqual(foundry.requests[0]?.body, zipped);
  assert.equal(foundry.requests[0]?.headers["content-encoding"], "gzip");
});
