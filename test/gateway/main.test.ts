// The program as it is called: what it prints, where, and how it ends. Never a stack trace: what is
// wrong with a configuration is said in its own terms.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { help } from "../../gateway/command-line.ts";
import { version } from "../../gateway/version.ts";

const main = join(import.meta.dirname, "../../gateway/main.ts");
const examples = join(import.meta.dirname, "../../examples");
const valid = "binds: [{port: 3000, listeners: [{}]}]\n";

let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "command-"));
});
after(() => rm(directory, { recursive: true }));

type Ended = { readonly code: number; readonly out: string; readonly err: string };

function gateway(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { cwd: directory, env: { PATH: "", ...env } },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

function assertNoTrace({ out, err }: Ended): void {
  assert.doesNotMatch(out + err, /^\s+at |node:internal|Error: /m);
}

describe("the program", { concurrency: 2 }, () => {
  test("prints its help and its version", async () => {
    assert.deepEqual(await gateway(["--help"]), { code: 0, out: help, err: "" });
    assert.deepEqual(await gateway(["--version"]), { code: 0, out: `${version}\n`, err: "" });
  });

  test("says what is wrong with its arguments, and how to call it", async () => {
    for (const args of [[], ["--valid"]]) {
      const ended = await gateway(args);
      assert.equal(ended.code, 1);
      assert.equal(ended.out, "");
      assert.match(ended.err, /^foundry-gateway: .+\n\n/);
      assert.ok(ended.err.endsWith(help));
      assertNoTrace(ended);
    }
  });

  test("validates a configuration without starting it", async () => {
    await writeFile(join(directory, "valid.yaml"), valid);
    assert.deepEqual(await gateway(["-f", "valid.yaml", "--validate-only"]), {
      code: 0,
      out: "valid.yaml: valid\n",
      err: "",
    });
  });

  test("lists every problem of an invalid one as file:line:column: path: message", async () => {
    await writeFile(
      join(directory, "invalid.yaml"),
      "binds:\n- port: 0\n  listeners: [{tls: {cert: missing.pem, key: .}}]\n",
    );
    const expected = [
      "invalid.yaml:2:9: binds[0].port: expected a port number from 1 to 65535",
      "invalid.yaml:3:28: binds[0].listeners[0].tls.cert: cannot read missing.pem: no such file",
      "invalid.yaml:3:46: binds[0].listeners[0].tls.key: cannot read .: it is a directory",
      "",
    ].join("\n");
    for (const option of [["--validate-only"], ["--print-effective"], []]) {
      const ended = await gateway(["-f", "invalid.yaml", ...option]);
      assert.deepEqual(ended, { code: 1, out: "", err: expected });
    }
  });

  test("says so when there is no file to read", async () => {
    for (const [file, reason] of [
      ["missing.yaml", "ENOENT"],
      [".", "EISDIR"],
    ] as const) {
      const ended = await gateway(["-f", file, "--validate-only"]);
      assert.equal(ended.code, 1);
      assert.ok(ended.err.startsWith(`${file}:1:1: cannot read: ${reason}`), ended.err);
      assert.equal(ended.err.split("\n").length, 2);
      assertNoTrace(ended);
    }
  });

  test("calls a binary file what it is", async () => {
    await writeFile(join(directory, "binary.yaml"), Buffer.from([0xff, 0xfe, 0x00, 0x80]));
    assert.deepEqual(await gateway(["-f", "binary.yaml", "--validate-only"]), {
      code: 1,
      out: "",
      err: "binary.yaml:1:1: the file is not UTF-8 text\n",
    });
  });

  test("prints a configuration as run, its secret taken from the environment and not shown", async () => {
    const file = join(examples, "client-secret.yaml");
    const ended = await gateway(["-f", file, "--print-effective"], {
      AZURE_CLIENT_SECRET: "q7Hq~Xs3cr3t",
    });
    assert.equal(ended.code, 0);
    assert.doesNotMatch(ended.out + ended.err, /q7Hq/);
    assert.match(ended.out, /clientSecret: "\[redacted\]"/);
    // Warnings are for the reader, the output for a program.
    assert.match(ended.err, /^warning: .+client-secret\.yaml:\d+:\d+: /);
    const printed: unknown = parse(ended.out);
    assert.ok(typeof printed === "object" && printed !== null && "binds" in printed);
  });

  test("asks for the environment variable that the example wants", async () => {
    const file = join(examples, "client-secret.yaml");
    const ended = await gateway(["-f", file, "--validate-only"]);
    assert.equal(ended.code, 1);
    assert.match(ended.err, /environment variable AZURE_CLIENT_SECRET is not set/);
    assert.equal(ended.err.trim().split("\n").length, 1);
  });

  test("takes PEM files by their path from where it is called", async () => {
    await writeFile(join(directory, "not-pem.pem"), "not a certificate");
    await writeFile(
      join(directory, "tls.yaml"),
      "binds: [{port: 3443, listeners: [{protocol: HTTPS, tls: {cert: not-pem.pem, key: not-pem.pem}}]}]\n",
    );
    const ended = await gateway(["-f", "tls.yaml", "--validate-only"]);
    assert.equal(ended.code, 1);
    assert.match(ended.err, /tls\.yaml:1:\d+: .+cert: not-pem\.pem holds no PEM certificate/);
    assert.match(ended.err, /tls\.yaml:1:\d+: .+key: not-pem\.pem holds no PEM private key/);
    assertNoTrace(ended);
  });
});
