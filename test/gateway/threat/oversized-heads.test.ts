// The threat: heads that cost more to take apart than to send, and fields beyond a limit that are
// dropped without a word, so that a check does not see what is there. Too much is refused as a whole.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { exchangeBytes } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [{ host: `localhost:${foundry.port}` }],
  policies: { backendAuth: { key: "any" } },
});
const get = (fields: string, target = "/v1/x") =>
  `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${fields}\r\n`;

for (const [name, bytes] of [
  ["a field of 33 KB", get(`x-a: ${"a".repeat(33_000)}\r\n`)],
  ["a field of 10 MB", get(`x-a: ${"a".repeat(10_000_000)}\r\n`)],
  ["a name of 33 KB", get(`${"a".repeat(33_000)}: b\r\n`)],
  ["a target of 33 KB", get("", `/${"a".repeat(33_000)}`)],
  ["40 KB in many fields", get("x-a: bbbbbbbbbbbbbbbb\r\n".repeat(2_000))],
  ["199 fields too many", get("a: b\r\n".repeat(397))],
  ["one field too many", get("a: b\r\n".repeat(199))],
  ["5,000 fields, above what Node itself would look at", get("a:\r\n".repeat(5_000))],
  ["fields without an end", `GET /v1/x HTTP/1.1\r\n${"a: b\r\n".repeat(20_000)}`],
] as const) {
  test(`${name}: 431, and nothing reaches the backend`, async (t) => {
    const { port } = await runGateway(t, yaml);
    const answer = await exchangeBytes(port, bytes);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    assert.match(answer, /"code":"head_too_large"/);
    assert.equal(foundry.connections.tcp, 0);
  });
}

test("198 fields and those of the test itself are all there for the backend", async (t) => {
  const { port } = await runGateway(t, yaml);
  await exchangeBytes(
    port,
    get(Array.from({ length: 198 }, (_, at) => `x-${at}: ${at}\r\n`).join("")),
  );
  assert.equal(foundry.requests[0]?.headers["x-197"], "197");
});

test("a body's chunk extensions and trailers have limits, too", async (t) => {
  const { port } = await runGateway(t, yaml);
  const post =
    "POST /v1/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
  for (const body of [
    `5;a=${"a".repeat(100_000)}\r\nhello\r\n0\r\n\r\n`,
    `5\r\nhello\r\n0\r\n${"x-a: b\r\n".repeat(20_000)}\r\n`,
  ]) {
    assert.match(await exchangeBytes(port, post + body), /^HTTP\/1\.1 4\d\d /);
  }
  for (const { bodySha256 } of foundry.requests) assert.equal(bodySha256, "");
});
