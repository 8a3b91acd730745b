// A token issuer without a network, and a broker in front of it that lives on a fake clock.
import type { TestContext } from "node:test";
import {
  type Acquire,
  type TokenBroker,
  createBroker,
} from "../../../../gateway/backend/credential/broker.ts";
import { Refusal } from "../../../../gateway/errors.ts";
import { type FakeClock, createFakeClock } from "./fake-clock.ts";

export type Issuer = {
  readonly clock: FakeClock;
  readonly broker: TokenBroker;
  /** When each call came, in milliseconds since the start. */
  readonly calls: readonly number[];
  readonly signals: readonly AbortSignal[];
  readonly failures: readonly { readonly message: string; readonly retryIn: number }[];
  /** Gives `token-1`, `token-2`, ... by the number of the call, with so many milliseconds of life. */
  grant(life: number): void;
  fail(): void;
  hang(): void;
  act(acquire: Acquire): void;
};

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** Gives tokens of an hour until told otherwise. Chance is always in the middle: 55 % of a life. */
export function startIssuer(test: TestContext): Issuer {
  const clock = createFakeClock();
  const calls: number[] = [];
  const signals: AbortSignal[] = [];
  const failures: { message: string; retryIn: number }[] = [];
  const granting =
    (life: number): Acquire =>
    async () => ({ token: `token-${calls.length}`, expiresOn: clock.now() + life });
  let acquire = granting(hour);

  const broker = createBroker({
    clock,
    random: () => 0.5,
    acquire(signal) {
      calls.push(clock.passed());
      signals.push(signal);
      return acquire(signal);
    },
    onFailure: (error, retryIn) =>
      failures.push({ message: error instanceof Error ? error.message : "", retryIn }),
  });
  test.after(() => broker.stop());

  return {
    clock,
    broker,
    calls,
    signals,
    failures,
    grant: (life) => void (acquire = granting(life)),
    fail: () => void (acquire = () => Promise.reject(new Error("out of order"))),
    hang: () => void (acquire = () => new Promise(() => {})),
    act: (behaviour) => void (acquire = behaviour),
  };
}

/** A request for a token, whose end can be looked at without waiting for it. */
export type Asked = { outcome: string };

/** `outcome` is the token, "waiting", or the reason of the refusal. */
export function ask(broker: TokenBroker, refused?: string): Asked {
  const asked: Asked = { outcome: "waiting" };
  const answer = broker.token(refused);
  if (typeof answer === "string") return { outcome: answer };
  answer.then(
    (token) => void (asked.outcome = token),
    (error: unknown) =>
      void (asked.outcome = error instanceof Refusal ? error.reason.kind : String(error)),
  );
  return asked;
}
