// Golden pairs: a configuration, and what comes of it.
//
//   golden/good/NAME.yaml   -> NAME.effective.yaml   the warnings as comments, then the config as run
//   golden/bad/NAME.yaml    -> NAME.txt              every problem, exactly as it is printed
//   examples/NAME.yaml      -> golden/examples/NAME.effective.yaml
//
// UPDATE_GOLDEN=1 node --test test/gateway/config/golden.test.ts writes the right-hand sides anew;
// read the difference before you keep it.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { printEffective } from "../../../gateway/config/effective.ts";
import { loadConfig } from "../../../gateway/config/load.ts";
import { type Problem, formatProblem } from "../../../gateway/config/problem.ts";
import { env, makeFiles } from "./surroundings.ts";

const golden = join(import.meta.dirname, "golden");
const examples = join(import.meta.dirname, "../../../examples");
const update = process.env["UPDATE_GOLDEN"] === "1";
const readFile = await makeFiles();

function configurations(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".yaml") && !name.endsWith(".effective.yaml"))
    .map((name) => join(directory, name));
}

function compare(actual: string, file: string): void {
  if (update) writeFileSync(file, actual);
  assert.equal(actual, readFileSync(file, "utf8"));
}

function print(file: string, problems: readonly Problem[], before = ""): string {
  return problems.map((problem) => `${before}${formatProblem(basename(file), problem)}\n`).join("");
}

/** Certificates are made anew for each run. */
function withoutCertificates(text: string): string {
  return text.replaceAll(
    /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g,
    "(a certificate)",
  );
}

function checkGood(file: string, expected: string): void {
  const loaded = loadConfig(readFileSync(file), { env, readFile });
  if ("problems" in loaded) return assert.fail(print(file, loaded.problems));
  const warnings = print(file, loaded.warnings, "# warning: ");
  compare(warnings + withoutCertificates(printEffective(loaded.config)), expected);
}

describe("a configuration becomes what it says, with its defaults", () => {
  for (const file of configurations(join(golden, "good"))) {
    test(basename(file), () => checkGood(file, file.replace(/\.yaml$/, ".effective.yaml")));
  }
});

describe("an example becomes what it says", () => {
  for (const file of configurations(examples)) {
    const expected = basename(file).replace(/\.yaml$/, ".effective.yaml");
    test(basename(file), () => checkGood(file, join(golden, "examples", expected)));
  }
});

describe("a configuration that cannot run says why, with every place", () => {
  for (const file of configurations(join(golden, "bad"))) {
    test(basename(file), () => {
      const loaded = loadConfig(readFileSync(file), { env, readFile });
      assert.ok("problems" in loaded, "it was accepted");
      compare(print(file, loaded.problems), file.replace(/\.yaml$/, ".txt"));
    });
  }
});
