// A variable in the wrong place: a key where a host belongs. The error names the place and what was
// expected there; the value, which may be a secret, stays out of terminals and CI logs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";

for (const value of ["sk-secret-of-the-caller", "https://sk-secret-of-the-caller"]) {
  test(`a target that is ${value.replace(/sk-.*/, "a secret")} is refused without being repeated`, () => {
    const loaded = loadConfig(
      "binds: [{port: 3000, listeners: [{routes: [{backends: [{host: $KEY}]}]}]}]",
      { env: { KEY: value }, readFile: (path) => assert.fail(path) },
    );
    assert.ok("problems" in loaded);
    const [problem] = loaded.problems;
    assert.equal(problem?.path, "binds[0].listeners[0].routes[0].backends[0].host");
    assert.match(problem?.message ?? "", /^expected host:port/);
    assert.doesNotMatch(JSON.stringify(loaded.problems), /secret-of/);
  });
}
