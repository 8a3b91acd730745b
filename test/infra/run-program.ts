import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type EngineOptions, type Registered, startEngine } from "./engine.ts";

export type Run = {
  readonly exitCode: number | null;
  readonly resources: readonly Registered[];
  /** By the URN's last part: the outputs a component or the stack registered. */
  readonly outputs: ReadonlyMap<string, Record<string, unknown>>;
  readonly log: string;
};

export type ProgramOptions = EngineOptions & {
  /** Path of the program's file. */
  readonly program: string;
  readonly args?: readonly string[];
  /** The project's folder. Default: the program's project is this repository. */
  readonly cwd?: string;
  /** `project:key` -> text, as `pulumi config` would pass it. */
  readonly config?: Record<string, string>;
  readonly secretKeys?: readonly string[];
  /** More environment, such as the language host's PULUMI_NODEJS_TYPESCRIPT. */
  readonly env?: Record<string, string>;
};

export const repository = fileURLToPath(new URL("../..", import.meta.url));
const deadline = 60_000;

/** Runs a program with `@pulumi/pulumi/cmd/run` as `pulumi up` (or preview) would. */
export async function runProgram(options: ProgramOptions): Promise<Run> {
  const { cwd = repository, dryRun = false } = options;
  const engine = await startEngine(options);
  const { address, resources, outputs, log } = engine;
  try {
    const runtime = fileURLToPath(import.meta.resolve("@pulumi/pulumi/cmd/run/index.js"));
    const child = spawn(
      process.execPath,
      [
        runtime,
        `--monitor=${address}`,
        `--engine=${address}`,
        "--organization=acme",
        "--project=foundry-gateway",
        "--stack=test",
        "--parallel=8",
        `--pwd=${cwd}`,
        `--root-directory=${cwd}`,
        ...(dryRun ? ["--dry-run"] : []),
        options.program,
        ...(options.args ?? []),
      ],
      {
        cwd,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: process.env.PATH,
          PULUMI_CONFIG: JSON.stringify(options.config ?? {}),
          PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(options.secretKeys ?? []),
          ...options.env,
        },
        timeout: deadline,
      },
    );
    child.stdout.on("data", (text: Buffer) => void log.push(String(text)));
    child.stderr.on("data", (text: Buffer) => void log.push(String(text)));
    const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { exitCode, resources, outputs, log: log.join("\n") };
  } finally {
    engine.stop();
  }
}
