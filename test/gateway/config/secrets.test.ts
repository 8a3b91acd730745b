// A secret in a configuration must not come out of it again: not in the effective form, which is
// pasted into tickets, and not in an error, which is kept by whatever builds and deploys. That holds
// for a secret in its place, and for one that a slip of the keyboard has put in another.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { printEffective } from "../../../gateway/config/effective.ts";
import { loadConfig } from "../../../gateway/config/load.ts";
import { formatProblem } from "../../../gateway/config/problem.ts";
import { redacted, secret } from "../../../gateway/config/secret.ts";
import { makeFiles } from "./surroundings.ts";

const hidden = "q7Hq~Xs3cr3t";
const otherFile = await makeFiles();
const env = { HIDDEN: hidden };
const readFile = (path: string): string =>
  path === "hidden.txt" ? `${hidden}\n` : otherFile(path);

function configuration(backendAuth: string): string {
  return `binds:
- port: 3000
  listeners:
  - routes:
    - backends:
      - host: contoso.openai.azure.com:443
        policies:
          backendAuth:
            ${backendAuth}
`;
}
const azure = (text: string): string => `azure: {explicitConfig: {clientSecret: ${text}}}`;

describe("the effective form hides", () => {
  const cases: readonly (readonly [name: string, auth: string])[] = [
    ["a client secret", azure(`{tenantId: t, clientId: c, clientSecret: ${hidden}}`)],
    ["a client_secret", azure(`{tenant_id: t, client_id: c, client_secret: ${hidden}}`)],
    ["one from the environment", azure("{tenantId: t, clientId: c, clientSecret: $HIDDEN}")],
    ["a key", `key: ${hidden}`],
    ["a key given as a map", `key: {value: ${hidden}}`],
    ["a key in a header", `key: {value: $HIDDEN, location: {header: {name: api-key}}}`],
    ["a key from a file", "key: {file: hidden.txt}"],
  ];
  for (const [name, auth] of cases) {
    test(name, () => {
      const loaded = loadConfig(configuration(auth), { env, readFile });
      if ("problems" in loaded) return assert.fail(JSON.stringify(loaded.problems));
      const text = printEffective(loaded.config);
      assert.ok(!text.includes(hidden));
      assert.ok(text.includes(redacted));
      assert.ok(!JSON.stringify(loaded.config).includes(hidden));
      assert.ok(!inspect(loaded.config, { depth: 20 }).includes(hidden));
      assert.ok(!JSON.stringify(loaded.warnings).includes(hidden));
    });
  }

  test("private keys of listeners and backends", () => {
    const source = `binds:
- port: 3443
  listeners:
  - protocol: HTTPS
    tls: {cert: server.pem, key: server.key}
    routes:
    - policies: {backendTLS: {cert: client.pem, key: client.key}}
      backends: [{host: "a.example.com:443"}]
`;
    const loaded = loadConfig(source, { env, readFile });
    if ("problems" in loaded) return assert.fail(JSON.stringify(loaded.problems));
    const text = printEffective(loaded.config);
    assert.match(text, /BEGIN CERTIFICATE/);
    assert.doesNotMatch(text, /PRIVATE KEY/);
  });

  test("the keys of callers", () => {
    const source = `binds:
- port: 3000
  listeners:
  - routes:
    - policies: {apiKey: {keys: [{key: ${hidden}}]}}
      backends: [{host: "a.example.com:443"}]
`;
    const loaded = loadConfig(source, { env, readFile });
    if ("problems" in loaded) return assert.fail(JSON.stringify(loaded.problems));
    assert.ok(!printEffective(loaded.config).includes(hidden));
  });
});

describe("an error does not repeat", () => {
  const cases: readonly (readonly [name: string, auth: string])[] = [
    ["a secret where a map belongs", azure(hidden)],
    ["a secret where azure belongs", `azure: ${hidden}`],
    ["one from the environment where a map belongs", azure("$HIDDEN")],
    ["a secret in a list", azure(`{tenantId: t, clientId: c, clientSecret: [${hidden}]}`)],
    ["a secret in a map", azure(`{tenantId: t, clientId: c, clientSecret: {a: ${hidden}}}`)],
    ["the secret beside a missing field", azure(`{tenantId: t, clientSecret: ${hidden}}`)],
    ["a secret given twice", azure(`{clientSecret: ${hidden}, client_secret: ${hidden}}`)],
    ["the secret beside a typo", azure(`{tenantId: t, clientID: c, clientSecret: ${hidden}}`)],
    ["a key that is two things", `key: {value: ${hidden}, file: hidden.txt}`],
    ["a key in a list", `key: [${hidden}]`],
    ["a key beside another choice", `key: ${hidden}\n            passthrough: {}`],
    ["a scope", `azure: {explicitConfig: {workloadIdentity: {}}, scope: ${hidden}}`],
    ["the text behind a lone ${", `key: 'ab$\{${hidden}'`],
    ["the text within ${ and }", `key: 'ab$\{${hidden}}'`],
    ["a default", `key: 'ab$\{UNSET-${hidden}}'`],
    ["text after a quoted value", `key: "ab" ${hidden}`],
    ["text after a bracket", `key: ]${hidden}`],
    ["text after a block's sign", `key: |${hidden}\n  x`],
    ["an open quote", `key: '${hidden}`],
    ["an open bracket", `key: [${hidden}`],
    ["an escape", `key: "\\q${hidden}"`],
    ["a colon too many", `key: ab: ${hidden}`],
    ["a duplicate key's value", `key: ab\n            key: ${hidden}`],
    ["a reserved character", `key: @${hidden}`],
    ["a header's name", `key: {value: a, location: {header: {name: "a ${hidden}"}}}`],
  ];
  for (const [name, auth] of cases) {
    test(name, () => {
      const loaded = loadConfig(configuration(auth), { env, readFile });
      assert.ok("problems" in loaded, "it was accepted");
      assert.notEqual(loaded.problems.length, 0);
      for (const problem of loaded.problems) {
        const text = formatProblem("config.yaml", problem);
        assert.ok(!text.includes(hidden), text);
        assert.ok(!text.includes("q7Hq"), text);
      }
    });
  }

  test("what a file that is no PEM holds", () => {
    const source = `binds:
- port: 3000
  listeners: [{protocol: HTTPS, tls: {cert: hidden.txt, key: hidden.txt}}]
`;
    const loaded = loadConfig(source, { env, readFile });
    assert.ok("problems" in loaded);
    assert.ok(!JSON.stringify(loaded.problems).includes(hidden));
  });
});

test("a secret shows itself to nobody who does not ask", () => {
  const value = secret(hidden);
  assert.equal(value.reveal(), hidden);
  assert.equal(String(value), redacted);
  assert.equal(`${value.toString()}`, redacted);
  assert.equal(JSON.stringify({ value }), JSON.stringify({ value: redacted }));
  assert.ok(!inspect(value, { depth: 5, showHidden: true }).includes(hidden));
});
