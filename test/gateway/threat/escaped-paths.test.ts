// The threat: a path that is below one route here and somewhere else at the backend. A caller whose
// route is /open writes /open/../closed; the backend resolves it, and serves /closed with the
// gateway's credential. Dot segments in any spelling are refused; all else goes on as written.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import * as fc from "fast-check";
import { startFoundry } from "../../stand-in/foundry.ts";
import { exchangeBytes } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  matches: [{ path: { pathPrefix: "/open" } }],
  backends: [{ host: `localhost:${foundry.port}` }],
  policies: { backendAuth: { key: "any" } },
});
const get = (port: number, target: string) =>
  exchangeBytes(
    port,
    Buffer.from(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, "latin1"),
  );

const dots = [".", "..", "%2e", "%2E", "%2e.", ".%2E", "%2e%2e", "..;", "..;a=b", ".;"];
const slashes = ["/", "\\", "%2f", "%2F", "%5c", "//"];
const escapes = dots.flatMap((dot) =>
  slashes.flatMap((slash) => [
    `/open${slash}${dot}/closed`,
    `/open/a${slash}${dot}`,
    `/open/${dot}${slash}closed?x`,
  ]),
);

test(`${escapes.length} spellings of a dot segment are refused, and nothing is sent`, async (t) => {
  const { port } = await runGateway(t, yaml);
  for (const target of escapes) {
    const answer = await get(port, target);
    assert.match(answer, /^HTTP\/1\.1 400 /, target);
    assert.match(answer, /"code":"bad_request_target"/, target);
  }
  assert.equal(foundry.connections.tcp, 0);
});

test("dots within a name, and anything in the query, are none of the gateway's business", async (t) => {
  const { port } = await runGateway(t, yaml);
  const targets = [
    "/open/gpt-4.1/chat",
    "/open/...",
    "/open/.well-known",
    "/open/..a",
    "/open/a..",
    "/open/%2e%2e%2e",
    "/open/a%20b%C3%A4",
    "/open//double",
    "/open?path=../../closed",
    "/open?a=%2e%2e/",
  ];
  for (const target of targets) await get(port, target);
  assert.deepEqual(
    foundry.requests.map(({ path }) => path),
    targets,
  );
});

test("1,000 random targets: an answer to each, no failure of the gateway, and only /open is reached", async (t) => {
  const { port, logText } = await runGateway(t, yaml);
  const piece = fc.oneof(
    fc.constantFrom(
      ...dots,
      ...slashes,
      "open",
      "closed",
      "/open",
      "%",
      "%zz",
      "%00",
      "*",
      "http://",
      "https://x",
      "@",
      ":",
      "#",
      "?",
      "&",
      "=",
      "[",
      "]",
      ";",
      "\xe9",
      "\xff",
      "|",
      "^",
      '"',
      "<",
      "`",
      "{",
    ),
    fc.string({
      unit: fc
        .integer({ min: 0x21, max: 0xff })
        .filter((code) => code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
      maxLength: 8,
    }),
  );
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 8 }),
      fc.constantFrom("", "/", "/open/"),
      async (pieces, start) => {
        const before = foundry.requests.length;
        const answer = await get(port, start + pieces.join(""));
        assert.match(answer, /^HTTP\/1\.1 [24]\d\d /);
        assert.ok(!/Cannot GET|at .*node_modules/.test(answer));
        const reached = foundry.requests.slice(before);
        for (const { path } of reached) assert.match(path, /^\/open(?:[/?]|$)/);
        sent += reached.length;
      },
    ),
    { numRuns: 1_000 },
  );
  t.diagnostic(`1,000 targets, ${sent} of them passed on, no crash`);
  assert.doesNotMatch(logText(), /request failed/);
});

test("500 random heads: an answer to each that is a request, and no failure of the gateway", async (t) => {
  const { port, logText } = await runGateway(t, yaml);
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const noise = fc.string({ unit: byte, maxLength: 40 });
  const token = fc.constantFrom(
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "upgrade",
    "expect",
    "x-request-id",
    "cookie",
    "authorization",
    "x-a",
    "__proto__",
    "constructor",
  );
  const value = fc.oneof(
    noise,
    fc.constantFrom(
      "close",
      "keep-alive",
      "x-a",
      "chunked",
      "5",
      "0",
      "100-continue",
      "h2c",
      "trailers",
      "host, content-length",
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.oneof(token, noise), value), { maxLength: 8 }),
      async (fields) => {
        const lines = fields.map(([name, text]) => `${name}: ${text}\r\n`).join("");
        const head = `GET /open HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines}\r\n`;
        // What is still missing of a body that was announced, and an end for what waits for more.
        const answer = await exchangeBytes(
          port,
          Buffer.from(`${head}0\r\n\r\n\r\n!\r\n\r\n`, "latin1"),
        );
        assert.match(answer, /^HTTP\/1\.1 [1-4]\d\d /);
      },
    ),
    { numRuns: 500 },
  );
  assert.doesNotMatch(logText(), /request failed/);
  for (const { path, headers } of foundry.requests) {
    assert.equal(path, "/open");
    assert.equal(headers.authorization, "Bearer any");
    assert.equal(headers.cookie, undefined);
  }
});
