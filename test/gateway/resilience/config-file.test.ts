// However the file comes to change, the gateway notices: written over, renamed onto, or swapped with
// the whole folder, as Kubernetes and Container Apps mount secrets.
import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openConfigFile } from "../../../gateway/config-file.ts";
import type { Loaded } from "../../../gateway/config/load.ts";
import { call } from "../caller.ts";
import { configuration } from "../configuration.ts";
import { runBuiltGateway } from "./built-gateway.ts";

const config = (name: string, port = 3000, readinessAddr: string = "off") =>
  configuration({
    config: { readinessAddr },
    binds: [
      {
        port,
        listeners: [
          { routes: [{ name, policies: { directResponse: { status: 200, body: name } } }] },
        ],
      },
    ],
  });

/** @param poll so rare that only a notification can tell, unless given */
function watched(t: TestContext, file: string, poll = 3_600_000) {
  const heard: string[] = [];
  let wake: (() => void) | undefined;
  const source = openConfigFile(file, {}, poll);
  source.load();
  const stop = source.watch((loaded) => {
    heard.push(describe(loaded));
    wake?.();
  });
  t.after(stop);
  return {
    async until(expected: string): Promise<void> {
      while (heard.at(-1) !== expected) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function describe(loaded: Loaded): string {
  if ("problems" in loaded) return `${loaded.problems[0]?.line}:${loaded.problems[0]?.column}`;
  return loaded.config.binds[0]?.listeners[0]?.routes[0]?.name ?? "";
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "foundry-gateway-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("a file written over, renamed onto, deleted and written again", async (t) => {
  const directory = folder(t);
  const file = join(directory, "config.yaml");
  writeFileSync(file, config("one"));
  const { until } = watched(t, file);
  writeFileSync(file, config("two"));
  await until("two");
  writeFileSync(`${file}.new`, config("three"));
  renameSync(`${file}.new`, file);
  await until("three");
  writeFileSync(file, "binds: [");
  await until("1:9");
  unlinkSync(file);
  await until("1:1");
  writeFileSync(file, config("four"));
  await until("four");
});

test("the ..data link of a secret mount, swapped", async (t) => {
  const directory = folder(t);
  const version = (name: string) => {
    mkdirSync(join(directory, `..${name}`));
    writeFileSync(join(directory, `..${name}`, "config.yaml"), config(name));
  };
  version("one");
  symlinkSync("..one", join(directory, "..data"));
  symlinkSync("..data/config.yaml", join(directory, "config.yaml"));
  const { until } = watched(t, join(directory, "config.yaml"));
  for (const [before, name] of [
    ["one", "two"],
    ["two", "three"],
  ] as const) {
    version(name);
    symlinkSync(`..${name}`, join(directory, "..data_tmp"));
    renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
    rmSync(join(directory, `..${before}`), { recursive: true });
    await until(name);
  }
});

test("a file in a folder that something else writes into all the time", async (t) => {
  const directory = folder(t);
  const file = join(directory, "config.yaml");
  writeFileSync(file, config("one"));
  const { until } = watched(t, file);
  const noise = setInterval(() => writeFileSync(join(directory, "other.log"), "line\n"), 10);
  t.after(() => clearInterval(noise));
  writeFileSync(file, config("two"));
  await until("two");
  writeFileSync(file, config("three"));
  await until("three");
});

test("a folder that sends no notification: it has been replaced as a whole", async (t) => {
  const directory = folder(t);
  const mount = join(directory, "mount");
  mkdirSync(mount);
  writeFileSync(join(mount, "config.yaml"), config("one"));
  const { until } = watched(t, join(mount, "config.yaml"), 50);
  renameSync(mount, join(directory, "before"));
  mkdirSync(mount);
  writeFileSync(join(mount, "config.yaml"), config("two"));
  await until("two");
  writeFileSync(join(mount, "config.yaml"), config("three"));
  await until("three");
});

test("a file that the configuration names, in another folder", async (t) => {
  const directory = folder(t);
  const elsewhere = folder(t);
  const keyFile = join(elsewhere, "key");
  writeFileSync(keyFile, "first");
  writeFileSync(
    join(directory, "config.yaml"),
    configuration({
      binds: [
        {
          port: 3000,
          listeners: [
            {
              routes: [
                {
                  name: "with-key",
                  policies: { backendAuth: { key: { file: keyFile } } },
                  backends: [{ host: "localhost:1" }],
                },
              ],
            },
          ],
        },
      ],
    }),
  );
  const { until } = watched(t, join(directory, "config.yaml"));
  writeFileSync(keyFile, "second");
  await until("with-key");
});

test("the built gateway reloads, and keeps what it has when the file is bad", async (t) => {
  const gateway = await runBuiltGateway(t, (port, ready) =>
    config("one", port, `127.0.0.1:${ready}`),
  );
  const bodyOf = async () => (await call(gateway.origin, {})).body.toString();
  assert.equal(await bodyOf(), "one");
  writeFileSync(gateway.configFile, config("two", gateway.port));
  await gateway.logged("config reloaded");
  assert.equal(await bodyOf(), "two");

  writeFileSync(gateway.configFile, "binds:\n  - prot: 3000\n    listeners: []\n");
  const line = await gateway.logged("config not reloaded");
  assert.deepEqual(line["problems"], [
    `${gateway.configFile}:2:5: binds[0].port: expected a port number from 1 to 65535`,
    `${gateway.configFile}:2:5: binds[0]: unknown key prot: did you mean port?`,
    `${gateway.configFile}:3:16: binds[0].listeners: expected at least one listener`,
  ]);
  assert.equal(await bodyOf(), "two");
  const seen = gateway.lines.length;
  writeFileSync(gateway.configFile, config("three", gateway.port));
  await gateway.logged("config reloaded", seen);
  assert.equal(await bodyOf(), "three");
  gateway.child.kill("SIGTERM");
  assert.equal(await gateway.exit, 0);
});
