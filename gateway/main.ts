#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { type Log, createLog, gathered } from "./access-log.ts";
import { type ConfigFile, openConfigFile } from "./config-file.ts";
import { help, parseCommandLine } from "./command-line.ts";
import { printAgentgateway } from "./config/agentgateway.ts";
import { printEffective } from "./config/effective.ts";
import type { Loaded } from "./config/load.ts";
import { formatProblem } from "./config/problem.ts";
import type { Config } from "./config/run.ts";
import { type Gateway, createGateway } from "./gateway.ts";
import { giveBackWhenQuiet } from "./give-back.ts";
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
    if (load(open(command.file), command.file) !== undefined)
      process.stdout.write(`${command.file}: valid\n`);
    break;
  case "print-effective": {
    const config = load(open(command.file), command.file);
    if (config !== undefined) process.stdout.write(printEffective(config));
    break;
  }
  case "print-agentgateway":
    if (load(open(command.file), command.file) !== undefined)
      process.stdout.write(printAgentgateway(readFileSync(command.file, "utf8")));
    break;
  case "run":
    void run(open(command.file), command.file, command.drainTimeout);
    break;
}

function open(file: string): ConfigFile {
  return openConfigFile(file, process.env);
}

/** Reads the configuration and reports what is wrong with it. */
function load(source: ConfigFile, file: string): Config | undefined {
  let loaded: Loaded;
  try {
    loaded = source.load();
  } catch (error) {
    fail(`${file}:1:1: cannot read: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
  if ("problems" in loaded) {
    fail(loaded.problems.map((problem) => `${formatProblem(file, problem)}\n`).join(""));
    return undefined;
  }
  for (const warning of loaded.warnings) {
    process.stderr.write(`warning: ${formatProblem(file, warning)}\n`);
  }
  return loaded.config;
}

async function run(source: ConfigFile, file: string, drainTimeout: number): Promise<void> {
  const config = load(source, file);
  if (config === undefined) return;
  const output = gathered(pino.destination(1));
  // Before pino closes what it writes to.
  process.prependListener("exit", output.flush);
  const log = createLog(output);
  const gateway = createGateway(config, { env: process.env, log });
  let draining = false;
  let stopWatching: (() => void) | undefined;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (draining) process.exit(1);
    draining = true;
    stopWatching?.();
    log.info({ signal, drainTimeoutMs: drainTimeout }, "draining");
    const cut = await gateway.drain(drainTimeout);
    log.info({ cut, ...gateway.counts() }, "drained");
    process.exit(0);
  };
  // Before anybody is told that it listens, and may want it to stop.
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  try {
    log.info(await gateway.start(), "listening");
    giveBackWhenQuiet(() => gateway.underWay() === 0);
  } catch (error) {
    log.error({ err: error }, "cannot listen");
    process.exitCode = 1;
    return void gateway.drain(0);
  }
  if (!draining) stopWatching = source.watch((loaded) => void reload(gateway, loaded, file, log));
}

/** A configuration with mistakes, or one that cannot be had, leaves the one in force. */
async function reload(gateway: Gateway, loaded: Loaded, file: string, log: Log): Promise<void> {
  if ("problems" in loaded) {
    const problems = loaded.problems.map((problem) => formatProblem(file, problem));
    log.error({ problems }, "config not reloaded");
    return;
  }
  const warnings = loaded.warnings.map((warning) => formatProblem(file, warning));
  try {
    log.info({ binds: await gateway.reload(loaded.config), warnings }, "config reloaded");
  } catch (error) {
    log.error({ err: error }, "config not reloaded");
  }
}

function fail(message: string): void {
  process.stderr.write(message);
  process.exitCode = 1;
}
