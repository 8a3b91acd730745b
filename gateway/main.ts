#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { help, parseCommandLine } from "./command-line.ts";
import { printEffective } from "./config/effective.ts";
import { loadConfig } from "./config/load.ts";
import { formatProblem } from "./config/problem.ts";
import type { Config } from "./config/run.ts";
import { createGateway } from "./gateway.ts";
import { version } from "./version.ts";

const command = parseCommandLine(process.argv.slice(2));
switch (command.kind) {
  case "help":
    process.stdout.write(help);
    break;
  case "version":
    process.stdout.write(`${version}\n`);
    break;
  case "mistake":
    fail(`foundry-gateway: ${command.message}\n\n${help}`);
    break;
  case "validate":
    if (load(command.file) !== undefined) process.stdout.write(`${command.file}: valid\n`);
    break;
  case "print-effective": {
    const config = load(command.file);
    if (config !== undefined) process.stdout.write(printEffective(config));
    break;
  }
  case "run": {
    const config = load(command.file);
    if (config !== undefined) void run(config, command.drainTimeout);
    break;
  }
}

function load(file: string): Config | undefined {
  let source: Buffer;
  try {
    source = readFileSync(file);
  } catch (error) {
    fail(`${file}:1:1: cannot read: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
  const loaded = loadConfig(source, {
    env: process.env,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  if ("problems" in loaded) {
    fail(loaded.problems.map((problem) => `${formatProblem(file, problem)}\n`).join(""));
    return undefined;
  }
  for (const warning of loaded.warnings) {
    process.stderr.write(`warning: ${formatProblem(file, warning)}\n`);
  }
  return loaded.config;
}

async function run(config: Config, drainTimeout: number): Promise<void> {
  const log = pino({ base: null });
  const gateway = createGateway(config, { env: process.env, log });
  try {
    log.info(await gateway.start(), "listening");
  } catch (error) {
    log.error({ err: error }, "cannot listen");
    process.exitCode = 1;
    return void gateway.drain(0);
  }
  let draining = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (draining) process.exit(1);
    draining = true;
    log.info({ signal, drainTimeoutMs: drainTimeout }, "draining");
    const cut = await gateway.drain(drainTimeout);
    log.info({ cut }, "drained");
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

function fail(message: string): void {
  process.stderr.write(message);
  process.exitCode = 1;
}
