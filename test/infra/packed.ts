import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { repository } from "./run-program.ts";

/** The package as npm would publish it, and folders that use it. */

/** Builds and packs this repository; the tarball's path. */
export function pack(): { readonly tarball: string; readonly files: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), "foundry-gateway-packed-"));
  run("npm", ["run", "--silent", "build:infra"], repository);
  const [packed] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], repository),
  );
  return {
    tarball: join(folder, packed.filename),
    files: packed.files.map(({ path }: { path: string }) => path),
  };
}

/**
 * Unpacks the tarball into `node_modules` of a new folder, and links what the package says it needs,
 * and nothing else, to what is installed here already.
 */
export function install(tarball: string, program: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), "foundry-gateway-consumer-"));
  const installed = join(folder, "node_modules/foundry-gateway");
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed], folder);
  const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), "typescript", "@types/node"]) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(repository, "node_modules", name), link);
  }
  if (program !== undefined) cpSync(join(repository, program), folder, { recursive: true });
  return folder;
}

export function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_config_loglevel: "error" },
  });
}
