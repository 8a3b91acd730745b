import type { Guard, Guards } from "../../../config/run/backend.ts";
import { Refusal } from "../../../errors.ts";
import type { GuardRecord } from "../../../request/access-record.ts";
import type { Exchange } from "../../../request/exchange.ts";
import { type Service, ask } from "./ask.ts";
import { type Check, checksOf } from "./checks.ts";
import { GuardFailure } from "./guard-failure.ts";
import type { Said } from "./said.ts";

export type RunningGuard = { readonly guard: Guard; readonly service: Service };

export type RunningGuards = {
  readonly request: readonly RunningGuard[];
  readonly response: readonly RunningGuard[];
};

/** What is to be checked; rejects with GuardFailure where it cannot be read. */
export type Listen = () => readonly Said[] | Promise<readonly Said[]>;

/** Calls of one guard under way at a time, for one text. */
const atOnce = 4;
/** UTF-16 units; a hundred calls, and more than most models can be told at once. */
const maxText = 1_000_000;

/** The guards of the config; undefined where there are none, so that nothing is asked of them. */
export function runGuards(
  guards: Guards | undefined,
  serviceOf: (guard: Guard) => Service,
): RunningGuards | undefined {
  const { request = [], response = [] } = guards ?? {};
  if (request.length + response.length === 0) return undefined;
  const run = (guard: Guard): RunningGuard => ({ guard, service: serviceOf(guard) });
  return { request: request.map(run), response: response.map(run) };
}

/**
 * Asks one guard after the other, and ends the request with the first that refuses: with
 * `content_rejected` for what it has found, with `guard_unavailable` for what it could not check
 * unless the config lets that pass. The access record says what came of it, never what was said.
 *
 * @param signal ends the asking; its reason is thrown
 */
export async function askGuards(
  exchange: Exchange,
  phase: keyof RunningGuards,
  guards: readonly RunningGuard[],
  listen: Listen,
  signal: AbortSignal,
): Promise<void> {
  let said: readonly Said[] | undefined;
  for (const running of guards) {
    const { guard } = running;
    let found: readonly string[];
    try {
      said ??= limited(await listen(), phase);
      found = await findings(exchange, running, said, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GuardFailure)) throw error;
      const { failure } = error;
      if (guard.onFailure === "refuse") {
        note(exchange, phase, { verdict: "failed_closed", failure });
        throw new Refusal({ kind: "guard_unavailable" }, error);
      }
      note(exchange, phase, { verdict: "failed_open", failure });
      continue;
    }
    if (found.length > 0) {
      note(exchange, phase, { verdict: "rejected", found });
      throw new Refusal({ kind: "content_rejected", phase, rejection: guard.rejection });
    }
    if (exchange.record.promptGuard?.[phase] === undefined) {
      note(exchange, phase, { verdict: "allowed" });
    }
  }
}

export function note({ record }: Exchange, phase: keyof RunningGuards, said: GuardRecord): void {
  record.promptGuard = { ...record.promptGuard, [phase]: said };
}

/** How long a request is, is its caller's choice, and no failure of the guard. */
function limited(said: readonly Said[], phase: keyof RunningGuards): readonly Said[] {
  const length = said.reduce((sum, { text }) => sum + text.length, 0);
  if (length > maxText) {
    if (phase === "response") throw new GuardFailure("answer_too_large");
    throw new Refusal({
      kind: "uncheckable_body",
      detail: `it has more than ${maxText} characters of text`,
    });
  }
  return said;
}

/**
 * What all the calls of a guard have found. The first finding ends the others; a failure does not,
 * for they may find something.
 */
async function findings(
  exchange: Exchange,
  { guard, service }: RunningGuard,
  said: readonly Said[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const left = checksOf(guard, said)[Symbol.iterator]();
  const ending = new AbortController();
  const end = (): void => ending.abort(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  const late = setTimeout(() => ending.abort(new GuardFailure("timeout")), guard.timeout);
  const found = new Set<string>();
  let failure: unknown;

  const work = async (): Promise<void> => {
    for (const check of left) {
      try {
        const results = await one(check);
        for (const result of results) found.add(result);
      } catch (error) {
        failure ??= error;
      }
      if (found.size > 0) ending.abort(enough);
      if (ending.signal.aborted) return;
    }
  };
  const one = async (check: Check): Promise<readonly string[]> =>
    check.found(await ask(service, exchange, check, guard.timeout, ending.signal));

  try {
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", end);
  }
  signal.throwIfAborted();
  if (found.size === 0 && failure !== undefined) throw failure;
  return [...found];
}

const enough = new Error("a finding is enough");
