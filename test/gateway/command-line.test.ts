import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { help, parseCommandLine } from "../../gateway/command-line.ts";

describe("a command line says what to do", () => {
  const run = { kind: "run", file: "c.yaml", drainTimeout: 25_000 };
  const cases: readonly (readonly [line: string, command: object])[] = [
    ["-f c.yaml", run],
    ["-fc.yaml", run],
    ["--file c.yaml", run],
    ["--file=c.yaml", run],
    ["-f a.yaml -f c.yaml", run],
    ["-f -", { ...run, file: "-" }],
    ["-f c.yaml --drain-timeout 0", { ...run, drainTimeout: 0 }],
    ["-f c.yaml --drain-timeout=2.5", { ...run, drainTimeout: 2_500 }],
    ["-f c.yaml --validate-only", { kind: "validate", file: "c.yaml" }],
    ["--validate-only -f c.yaml", { kind: "validate", file: "c.yaml" }],
    ["-f c.yaml --print-effective", { kind: "print-effective", file: "c.yaml" }],
    ["--help", { kind: "help" }],
    ["-h", { kind: "help" }],
    ["--version", { kind: "version" }],
    ["-V", { kind: "version" }],
    ["-f c.yaml --help", { kind: "help" }],
  ];
  for (const [line, command] of cases) {
    test(line, () => assert.deepEqual(parseCommandLine(line.split(" ")), command));
  }
});

describe("a mistake is named", () => {
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[], /-f FILE is missing/],
    [["--validate-only"], /-f FILE is missing/],
    [["-f", ""], /-f FILE is missing/],
    [["-f"], /argument missing/],
    [["c.yaml"], /c\.yaml/],
    [["-f", "c.yaml", "d.yaml"], /d\.yaml/],
    [["-f", "c.yaml", "--validate"], /--validate/],
    [["-f", "c.yaml", "--validate-only=yes"], /--validate-only/],
    [["-x"], /-x/],
    [["-f", "c.yaml", "--drain-timeout", "soon"], /--drain-timeout wants a number of seconds/],
    [["-f", "c.yaml", "--drain-timeout="], /--drain-timeout wants a number of seconds/],
    [["-f", "c.yaml", "--drain-timeout=-1"], /--drain-timeout wants a number of seconds/],
    [["-f", "c.yaml", "--drain-timeout=Infinity"], /--drain-timeout wants a number of seconds/],
  ];
  for (const [args, message] of cases) {
    test(args.length === 0 ? "nothing" : JSON.stringify(args), () => {
      const command = parseCommandLine(args);
      assert.ok(command.kind === "mistake", command.kind);
      assert.match(command.message, message);
    });
  }
});

test("the help names every option", () => {
  for (const option of ["--file", "--validate-only", "--print-effective", "--help", "--version"]) {
    assert.ok(help.includes(option), option);
  }
});
