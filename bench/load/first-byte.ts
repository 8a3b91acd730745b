import { type Ask, bodyOf } from "../job.ts";
import { type Target, createConnection, postOf } from "./connection.ts";
import { type Quantiles, quantilesOf } from "./tally.ts";

export type FirstByteTask = {
  readonly kind: "firstByte";
  readonly target: Target;
  readonly ask: Ask;
  readonly count: number;
};

/** Milliseconds from a request to the first byte of its answer's body, one request at a time. */
export async function firstByte({ target, ask, count }: FirstByteTask): Promise<Quantiles> {
  const request = postOf(target, bodyOf(ask));
  const connection = createConnection(target.port);
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    times.push(
      await new Promise<number>((resolve, reject) => {
        const sent = performance.now();
        let first: number | undefined;
        connection.send(request, {
          body: () => (first ??= performance.now()),
          end: () => resolve((first ?? performance.now()) - sent),
          fail: (why) => reject(new Error(why)),
        });
      }),
    );
  }
  connection.close();
  return quantilesOf(times);
}
