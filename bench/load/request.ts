import type { Connection } from "./connection.ts";

/** How one request went; `why` says what was wrong with it. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** Sends a request and calls back once its answer is whole. A plain callback: promises would show. */
export function ask(connection: Connection, request: Buffer, done: (outcome: Outcome) => void) {
  let said = "";
  connection.send(request, {
    body(piece) {
      if (said.length < 300) said += piece.toString("latin1", 0, 300);
    },
    end(status) {
      done(status === 200 ? { ok: true } : { ok: false, why: `${status}: ${said}` });
    },
    fail: (why) => done({ ok: false, why }),
  });
}
