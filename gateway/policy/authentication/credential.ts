import type { Caller } from "../../request/caller.ts";
import type { Exchange } from "../../request/exchange.ts";

/** What one inbound check says of a request. */
export type Finding =
  | { readonly kind: "absent" }
  /** Refused; `error` is RFC 6750's code, `description` its text for the caller. */
  | {
      readonly kind: "invalid";
      readonly error: "invalid_token" | "insufficient_scope";
      readonly description: string;
    }
  /** The check could not be made; `cause` is for the log. */
  | { readonly kind: "unavailable"; readonly cause: unknown }
  /** @param spentHeader the header whose value is for this gateway alone */
  | { readonly kind: "valid"; readonly caller: Caller; readonly spentHeader: string | undefined };

/** Looks for one kind of caller's credential. */
export type Check = (exchange: Exchange) => Finding | Promise<Finding>;
