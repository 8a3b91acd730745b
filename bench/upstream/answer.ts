import { modelSent } from "../job.ts";

const bytes = 1024;

/** A chat completion of 1 KiB. */
export const answer = fill();

function fill(): string {
  return render("a".repeat(bytes - render("").length));
}

function render(content: string): string {
  return JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1_750_000_000,
    model: modelSent,
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 250, completion_tokens: 180, total_tokens: 430 },
  });
}
