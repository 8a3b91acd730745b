import { type Ask, askOf, bodyOf, modelSent, upstreamToken } from "../job.ts";

/** What a contender claims to do: carry bytes, or put model and token in. */
export type Job = "plain" | "model";

export type Verdict =
  | { readonly ok: true; readonly ask: Ask; readonly usage: boolean }
  | { readonly ok: false; readonly status: number; readonly why: string };

const asked = new Map<string, { readonly bytes: Buffer; readonly messages: string }>();

/** Whether a request is what the job makes of the one that was asked. */
export function check(job: Job, authorization: string | undefined, body: Buffer): Verdict {
  if (job === "model" && authorization !== `Bearer ${upstreamToken}`) {
    return no(401, "the token is missing or wrong");
  }
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    return no(400, "the body is not JSON");
  }
  const ask = askOf(parsed["user"]);
  if (ask === undefined) return no(400, "the body is not the one that was asked");
  const original = originalOf(ask);
  if (job === "plain") {
    if (!original.bytes.equals(body)) return no(422, "the body is not the caller's, to the byte");
  } else if (parsed["model"] !== modelSent) {
    return no(422, `the model is ${JSON.stringify(parsed["model"])}, not ${modelSent}`);
  } else if (JSON.stringify(parsed["messages"]) !== original.messages) {
    return no(422, "the messages are not the caller's");
  }
  const options = parsed["stream_options"];
  const usage =
    typeof options === "object" &&
    options !== null &&
    Reflect.get(options, "include_usage") === true;
  return { ok: true, ask, usage };
}

function originalOf(ask: Ask) {
  const key = JSON.stringify(ask);
  const known = asked.get(key);
  if (known !== undefined) return known;
  const bytes = bodyOf(ask);
  const { messages }: { messages: unknown } = JSON.parse(bytes.toString());
  const made = { bytes, messages: JSON.stringify(messages) };
  asked.set(key, made);
  return made;
}

function no(status: number, why: string): Verdict {
  return { ok: false, status, why };
}
