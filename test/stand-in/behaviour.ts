// Everything a test can ask of the Foundry.
import type { OutgoingHttpHeaders } from "node:http";
import type { RateLimit } from "./azure-answer.ts";
import type { FilterMode } from "./completion.ts";

/** Where a stream ends before its time. Events count from 1, the prompt filter's included. */
export type CutPoint =
  | { readonly afterEvent: number }
  | { readonly insideEvent: number }
  /** Between the bytes of the n-th character of the stream that has more than one. */
  | { readonly insideCharacter: number }
  | { readonly afterByte: number };

/**
 * "destroy" closes the connection, "reset" sends TCP's RST, "end" finishes the body as if all were
 * well, "silence" keeps the connection and says no more.
 */
export type CutManner = "destroy" | "reset" | "end" | "silence";

export type Cut = { readonly at: CutPoint; readonly manner: CutManner };

/** How a body goes out. */
export type Pace = {
  /** Before each piece but the first. */
  readonly chunkDelayMs?: number;
  /** Awaited before each piece, told how many have been written: the peer may have to have them. */
  readonly gate?: (written: number) => Promise<void>;
  /** Sizes in bytes, used in turn: pieces regardless of events and characters. */
  readonly split?: readonly number[];
  readonly cut?: Cut;
};

/** The everyday answer, with some of it changed. */
export type AnswerChange = Pace & {
  readonly content?: string;
  /** Instead of `content`, which is cut into words. */
  readonly pieces?: readonly string[];
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number };
  /** On top of Azure's; a list gives a repeated header, `set-cookie` for one. */
  readonly headers?: OutgoingHttpHeaders;
  readonly filter?: FilterMode;
  /** "none": the stream ends without `[DONE]`. */
  readonly ending?: "done" | "none";
};

/** "answer" and "huge" want a good credential, as ever; the failures come to any caller. */
export type Behaviour = Waits &
  (
    | ({ readonly kind: "answer" } & AnswerChange)
    | {
        readonly kind: "status";
        readonly status: number;
        readonly headers?: OutgoingHttpHeaders;
        /** An object goes out as JSON. */
        readonly body?: string | Buffer | object;
      }
    | ({ readonly kind: "rateLimited" } & RateLimit)
    | { readonly kind: "unauthorized" }
    | { readonly kind: "contentFiltered" }
    /** No byte of an answer, until the peer leaves or the stand-in is reset. */
    | { readonly kind: "hang" }
    /** The connection ends before the status line. */
    | { readonly kind: "noAnswer"; readonly manner: "destroy" | "reset" }
    /** These bytes on the socket instead of HTTP. */
    | { readonly kind: "garbage"; readonly bytes?: Buffer }
    /** 200 with a `content-length` of which only `sent` bytes come. */
    | { readonly kind: "truncated"; readonly declared?: number; readonly sent?: number }
    /** 200 with so many pseudo-random bytes, as fast as the peer reads. */
    | { readonly kind: "huge"; readonly bytes: number }
  );

export type Waits = {
  /** Between the request's body and the answer's headers. */
  readonly delayMs?: number;
  /** "headers": answers without waiting for the request's body. */
  readonly after?: "body" | "headers";
  /** After each piece of the request's body: a slow reader of uploads. */
  readonly readPauseMs?: number;
  /** Sent before the real answer. */
  readonly informational?: readonly (100 | 102 | 103)[];
};
