// Where a session goes at each kind of endpoint: in from either shape, out in the endpoint's own, with one
// model and nothing of what the caller wrote twice.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatOf } from "../../../../gateway/backend/ai/format.ts";
import { operationOf } from "../../../../gateway/backend/ai/operation.ts";
import {
  compileRealtimeTarget,
  realtimeQuery,
} from "../../../../gateway/backend/ai/realtime-target.ts";
import type { Endpoint } from "../../../../gateway/config/run/backend.ts";

const v1: Endpoint = { kind: "azureOpenAI", version: "v1" };
const preview: Endpoint = { kind: "azureOpenAI", version: "preview" };
const dated: Endpoint = { kind: "azureOpenAI", version: "2025-04-01-preview" };
const foundry: Endpoint = { kind: "foundry", project: "proj", version: "v1" };
const prefix: Endpoint = { kind: "prefix", prefix: "/base" };
const fixed: Endpoint = { kind: "fixed", path: "/own?x=1" };
const caller: Endpoint = { kind: "caller" };

type Row = readonly [endpoint: Endpoint, asked: string, model: string | undefined, sent: string];

const ga = "/v1/realtime?model=a";
const older = "/openai/realtime?api-version=2024-10-01-preview&deployment=a";
const rows: readonly Row[] = [
  [v1, ga, "m", "/openai/v1/realtime?model=m"],
  [v1, older, "m", "/openai/v1/realtime?model=m"],
  [v1, "/v1/realtime/translations?model=a", "m", "/openai/v1/realtime/translations?model=m"],
  [v1, "/v1/realtime?a=1&MODEL=a&b&model=c", "m", "/openai/v1/realtime?model=m&a=1&b"],
  [v1, "/v1/realtime?m%6Fdel=a&Api-Version=x", "m", "/openai/v1/realtime?model=m"],
  [v1, "/v1/realtime?call_id=rtc_1", undefined, "/openai/v1/realtime?call_id=rtc_1"],
  [v1, ga, "a/b c&d", "/openai/v1/realtime?model=a%2Fb%20c%26d"],
  [preview, ga, "m", "/openai/v1/realtime?api-version=preview&model=m"],
  [dated, ga, "m", "/openai/realtime?api-version=2025-04-01-preview&deployment=m"],
  [dated, older, "m", "/openai/realtime?api-version=2025-04-01-preview&deployment=m"],
  [foundry, ga, "m", "/openai/v1/realtime?model=m"],
  [prefix, older, "m", "/base/realtime?model=m"],
  [fixed, ga, "m", "/own?x=1"],
  [caller, "/any/v1/realtime?x=1&model=a", "m", "/any/v1/realtime?model=m&x=1"],
  [caller, older, "m", "/openai/realtime?api-version=2024-10-01-preview&deployment=m"],
  [caller, "/openai/realtime?api-version=1", "m", "/openai/realtime?api-version=1&deployment=m"],
  [caller, "/x/deployments/a/realtime?y", "m", "/x/deployments/a/realtime?y"],
  [caller, "/v1/realtime", undefined, "/v1/realtime"],
];

describe("a session's path and query", () => {
  for (const [endpoint, asked, model, sent] of rows) {
    test(`${asked} at ${JSON.stringify(endpoint)} with ${model ?? "no model"}`, () => {
      const path = asked.split("?", 1)[0] ?? "";
      const operation = operationOf(path, asked, formatOf(path));
      const target = compileRealtimeTarget(endpoint);
      assert.equal(target(operation, realtimeQuery(asked), model, asked), sent);
    });
  }
});

describe("the model a query names", () => {
  const cases: readonly (readonly [target: string, model: string | undefined])[] = [
    ["/v1/realtime?model=a", "a"],
    ["/v1/realtime?model=a+b%2Fc", "a b/c"],
    ["/v1/realtime?model=a&deployment=b", "b"],
    ["/v1/realtime?model=&deployment=", undefined],
    ["/v1/realtime?model", undefined],
    ["/v1/realtime?model=%", "%"],
    ["/v1/realtime", undefined],
  ];
  for (const [target, model] of cases) {
    test(target, () => assert.equal(realtimeQuery(target).model, model));
  }
});
