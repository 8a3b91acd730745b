import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A container app's one container, run here as its template says. */
export type MountedApp = {
  /** What the ingress forwards to. */
  readonly port: number;
  readonly probePath: string;
  /** SIGTERM, and the exit code. */
  terminate(): Promise<number | null>;
  kill(): void;
};

/**
 * Mounts the app's secrets as the platform does (files are links to a folder that is swapped as a
 * whole) and runs command and arguments with the template's variables.
 * @param inputs of the container app
 * @param environment what Azure adds to the container's
 * @param standIn port on loopback that stands for every TLS target
 */
export async function startMountedApp(
  inputs: Record<string, unknown>,
  environment: Readonly<Record<string, string>>,
  standIn: number,
): Promise<MountedApp> {
  const { configuration, template } = Object(inputs);
  const [container] = template.containers;
  const [{ mountPath }] = container.volumeMounts;
  const mount = mkdtempSync(join(tmpdir(), "foundry-gateway-mount-"));
  mkdirSync(join(mount, "..2026_11_22"));
  symlinkSync("..2026_11_22", join(mount, "..data"));
  for (const { secretRef, path } of template.volumes[0].secrets) {
    const secret = configuration.secrets.find(({ name }: { name: string }) => name === secretRef);
    writeFileSync(join(mount, "..2026_11_22", path), secret.value, { mode: 0o444 });
    symlinkSync(join("..data", path), join(mount, path));
  }
  const here = (text: string) => text.replace(mountPath, mount);
  const [command, ...args]: string[] = [...container.command, ...container.args].map(here);
  const redirect = fileURLToPath(new URL("redirect-tls.ts", import.meta.url));
  const child = spawn(command === "node" ? process.execPath : "", args, {
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...Object.fromEntries(
        container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
      ),
      ...environment,
      NODE_OPTIONS: `--import=${redirect}`,
      STAND_IN_PORT: String(standIn),
    },
  });
  await listening(child);
  return {
    port: configuration.ingress.targetPort,
    probePath: container.probes[0].httpGet.path,
    async terminate() {
      child.kill("SIGTERM");
      const [code] = await once(child, "exit");
      return code;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Resolves with the gateway's line that says so; rejects when it ends instead. */
async function listening(child: ChildProcess): Promise<void> {
  const { stdout } = child;
  if (stdout === null) throw new TypeError("no standard output to read");
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the gateway exited with ${code}`)));
    createInterface({ input: stdout }).on("line", (line) => {
      if (JSON.parse(line).msg === "listening") resolve();
    });
  });
}
