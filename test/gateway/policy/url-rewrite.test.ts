import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AuthorityRewrite, PathRewrite } from "../../../gateway/config/run/policies.ts";
import { hostHeader, rewritePath } from "../../../gateway/policy/url-rewrite.ts";

const none: PathRewrite = { kind: "none" };
const full = (value: string): PathRewrite => ({ kind: "full", value });
const prefix = (value: string): PathRewrite => ({ kind: "prefix", value });

describe("a path is rewritten and the caller's query stays", () => {
  const cases: readonly (readonly [
    target: string,
    rewrite: PathRewrite,
    found: string,
    result: string,
  ])[] = [
    ["/azure/x?a=b", none, "/azure", "/azure/x?a=b"],
    ["/azure/x", full("/chat"), "/azure", "/chat"],
    ["/azure/x?a=b", full("/chat"), "/azure", "/chat?a=b"],
    ["/azure/x?", full("/chat"), "/azure", "/chat?"],
    ["/?a?b", full("/chat"), "", "/chat?a?b"],
    ["/azure", prefix("/openai"), "/azure", "/openai"],
    ["/azure/", prefix("/openai"), "/azure", "/openai/"],
    ["/azure/v1/chat?a=b", prefix("/openai"), "/azure", "/openai/v1/chat?a=b"],
    ["/azure?a=b", prefix("/openai"), "/azure", "/openai?a=b"],
    ["/azure/%2e%2e//x", prefix("/openai"), "/azure", "/openai/%2e%2e//x"],
    ["/azure/azure", prefix("/openai"), "/azure", "/openai/azure"],
    // A replacement of `/` takes the prefix away; a path is never left empty.
    ["/azure/v1", prefix(""), "/azure", "/v1"],
    ["/azure", prefix(""), "/azure", "/"],
    ["/azure?a=b", prefix(""), "/azure", "/?a=b"],
    ["/azure//x", prefix(""), "/azure", "//x"],
    // Found by a prefix of `/`.
    ["/v1/chat", prefix("/openai"), "", "/openai/v1/chat"],
    ["/", prefix("/openai"), "", "/openai/"],
    ["/x?/azure/y", prefix("/openai"), "", "/openai/x?/azure/y"],
  ];
  for (const [target, rewrite, found, result] of cases) {
    test(`${target} by ${JSON.stringify(rewrite)} is ${result}`, () => {
      assert.equal(rewritePath(target, rewrite, found), result);
    });
  }
});

describe("the Host header", () => {
  const name = "contoso.openai.azure.com";
  const auto: AuthorityRewrite = { kind: "auto" };
  const keep: AuthorityRewrite = { kind: "none" };
  const host: AuthorityRewrite = { kind: "host", value: "front.example.com" };
  const port: AuthorityRewrite = { kind: "port", value: 8443 };
  const whole: AuthorityRewrite = { kind: "full", value: "front.example.com:1" };
  const cases: readonly (readonly [
    rewrite: AuthorityRewrite,
    target: string,
    written: string,
    result: string,
  ])[] = [
    [auto, name, "gateway.example.com:3000", name],
    // The name of an address is what the caller called it.
    [auto, "10.0.0.7", "gateway.example.com:3000", "gateway.example.com:3000"],
    [auto, "fd00::7", "gateway.example.com", "gateway.example.com"],
    [keep, name, "gateway.example.com:3000", "gateway.example.com:3000"],
    [whole, name, "gateway.example.com:3000", "front.example.com:1"],
    [host, name, "gateway.example.com:3000", "front.example.com:3000"],
    [host, name, "gateway.example.com", "front.example.com"],
    [host, name, "[fd00::7]:3000", "front.example.com:3000"],
    [host, name, "[fd00::7]", "front.example.com"],
    [port, name, "gateway.example.com:3000", "gateway.example.com:8443"],
    [port, name, "gateway.example.com", "gateway.example.com:8443"],
    [port, name, "[fd00::7]:3000", "[fd00::7]:8443"],
    [port, name, "[fd00::7]", "[fd00::7]:8443"],
  ];
  for (const [rewrite, target, written, result] of cases) {
    test(`${rewrite.kind} for ${target}, called ${written}, is ${result}`, () => {
      const to = { host: target, port: 443, tls: undefined };
      assert.equal(hostHeader(rewrite, to, written), result);
    });
  }
});
