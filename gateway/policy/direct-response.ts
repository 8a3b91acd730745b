import { answerDirectly } from "../request/refuse.ts";
import type { CompilePolicy } from "./policy.ts";

/** Answers without a backend. */
export const directResponse: CompilePolicy = ({ directResponse: response }) =>
  response === undefined
    ? undefined
    : (exchange) => {
        answerDirectly(
          exchange,
          response.status,
          ["content-type", "text/plain; charset=utf-8"],
          response.body,
        );
        return "answered";
      };
