import type { AnalyzeText, Guard } from "../../../config/run/backend.ts";
import { isRecord } from "../../../config/written/object.ts";
import { GuardFailure } from "./guard-failure.ts";
import { groupsOf, piecesOf } from "./pieces.ts";
import type { Said } from "./said.ts";

/** One call of Content Safety (learn.microsoft.com/rest/api/contentsafety/text-operations). */
export type Check = {
  /** Path and query. */
  readonly path: string;
  readonly body: string;
  /** What the answer says is wrong with the text; throws GuardFailure for one that says nothing. */
  found(answer: unknown): readonly string[];
};

/** The calls that a guard makes for what was said. */
export function checksOf(
  { analyzeText, shieldPrompt }: Pick<Guard, "analyzeText" | "shieldPrompt">,
  said: readonly Said[],
): readonly Check[] {
  return [
    ...(analyzeText === undefined ? [] : analyses(analyzeText, said)),
    ...(shieldPrompt === undefined ? [] : shields(shieldPrompt.apiVersion, said)),
  ];
}

function analyses(
  { apiVersion, severityThreshold, blocklistNames, haltOnBlocklistHit }: AnalyzeText,
  said: readonly Said[],
): Check[] {
  const blocklists = blocklistNames.length === 0 ? {} : { blocklistNames, haltOnBlocklistHit };
  return piecesOf(said.map(({ text }) => text).join("\n")).map((text) => ({
    path: `/contentsafety/text:analyze?api-version=${apiVersion}`,
    body: JSON.stringify({ text, ...blocklists, outputType: "FourSeverityLevels" }),
    found: (answer) => [...inBlocklists(answer), ...inCategories(answer, severityThreshold)],
  }));
}

function inBlocklists(answer: unknown): string[] {
  return listIn(answer, "blocklistsMatch", "optional").map(
    (match) => `blocklist:${wordIn(match, "blocklistName")}`,
  );
}

function inCategories(answer: unknown, threshold: number): string[] {
  return listIn(answer, "categoriesAnalysis", "required").flatMap((analysis) => {
    const severity = isRecord(analysis) ? analysis["severity"] : undefined;
    if (typeof severity !== "number") throw unreadable();
    return severity >= threshold ? [`${wordIn(analysis, "category")}:${severity}`] : [];
  });
}

function shields(apiVersion: string, said: readonly Said[]): Check[] {
  const by = (voice: Said["voice"]) =>
    said.filter((each) => each.voice === voice).map(({ text }) => text);
  const prompts = piecesOf(by("user").join("\n"));
  const documents = groupsOf(by("document"));
  return Array.from({ length: Math.max(prompts.length, documents.length) }, (_, index) => {
    const userPrompt = prompts[index];
    const group = documents[index];
    return {
      path: `/contentsafety/text:shieldPrompt?api-version=${apiVersion}`,
      body: JSON.stringify({ userPrompt, documents: group }),
      found: (answer) => [
        ...(userPrompt !== undefined && isAttack(memberOf(answer, "userPromptAnalysis"))
          ? ["user_prompt_attack"]
          : []),
        ...(group !== undefined && attackedDocuments(answer, group.length)
          ? ["document_attack"]
          : []),
      ],
    };
  });
}

function attackedDocuments(answer: unknown, sent: number): boolean {
  const verdicts = listIn(answer, "documentsAnalysis", "required").map(isAttack);
  if (verdicts.length !== sent) throw unreadable();
  return verdicts.includes(true);
}

function isAttack(analysis: unknown): boolean {
  const detected = memberOf(analysis, "attackDetected");
  if (typeof detected !== "boolean") throw unreadable();
  return detected;
}

function memberOf(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function listIn(answer: unknown, key: string, need: "required" | "optional"): readonly unknown[] {
  const list = memberOf(answer, key);
  if (Array.isArray(list)) return list;
  if (need === "optional" && isRecord(answer) && list === undefined) return [];
  throw unreadable();
}

/** A name of the service's own, for the log; whatever else stands there may be the text. */
function wordIn(value: unknown, key: string): string {
  const word = memberOf(value, key);
  return typeof word === "string" && /^[\w.~-]{1,64}$/.test(word) ? word : "unknown";
}

function unreadable(): GuardFailure {
  return new GuardFailure("unreadable_answer");
}
