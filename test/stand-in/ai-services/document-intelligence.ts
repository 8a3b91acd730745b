// Document Intelligence 2024-11-30: a document is taken with 202 and an absolute operation-location on
// the service's own origin, then the result is asked for until it is there (Learn: "Document Models -
// Analyze Document", "Get Analyze Result").
import { type Answer, azureHeaders, jsonAnswer } from "../azure-answer.ts";
import { createOperations } from "./operations.ts";
import {
  type Service,
  type ServiceCall,
  mediaType,
  notFound,
  readJson,
  serviceError,
  wrongVersion,
} from "./service.ts";

const version = "2024-11-30";
const models = ["prebuilt-read", "prebuilt-layout"];
const documents = ["application/octet-stream", "application/pdf", "image/png", "image/jpeg"];
const root = "/documentintelligence/documentModels/";

export function createDocumentIntelligence(): Service {
  const operations = createOperations();

  return async (call) => {
    const { method, url } = call;
    const refused = wrongVersion(url, [version]);
    if (refused !== undefined) return refused;
    const analyze = /^([^/]+):analyze$/.exec(url.pathname.slice(root.length))?.[1];
    if (url.pathname.startsWith(root) && analyze !== undefined && method === "POST") {
      return begin(call, analyze);
    }
    const [, model, id] = /([^/]+)\/analyzeResults\/([^/]+)$/.exec(url.pathname) ?? [];
    if (model === undefined || id === undefined) return notFound();
    return method === "GET" ? tell(model, id) : method === "DELETE" ? forget(id) : notFound();
  };

  async function begin(call: ServiceCall, model: string): Promise<Answer> {
    const input = await readDocument(call);
    if (!models.includes(model))
      return missing("ModelNotFound", "The requested model was not found.");
    if (input === undefined) {
      const message = "The parameter urlSource or base64Source is required.";
      return serviceError(400, "InvalidRequest", "Invalid request.", {
        code: "InvalidParameter",
        message,
      });
    }
    const { id } = operations.begin(input);
    return {
      status: 202,
      headers: {
        ...azureHeaders(),
        "operation-location": `${call.url.origin}${root}${model}/analyzeResults/${id}?api-version=${version}`,
        "retry-after": "0",
      },
      body: Buffer.alloc(0),
    };
  }

  function tell(modelId: string, id: string): Answer {
    const operation = operations.find(id);
    if (operation === undefined)
      return missing("OperationNotFound", "The operation was not found.");
    const { created, input } = operation;
    const times = { createdDateTime: created, lastUpdatedDateTime: created };
    const state = operation.state();
    if (state !== "done") {
      const status = state === "waiting" ? "notStarted" : "running";
      return jsonAnswer(200, { status, ...times }, { "retry-after": "0" });
    }
    const content = input.toString();
    const analyzeResult = {
      apiVersion: version,
      modelId,
      stringIndexType: "utf16CodeUnit",
      contentFormat: "text",
      content,
      pages: [{ pageNumber: 1, spans: [{ offset: 0, length: content.length }] }],
      styles: [],
    };
    return jsonAnswer(200, { status: "succeeded", ...times, analyzeResult });
  }

  function forget(id: string): Answer {
    operations.forget(id);
    return { status: 204, headers: azureHeaders(), body: Buffer.alloc(0) };
  }
}

const missing = (code: string, message: string): Answer =>
  serviceError(404, "NotFound", "Resource not found.", { code, message });

async function readDocument(call: ServiceCall): Promise<Buffer | undefined> {
  if (documents.includes(mediaType(call.request))) return call.recording.readBody();
  const { urlSource, base64Source } = (await readJson(call)) ?? {};
  if (typeof base64Source === "string") return Buffer.from(base64Source, "base64");
  return typeof urlSource === "string" ? Buffer.from(urlSource) : undefined;
}
