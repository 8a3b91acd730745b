import type { HeaderEdits } from "../config/run/policies.ts";
import type { CompilePolicy } from "./policy.ts";

/** Edits the headers that go upstream. The gateway's own credential is set after it, and stays. */
export const requestHeaders: CompilePolicy = ({ requestHeaders: edits }) =>
  isEmpty(edits)
    ? undefined
    : ({ requestEdits }) => {
        requestEdits.push(edits);
        return "next";
      };

/** Edits the headers of the answer, the gateway's own answers included. */
export const responseHeaders: CompilePolicy = ({ responseHeaders: edits }) =>
  isEmpty(edits)
    ? undefined
    : ({ answerEdits }) => {
        answerEdits.push(edits);
        return "next";
      };

function isEmpty({ add, set, remove }: HeaderEdits): boolean {
  return add.length + set.length + remove.length === 0;
}
