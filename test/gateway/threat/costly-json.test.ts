// The threat: a body that is cheap to send and dear to read, so that one caller stops the event loop
// for all: deep nesting, millions of members, one key over and over, which grows when it is rewritten.
// Bodies are checked as they arrive, in one pass, without building values; what repeats is refused
// early. How long the loop is held is measured by bench/event-loop.ts, not here.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, errorOf } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [model(`localhost:${foundry.port}`)],
  policies: { backendAuth: { key: "any" } },
});
const megabytes = (piece: string, count: number) =>
  piece.repeat((count * 1_000_000) / piece.length);

for (const [name, body] of [
  ["10 MB of opening brackets", `{"messages":${megabytes("[", 10)}`],
  ["10 MB of opening objects", `{"messages":${megabytes('{"a":', 10)}`],
  ["one key a million times", `{"messages":[],${megabytes('"model":1,', 10)}"a":1}`],
  ["one wanted key 65 times", `{${'"messages":[],'.repeat(65)}"a":1}`],
  ["ten million zeros in a number that is none", `{"messages":[],"a":${megabytes("0", 10)}}`],
] as const) {
  test(`${name}: refused, nothing sent`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    const reply = await call(origin, chat(body));
    assert.equal(reply.status, 400);
    assert.equal(errorOf(reply)["code"], "invalid_json");
    assert.equal(foundry.connections.tcp, 0);
  });
}

for (const [name, body] of [
  ["a million small members", `{"messages":[],"model":"m",${megabytes('"a":1,', 6)}"b":1}`],
  ["a string of 10 MB in escapes", `{"messages":["${megabytes("\\u0041", 10)}"],"model":"m"}`],
  ["500 levels", `{"messages":[],"model":"m","a":${"[".repeat(500)}${"]".repeat(500)}}`],
  ["a number of a million digits", `{"messages":[],"model":"m","a":${megabytes("1", 1)}}`],
] as const) {
  test(`${name}: large, but valid, and sent on to the byte`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    await call(origin, chat(body));
    const expected = Buffer.from(body.replace('"model":"m"', '"model":"gpt-5-mini"'));
    assert.ok(foundry.requests[0]?.body.equals(expected));
  });
}
