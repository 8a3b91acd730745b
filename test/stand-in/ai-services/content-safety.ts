// Content Safety: text analysis (Learn: "Content Safety REST API, Text Operations - Analyze Text").
import { jsonAnswer } from "../azure-answer.ts";
import { type Service, notFound, readJson, serviceError, wrongVersion } from "./service.ts";

const versions = ["2023-10-01", "2024-09-01"];
const categories = ["Hate", "SelfHarm", "Sexual", "Violence"];
const longest = 10_000;

/** A word that stands for what the model would find. */
export const violentWord = "slaughter";

export const contentSafety: Service = async (call) => {
  const { method, url } = call;
  if (url.pathname !== "/contentsafety/text:analyze" || method !== "POST") return notFound();
  const refused = wrongVersion(url, versions);
  if (refused !== undefined) return refused;
  const body = await readJson(call);
  const text = body?.["text"];
  if (typeof text !== "string" || text === "") {
    return serviceError(400, "InvalidRequestBody", "The field is required: text");
  }
  if (text.length > longest) {
    return serviceError(400, "InvalidRequestBody", `The length of text exceeds ${longest}.`);
  }
  const categoriesAnalysis = categories.map((category) => ({
    category,
    severity: category === "Violence" && text.includes(violentWord) ? 4 : 0,
  }));
  return jsonAnswer(200, { blocklistsMatch: [], categoriesAnalysis });
};
