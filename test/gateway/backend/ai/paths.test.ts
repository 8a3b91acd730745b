// Where each operation goes at each kind of endpoint: one row a path, as Azure serves it. A path of
// one format must not show up at another (agentgateway 1355), and the Responses API has no
// deployment in its path, dated or not (agentgateway 2482).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatOf } from "../../../../gateway/backend/ai/format.ts";
import { operationOf } from "../../../../gateway/backend/ai/operation.ts";
import { compilePath } from "../../../../gateway/backend/ai/paths.ts";
import type { Endpoint } from "../../../../gateway/config/run/backend.ts";

const foundry: Endpoint = { kind: "foundry", project: "proj", version: "v1" };
const v1: Endpoint = { kind: "azureOpenAI", version: "v1" };
const preview: Endpoint = { kind: "azureOpenAI", version: "preview" };
const dated: Endpoint = { kind: "azureOpenAI", version: "2024-10-21" };

function pathAt(endpoint: Endpoint, target: string): string {
  const path = target.split("?", 1)[0] ?? "";
  const operation = operationOf(path, target, formatOf(path));
  return compilePath(endpoint)(operation, "gpt-5", target);
}

type Row = readonly [asked: string, v1: string, preview: string, dated: string, foundry: string];

/** The operation, then what stands behind /openai/v1/, /openai/v1/, /openai/ and the project. */
const rows: readonly Row[] = (
  [
    ["chat/completions", "deployments/gpt-5/chat/completions"],
    ["completions", "deployments/gpt-5/completions"],
    ["embeddings", "deployments/gpt-5/embeddings"],
    ["images/generations", "deployments/gpt-5/images/generations"],
    ["images/edits", "deployments/gpt-5/images/edits"],
    ["images/variations", "deployments/gpt-5/images/variations"],
    ["audio/transcriptions", "deployments/gpt-5/audio/transcriptions"],
    ["audio/translations", "deployments/gpt-5/audio/translations"],
    ["audio/speech", "deployments/gpt-5/audio/speech"],
    ["responses", "responses"],
    ["responses/resp_1", "responses/resp_1"],
    ["responses/resp_1/input_items", "responses/resp_1/input_items"],
    ["responses/resp_1/cancel", "responses/resp_1/cancel"],
    ["models", "models"],
    ["models/gpt-5", "models/gpt-5"],
  ] as const
).map(([operation, below]) => [
  operation,
  `/openai/v1/${operation}`,
  `/openai/v1/${operation}?api-version=preview`,
  `/openai/${below}?api-version=2024-10-21`,
  `/api/projects/proj/openai/v1/${operation}`,
]);

describe("an operation has one path at each endpoint, however the caller wrote it", () => {
  const roots = [
    "/v1",
    "/azure/v1",
    "/openai/v1",
    "/api/projects/other/openai/v1",
    "/openai/deployments/my-deployment",
  ];
  for (const [operation, atV1, atPreview, atDated, atFoundry] of rows) {
    test(operation, () => {
      // No client looks for a model below a deployment.
      const below = operation.startsWith("models/") ? roots.slice(0, -1) : roots;
      for (const root of below) {
        const asked = `${root}/${operation}?api-version=2023-05-15`;
        assert.equal(pathAt(v1, asked), atV1, asked);
        assert.equal(pathAt(preview, asked), atPreview, asked);
        assert.equal(pathAt(dated, asked), atDated, asked);
        assert.equal(pathAt(foundry, asked), atFoundry, asked);
      }
    });
  }
});

describe("Claude is asked beside every version and project, in Anthropic's own paths", () => {
  for (const operation of ["messages", "messages/count_tokens"]) {
    for (const root of ["/v1", "/anthropic/v1", "/azure/anthropic/v1"]) {
      for (const endpoint of [v1, preview, dated, foundry]) {
        const kind = endpoint.kind === "azureOpenAI" ? endpoint.version : endpoint.kind;
        test(`${root}/${operation} at ${kind}`, () => {
          const sent = `/anthropic/v1/${operation}`;
          assert.equal(pathAt(endpoint, `${root}/${operation}?api-version=x`), sent);
        });
      }
    }
  }
});

const others: readonly (readonly [what: string, Endpoint, asked: string, sent: string])[] = [
  ["Claude is asked beside the project", foundry, "/v1/messages", "/anthropic/v1/messages"],
  [
    "its tokens are counted there",
    foundry,
    "/anthropic/v1/messages/count_tokens?beta=true",
    "/anthropic/v1/messages/count_tokens?beta=true",
  ],
  [
    "its API has no versions of Azure's",
    dated,
    "/anthropic/v1/messages?api-version=2024-10-21",
    "/anthropic/v1/messages",
  ],
  [
    "a query of the caller's stays",
    dated,
    "/v1/responses/resp_1/input_items?after=a&limit=2&api-version=x",
    "/openai/responses/resp_1/input_items?after=a&limit=2&api-version=2024-10-21",
  ],
  [
    "a fixed path is the path",
    { kind: "fixed", path: "/models/chat/completions?api-version=2024-05-01-preview" },
    "/v1/chat/completions?x",
    "/models/chat/completions?api-version=2024-05-01-preview",
  ],
  [
    "a prefix stands before the operation",
    { kind: "prefix", prefix: "/base" },
    "/azure/v1/chat/completions",
    "/base/chat/completions",
  ],
  [
    "the calls of the Realtime API know no project",
    foundry,
    "/v1/realtime/client_secrets",
    "/openai/v1/realtime/client_secrets",
  ],
  [
    "a call's own path stays",
    v1,
    "/v1/realtime/calls/rtc_1/hangup?x=1",
    "/openai/v1/realtime/calls/rtc_1/hangup?x=1",
  ],
  [
    "sessions have another name in dated versions",
    dated,
    "/v1/realtime/sessions",
    "/openai/realtimeapi/sessions?api-version=2024-10-21",
  ],
  ["and back", v1, "/openai/realtimeapi/sessions?api-version=x", "/openai/v1/realtime/sessions"],
  ["an empty prefix is the root", { kind: "prefix", prefix: "" }, "/v1/embeddings", "/embeddings"],
  [
    "the caller's path stays to the letter",
    { kind: "caller" },
    "/azure/a%2Fb/chat/completions?api-version=1",
    "/azure/a%2Fb/chat/completions?api-version=1",
  ],
];

describe("what is not of a version's table", () => {
  for (const [what, endpoint, asked, sent] of others) {
    test(what, () => assert.equal(pathAt(endpoint, asked), sent));
  }
});

test("a deployment's name is encoded in a path", () => {
  const operation = operationOf("/v1/embeddings", "/v1/embeddings", formatOf("/v1/embeddings"));
  assert.equal(
    compilePath(dated)(operation, "a/../b c", ""),
    "/openai/deployments/a%2F..%2Fb%20c/embeddings?api-version=2024-10-21",
  );
});

test("what is passed through keeps what stands behind an API's root", () => {
  const routes = [["*", "passthrough"]] as const;
  const sent = (endpoint: Endpoint, path: string) =>
    compilePath(endpoint)(operationOf(path, path, formatOf(path, routes)), "gpt-5", path);
  assert.equal(sent(v1, "/v1/files/file-1/content"), "/openai/v1/files/file-1/content");
  assert.equal(
    sent(dated, "/openai/files?limit=1"),
    "/openai/files?limit=1&api-version=2024-10-21",
  );
  assert.equal(
    sent(dated, "/openai/deployments/x/extensions/chat"),
    "/openai/deployments/gpt-5/extensions/chat?api-version=2024-10-21",
  );
});

test("the config's own formats come first, the longest suffix before the shorter, * last", () => {
  const routes = [
    ["/v1/chat", "responses"],
    ["/chat", "embeddings"],
    ["*", "passthrough"],
  ] as const;
  assert.equal(formatOf("/v1/chat", routes).name, "responses");
  assert.equal(formatOf("/x/chat", routes).name, "embeddings");
  assert.equal(formatOf("/v1/chat/completions", routes).name, "passthrough");
  assert.equal(formatOf("/nothing", []).name, "completions");
});
