import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender } from "../contender.ts";
import { callerKey, modelAsked, modelSent, upstreamToken } from "../job.ts";
import { startChild } from "../process/child.ts";
import { pinned } from "../process/cores.ts";

const version = "1.105.0";
const home = join(tmpdir(), "foundry-gateway-bench", `litellm-${version}`);
const command = join(home, "bin", "litellm");

/** Gets LiteLLM's proxy from PyPI unless it is there. Says why when it cannot be had. */
export function installLitellm(): string | undefined {
  if (existsSync(command)) return undefined;
  const steps: readonly (readonly [string, ...string[]])[] = [
    ["python3", "-m", "venv", home],
    [join(home, "bin", "pip"), "install", "--quiet", `litellm[proxy]==${version}`],
  ];
  for (const [program, ...args] of steps) {
    const { status, error, stderr } = spawnSync(program, args, {
      encoding: "utf8",
      timeout: 240_000,
    });
    if (status === 0) continue;
    rmSync(home, { recursive: true, force: true });
    const why = error?.message ?? stderr.trim().split("\n").at(-1) ?? "failed";
    return `LiteLLM ${version} could not be installed: ${why}`;
  }
  return undefined;
}

/** One worker, as the gateway is one process. */
export const litellm: Contender = {
  name: "litellm",
  title: "LiteLLM proxy",
  job: "model",
  runtime: "python",
  headers: { authorization: `Bearer ${callerKey}` },
  absent: () => (existsSync(command) ? undefined : `LiteLLM ${version} is not installed`),
  start({ directory, core, port, upstreamPort }) {
    const file = join(directory, `litellm-${port}.yaml`);
    const config = {
      model_list: [
        {
          model_name: modelAsked,
          litellm_params: {
            model: `openai/${modelSent}`,
            api_base: `http://127.0.0.1:${upstreamPort}/v1`,
            api_key: upstreamToken,
          },
        },
      ],
      general_settings: { master_key: callerKey },
    };
    writeFileSync(file, JSON.stringify(config));
    const args = ["--config", file, "--host", "127.0.0.1", "--port", String(port)];
    return startChild(
      pinned(core, [command, ...args, "--num_workers", "1", "--telemetry", "False"]),
      {
        // Its list of prices is otherwise fetched from the Internet.
        LITELLM_LOCAL_MODEL_COST_MAP: "True",
        LITELLM_LOG: "ERROR",
        PYTHONDONTWRITEBYTECODE: "1",
      },
    );
  },
};
