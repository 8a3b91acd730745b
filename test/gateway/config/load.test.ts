// Sources that a golden file cannot hold: bytes that are no text, and texts of a size or depth that
// only a mistake or an attack has. Each is one clear problem, never an exception.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";
import { formatProblem } from "../../../gateway/config/problem.ts";
import { env, makeFiles } from "./surroundings.ts";

const readFile = await makeFiles();
const valid = "binds: [{port: 3000, listeners: [{}]}]\n";
const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(valid, "utf16le")]);
const chain = (depth: number): string =>
  Array.from({ length: depth }, (_, level) => `${" ".repeat(level)}a:\n`).join("");

function problemsOf(source: string | Uint8Array): string[] {
  const loaded = loadConfig(source, { env, readFile });
  return "problems" in loaded ? loaded.problems.map((problem) => formatProblem("f", problem)) : [];
}

describe("a source that is no configuration is one clear problem", () => {
  const notText = ["f:1:1: the file is not UTF-8 text"];
  const cases: readonly (readonly [string, string | Uint8Array, readonly string[]])[] = [
    ["a byte that is no UTF-8", Buffer.from("binds: \xff\n", "latin1"), notText],
    ["a character cut in two", Buffer.from(`# ${valid}é`).subarray(0, -1), notText],
    ["an overlong encoding", Buffer.from([0x23, 0xc0, 0xaf]), notText],
    ["a surrogate", Buffer.from([0x23, 0xed, 0xa0, 0x80]), notText],
    ["UTF-16", utf16, notText],
    ["no bytes", new Uint8Array(0), ["f:1:1: the file is empty: expected binds"]],
    ["white space", "  \n\n  \n", ["f:1:1: the file is empty: expected binds"]],
    ["null", "null\n", ["f:1:1: the file is empty: expected binds"]],
    ["text", "binds\n", ["f:1:1: expected a map, got text"]],
    ["a number", "3000\n", ["f:1:1: expected a map, got a number"]],
    [
      "more than 4 MiB",
      `${valid}#${" ".repeat(4 * 1024 * 1024)}`,
      ["f:1:1: the file is larger than 4194304 bytes"],
    ],
    ["100,000 brackets", `a: ${"[".repeat(100_000)}`, ["nested deeper than 64 levels"]],
    ["5,000 braces", `a: ${"{a: ".repeat(5_000)}`, ["nested deeper than 64 levels"]],
    ["3,000 dashes", `${"- ".repeat(3_000)}x`, ["nested deeper than 64 levels"]],
    ["2,000 levels of indentation", chain(2_000), ["nested deeper than 64 levels"]],
    ["70 levels of indentation", chain(70), ["nested deeper than 64 levels"]],
    [
      "250,000 values",
      `binds:\n${"- 1\n".repeat(250_000)}`,
      ["more than 200000 values, aliases resolved"],
    ],
    // Each alias once read the whole document: half a minute for a tenth of these.
    [
      "200,000 aliases",
      `a: &a x\nbinds:\n${"- *a\n".repeat(200_000)}`,
      ["more than 200000 values, aliases resolved"],
    ],
  ];
  for (const [name, source, expected] of cases) {
    test(name, () => {
      const problems = problemsOf(source);
      assert.equal(problems.length, expected.length, problems.join("\n"));
      for (const [index, problem] of problems.entries()) {
        assert.match(problem, /^f:\d+:\d+: /);
        assert.ok(problem.endsWith(expected[index] ?? "?"), problem);
      }
    });
  }
});

test("a byte order mark is not part of the text", () => {
  assert.deepEqual(problemsOf(Buffer.from(`\ufeff${valid}`)), []);
});

test("line ends may be CRLF, and positions count them once", () => {
  const [problem] = problemsOf("# one\r\n# two\r\nbinds: x\r\n");
  assert.equal(problem, "f:3:8: binds: expected a list, got text");
});

test("problems come in document order, whoever found them", () => {
  const problems = problemsOf(`binds:
- port: 3000
  listeners:
  - tls: {cert: missing.pem, key: server.key}
    typo: 1
- port: 3000
  listeners: [{name: $UNSET}]
- port: 70000
`);
  const places = problems.map((problem) => problem.split(":").slice(1, 3).map(Number));
  const sorted = places.toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);
  assert.deepEqual(places, sorted);
  assert.deepEqual(
    places.map(([line]) => line),
    [4, 5, 6, 7, 8, 8],
  );
});
