// What travels to Azure is one file of text, mounted as a secret: a symlink into a folder of its own,
// read-only, with no node_modules anywhere. It must run from there, alone.
import assert from "node:assert/strict";
import {
  copyFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import manifest from "../../package.json" with { type: "json" };
import { freePort } from "../demo/gateway-process.ts";
import { greeting } from "../stand-in/everyday-answer.ts";
import { startFoundry } from "../stand-in/foundry.ts";
import { bundle, selfExtracting, startChild } from "./gateway-child.ts";

const foundry = await startFoundry({ apiKeys: ["the-key"] });
let root = "";
/** As kubelet lays a secret out: `gateway.cjs` -> `..data/gateway.cjs`, `..data` -> `..2025`. */
let mount = "";
before(async () => {
  root = await mkdtemp(join(tmpdir(), "foundry-gateway-"));
  mount = join(root, "mount");
  const version = join(mount, "..2025");
  await mkdir(version, { recursive: true });
  await copyFile(selfExtracting, join(version, "gateway.cjs"));
  await chmod(join(version, "gateway.cjs"), 0o400);
  await symlink("..2025", join(mount, "..data"));
  await symlink("..data/gateway.cjs", join(mount, "gateway.cjs"));
});
after(async () => {
  await foundry.close();
  await rm(root, { recursive: true });
});

test("it is text that any secret can hold, within the limit", async () => {
  const text = await readFile(selfExtracting, "latin1");
  assert.ok(text.length <= 700_000);
  assert.match(text, /^[\n\x20-\x7e]*$/);
});

for (const { form, script } of [
  { form: "the travelling form, through its symlinks", script: () => join(mount, "gateway.cjs") },
  { form: "the bundle", script: () => bundle },
]) {
  test(
    `${form} serves a stream, and only its config is beside it`,
    { timeout: 30_000 },
    async (t) => {
      const port = await freePort();
      const config = join(root, `config-${port}.yaml`);
      await writeFile(
        config,
        `config: { readinessAddr: "off" }
binds:
- port: ${port}
  listeners:
  - routes:
    - matches: [{ path: { pathPrefix: /openai } }]
      policies:
        backendAuth: { key: { value: $FOUNDRY_KEY, location: { header: { name: api-key } } } }
      backends:
      - ai: { name: foundry, hostOverride: "localhost:${foundry.port}", provider: { openAI: { model: gpt-5-mini } } }
    - policies: { backendAuth: { key: { value: $FOUNDRY_KEY, location: { header: { name: api-key } } } } }
      backends: [{ host: "localhost:${foundry.port}" }]
`,
      );
      const gateway = startChild(t, script(), ["-f", config], { FOUNDRY_KEY: "the-key" }, root);
      await gateway.said('"msg":"listening"');
      const openai = new OpenAI({
        apiKey: "callers",
        baseURL: `http://127.0.0.1:${port}/openai/v1`,
        maxRetries: 0,
      });
      const stream = await openai.chat.completions.create({
        model: "gpt-4",
        messages: [{ role: "user", content: "Hello" }],
        stream: true,
      });
      let text = "";
      for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
      assert.equal(text, greeting);

      // The other carrier, express-http-proxy, is in the bundle as well.
      const sent = new FormData();
      sent.append("audio", new Blob(["a".repeat(100_000)]), "a.wav");
      const answer = await fetch(`http://127.0.0.1:${port}/speech/mirror`, {
        method: "POST",
        body: sent,
      });
      assert.equal(answer.status, 200);
      assert.equal((await answer.formData()).has("audio"), true);
      assert.doesNotMatch(
        gateway.stderr(),
        /^(?!warning: .*mode strict$)./m,
        "nothing but the open routes is warned of",
      );
    },
  );

  test(`${form} tells its version and how it is used`, { timeout: 30_000 }, async (t) => {
    const version = startChild(t, script(), ["--version"], {}, root);
    assert.equal(await version.ended, 0);
    assert.equal(version.stdout(), `${manifest.version}\n`);
    const help = startChild(t, script(), ["--help"], {}, root);
    assert.equal(await help.ended, 0);
    assert.match(help.stdout(), /^foundry-gateway: .*\n\nUsage: foundry-gateway -f FILE/);
    assert.equal(version.stderr() + help.stderr(), "");
  });

  test(
    `${form} names every problem of a configuration and leaves no stack trace`,
    { timeout: 30_000 },
    async (t) => {
      const config = join(root, "wrong.yaml");
      await writeFile(config, "binds:\n- port: 0\n  listeners:\n  - routs: []\n");
      for (const args of [
        ["-f", config],
        ["-f", config, "--validate-only"],
      ]) {
        const gateway = startChild(t, script(), args, {}, root);
        assert.equal(await gateway.ended, 1);
        assert.equal(gateway.stdout(), "");
        const lines = gateway.stderr().trim().split("\n");
        assert.equal(lines.length, 2);
        assert.match(lines[0] ?? "", /wrong\.yaml:2:9: binds\[0\]\.port: expected a port number/);
        assert.match(lines[1] ?? "", /wrong\.yaml:4:5: .*routs: did you mean routes\?/);
      }
      const missing = startChild(t, script(), ["-f", "nowhere.yaml"], {}, root);
      assert.equal(await missing.ended, 1);
      assert.match(missing.stderr(), /^nowhere\.yaml:1:1: cannot read: /);
      const none = startChild(t, script(), [], {}, root);
      assert.equal(await none.ended, 1);
      assert.match(none.stderr(), /-f FILE is missing/);
    },
  );
}
