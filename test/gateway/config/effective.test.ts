import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { printEffective } from "../../../gateway/config/effective.ts";
import { loadConfig } from "../../../gateway/config/load.ts";

test("a header set for the backend is printed by its name, never with its value", () => {
  const loaded = loadConfig(
    `
binds:
- port: 3000
  listeners:
  - routes:
    - policies:
        requestHeaderModifier: { set: { x-functions-key: $KEY }, add: { x-more: $KEY }, remove: [x-gone] }
        responseHeaderModifier: { set: { x-served-by: gateway } }
      backends: [{ host: "127.0.0.1:80" }]
`,
    {
      env: { KEY: "the-function-key" },
      readFile: (path) => assert.fail(path),
    },
  );
  assert.ok("config" in loaded);
  const printed = printEffective(loaded.config);
  assert.doesNotMatch(printed, /the-function-key/);
  const { policies } = parse(printed).binds[0].listeners[0].routes[0];
  assert.deepEqual(policies.requestHeaders, {
    add: [["x-more", "[redacted]"]],
    set: [["x-functions-key", "[redacted]"]],
    remove: ["x-gone"],
  });
  assert.deepEqual(policies.responseHeaders.set, [["x-served-by", "gateway"]]);
});
