import { Writable } from "node:stream";
import tls from "node:tls";
import type { TestContext } from "node:test";
import { loadConfig } from "../../gateway/config/load.ts";
import { formatProblem } from "../../gateway/config/problem.ts";
import { createLog } from "../../gateway/access-log.ts";
import { type Gateway, type Surroundings, createGateway } from "../../gateway/gateway.ts";

export type RunningGateway = {
  readonly gateway: Gateway;
  /** Of the first bind. */
  readonly origin: string;
  readonly port: number;
  readonly readiness: string | undefined;
  /** Everything logged so far, a line each, as text and as parsed. */
  readonly logText: () => string;
  readonly logged: () => readonly LogLine[];
  /** Waits until so many requests have been logged; the log line follows the answer's end. */
  readonly accessLog: (count: number) => Promise<readonly LogLine[]>;
};

export type LogLine = Readonly<Record<string, unknown>>;

export type Options = Partial<Omit<Surroundings, "log" | "address">> & {
  /** Port on loopback that every target is connected to, whatever the config says. */
  readonly upstreamPort?: number;
  /** PEM files by the name the config gives them. */
  readonly files?: Readonly<Record<string, string>>;
};

/**
 * The real gateway in this process, on free ports of loopback, stopped when the test ends.
 * The binds' and targets' own ports are as configured; only where they lead is changed.
 */
export async function runGateway(
  test: TestContext,
  yaml: string,
  options: Options = {},
): Promise<RunningGateway> {
  const { files = {}, upstreamPort, env = process.env, ...surroundings } = options;
  const loaded = loadConfig(yaml, {
    env,
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
      return content;
    },
  });
  if ("problems" in loaded) {
    throw new Error(
      loaded.problems.map((problem) => formatProblem("config.yaml", problem)).join("\n"),
    );
  }
  const lines: string[] = [];
  let heard: (() => void) | undefined;
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(chunk.toString());
      heard?.();
      done();
    },
  });
  const gateway = createGateway(loaded.config, {
    env,
    log: createLog(sink),
    dial: (target) => ({ host: "127.0.0.1", port: upstreamPort ?? target.port }),
    address: () => ({ host: "127.0.0.1", port: 0 }),
    ...surroundings,
  });
  const started = await gateway.start();
  test.after(() => gateway.drain(0));
  const port = started.binds[0]?.port ?? 0;
  const logged = (): LogLine[] => lines.map((line) => JSON.parse(line));
  const requests = () => logged().filter(({ msg }) => msg === "request");
  return {
    gateway,
    port,
    origin: `http://127.0.0.1:${port}`,
    readiness:
      started.readiness === undefined ? undefined : `http://127.0.0.1:${started.readiness.port}`,
    logText: () => lines.join(""),
    logged,
    async accessLog(count) {
      while (requests().length < count) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      return requests();
    },
  };
}

/** Makes this process trust a certificate authority, as a system's own roots are trusted. */
export function trust(authority: { readonly cert: string }): void {
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), authority.cert]);
}
