// Content Understanding 2025-11-01: the same dance as Document Intelligence, with a body beside the
// header (Learn: "Content Analyzers - Analyze", "Get Result").
import { type Answer, jsonAnswer } from "../azure-answer.ts";
import { createOperations } from "./operations.ts";
import { type Service, notFound, readJson, serviceError, wrongVersion } from "./service.ts";

const version = "2025-11-01";
const states = { waiting: "NotStarted", running: "Running", done: "Succeeded" } as const;

export function createContentUnderstanding(): Service {
  const operations = createOperations();

  return async (call) => {
    const { method, url } = call;
    const refused = wrongVersion(url, [version]);
    if (refused !== undefined) return refused;
    if (/\/analyzers\/[^/]+:analyze$/.test(url.pathname) && method === "POST") {
      const inputs = (await readJson(call))?.["inputs"];
      if (!Array.isArray(inputs)) return serviceError(400, "InvalidRequest", "inputs is required.");
      const { id } = operations.begin(Buffer.from(JSON.stringify(inputs)));
      const location = `${url.origin}/contentunderstanding/analyzerResults/${id}?api-version=${version}`;
      return jsonAnswer(202, { id, status: "Running" }, { "operation-location": location });
    }
    const id = /\/analyzerResults\/([^/]+)$/.exec(url.pathname)?.[1];
    return id === undefined || method !== "GET" ? notFound() : tell(id);
  };

  function tell(id: string): Answer {
    const operation = operations.find(id);
    if (operation === undefined) return serviceError(404, "NotFound", "Resource not found.");
    const status = states[operation.state()];
    const result = { contents: [{ kind: "document", markdown: operation.input.toString() }] };
    return jsonAnswer(200, status === "Succeeded" ? { id, status, result } : { id, status });
  }
}
