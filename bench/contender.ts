import type { Job } from "./upstream/check.ts";
import type { Child } from "./process/child.ts";

/** Around a contender that is to be started. */
export type Site = {
  readonly port: number;
  /** Of the upstream, for the contender's job. */
  readonly upstreamPort: number;
  readonly core: number | undefined;
  /** For its files; removed after the run. */
  readonly directory: string;
  /** What a container of Azure would have in its environment. */
  readonly identity: Readonly<Record<string, string>>;
};

export type Contender = {
  readonly name: string;
  readonly title: string;
  readonly job: Job;
  /** None where nothing is between: the load asks the upstream. */
  readonly runtime: "node" | "python" | "native" | "none";
  /** What the caller sends besides the body. */
  readonly headers: Readonly<Record<string, string>>;
  /** Why it cannot run here; undefined when it can. */
  absent(): string | undefined;
  start(site: Site): Promise<Child> | Child;
};
