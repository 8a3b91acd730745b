// The threat: a configuration that crashes the gateway, or makes it run with something else than it
// says. Whatever the text, the answer is a config or a list of problems, each with its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { stringify } from "yaml";
import { loadConfig } from "../../../gateway/config/load.ts";
import type { WrittenRoute } from "../configuration.ts";
import { model, routes } from "../configuration.ts";

const surroundings = {
  env: { HOME: "/home" },
  readFile: (path: string): string => {
    throw Object.assign(new Error(path), { code: "ENOENT" });
  },
};

/** Loads; what it finds must have a place and a message. */
function load(source: string | Uint8Array): "config" | "problems" {
  const loaded = loadConfig(source, surroundings);
  if ("config" in loaded) return "config";
  assert.ok(loaded.problems.length > 0);
  for (const { line, column, message } of loaded.problems) {
    assert.ok(line >= 1 && column >= 1 && message !== "");
  }
  return "problems";
}

test("2,000 random byte sequences: never a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void load(bytes)),
    { numRuns: 2_000 },
  );
});

test("2,000 random texts of YAML's own characters: never a crash", () => {
  const piece = fc.constantFrom(
    "binds",
    "listeners",
    "routes",
    ":",
    " ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "!!map ",
    "!!binary ",
    "<<",
    "'",
    '"',
    "|",
    ">",
    "#",
    "%YAML 1.1",
    "---",
    "...",
    "? ",
    "~",
    "null",
    "${",
    "$HOME",
    "}",
    "0x1",
    "1e999",
    "__proto__",
    "constructor",
    "\t",
    "\0",
    "\u2028",
    "\ud800",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => void load(pieces.join(""))),
    { numRuns: 2_000 },
  );
});

test("1,000 random JSON values as a configuration: never a crash", () => {
  fc.assert(
    fc.property(fc.json(), (json) => void load(json)),
    { numRuns: 1_000 },
  );
});

const policies: WrittenRoute["policies"] = {
  backendAuth: {
    azure: {
      explicitConfig: { clientSecret: { tenantId: "t", clientId: "c", clientSecret: "s" } },
    },
  },
  apiKey: {
    keys: [{ key: "0123456789", metadata: { name: "n" }, allowedModels: ["m"] }],
    mode: "strict",
  },
  jwtAuth: {
    issuer: "https://i",
    audiences: ["a"],
    jwks: { url: "https://i/keys" },
    algorithms: ["RS256"],
    requiredRoles: ["r"],
  },
  cors: { allowOrigins: ["https://a.example"], allowMethods: ["POST"], maxAge: "10m" },
  localRateLimit: [
    { maxTokens: 1, tokensPerFill: 1, fillInterval: "1m", type: "tokens", per: "caller" },
  ],
  timeout: { requestTimeout: "10s" },
  requestHeaderModifier: { add: { "x-a": "1" }, set: { "x-b": "2" }, remove: ["x-c"] },
  responseHeaderModifier: { set: { "x-d": "3" } },
  urlRewrite: { path: { prefix: "/p" } },
  requestRedirect: { status: 302, path: { full: "/x" } },
  directResponse: { status: 200, body: "b" },
};
const whole = routes({ backends: [model("foundry.example:443")], policies });

test("600 mutations of a whole configuration, one value exchanged for another kind: never a crash", (t) => {
  assert.equal(load(whole), "config");
  const outcomes = { config: 0, problems: 0 };
  const other = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      -1,
      0,
      0.5,
      1e308,
      "",
      " ",
      "$",
      "${X}",
      "\0",
      "*",
      [],
      {},
      [[]],
      [null],
      "__proto__",
      "0s",
      "1h".repeat(50),
      "9".repeat(400),
      "\u00e4",
      "a\r\nb",
    ),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.nat(), other, (pick, value) => {
      const copy: unknown = JSON.parse(whole);
      const places = placesIn(copy);
      const place = places[pick % places.length];
      place?.set(value);
      outcomes[load(stringify(copy))] += 1;
    }),
    { numRuns: 600 },
  );
  t.diagnostic(`${outcomes.problems} found wanting, ${outcomes.config} still valid, no crash`);
  assert.ok(outcomes.problems > 300);
});

type Place = { set(value: unknown): void };

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [
    { set: (other: unknown) => void Reflect.set(value, key, other) },
    ...placesIn(child),
  ]);
}
