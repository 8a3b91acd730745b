import { milliseconds } from "./duration.ts";
import type { Path } from "./problem.ts";
import { resolveAuth } from "./resolve-backend-auth.ts";
import { resolveEdits } from "./resolve-policies.ts";
import { resolveTls } from "./resolve-tls.ts";
import type { Resolving } from "./resolving.ts";
import type { AnalyzeText, Guard, Guards, Rejection } from "./run/backend.ts";
import type { CheckedPromptGuard } from "./written/prompt-guard.ts";

type CheckedGuard = NonNullable<CheckedPromptGuard["request"]>[number];
type CheckedContentSafety = NonNullable<CheckedGuard["azureContentSafety"]>;

/** Where the guard with this number is written. */
export type GuardPath = (phase: keyof Guards, index: number) => Path;

/** Both operations are generally available in it, and the last that is. */
const defaultVersion = "2024-09-01";
/** agentgateway's, all of them. */
const defaults = { severityThreshold: 2, timeout: 10_000, status: 403, port: 443 };

export function resolvePromptGuard(
  written: CheckedPromptGuard | undefined,
  path: GuardPath,
  resolving: Resolving,
): Guards {
  const phase = (name: keyof Guards): Guard[] =>
    (written?.[name] ?? []).flatMap(({ azureContentSafety, rejection }, index) => {
      // The grammar has made sure of it.
      if (azureContentSafety === undefined) return [];
      const here = path(name, index);
      if (name === "response" && azureContentSafety.detectJailbreak !== undefined) {
        resolving.warning(
          [...here, "azureContentSafety", "detectJailbreak"],
          "detectJailbreak is for requests alone: it checks nothing in an answer",
        );
      }
      const service = resolveContentSafety(
        azureContentSafety,
        [...here, "azureContentSafety"],
        resolving,
      );
      const asked = name === "response" ? { ...service, shieldPrompt: undefined } : service;
      return [
        { ...asked, rejection: resolveRejection(rejection, [...here, "rejection"], resolving) },
      ];
    });
  return { request: phase("request"), response: phase("response") };
}

function resolveContentSafety(
  written: CheckedContentSafety,
  path: Path,
  resolving: Resolving,
): Omit<Guard, "rejection"> {
  const { policies = {}, analyzeText, detectJailbreak, failureMode } = written;
  const { host, port, scheme } = partsOf(written.endpoint);
  const at = (name: keyof typeof policies): Path => [...path, "policies", name];
  const tls =
    policies.backendTLS ?? (scheme === "https" && port !== defaults.port ? {} : undefined);
  const timeout = policies.http?.requestTimeout;
  const auth = { value: policies.backendAuth, path: at("backendAuth") };
  return {
    target: {
      host,
      port,
      tls: resolveTls({ value: tls, path: at("backendTLS") }, port, resolving),
    },
    auth: resolveAuth(auth, host, "implicit", resolving),
    timeout: timeout === undefined ? defaults.timeout : milliseconds(timeout),
    onFailure: failureMode === "failOpen" ? "pass" : "refuse",
    analyzeText: analyzeText === undefined ? undefined : resolveAnalyzeText(analyzeText),
    shieldPrompt:
      detectJailbreak === undefined
        ? undefined
        : { apiVersion: detectJailbreak.apiVersion ?? defaultVersion },
  };
}

/** Without a port it is 443, whatever the scheme, as agentgateway has it. */
function partsOf(endpoint: string): { host: string; port: number; scheme: string | undefined } {
  const [, scheme, authority = ""] = /^(?:(https?):\/\/)?([^/]*)/.exec(endpoint) ?? [];
  const [, host = authority, port] = /^(.*):(\d+)$/.exec(authority) ?? [];
  return {
    host: host.replaceAll(/[[\]]/g, "").toLowerCase(),
    port: port === undefined ? defaults.port : Number(port),
    scheme,
  };
}

function resolveAnalyzeText({
  apiVersion,
  severityThreshold,
  blocklistNames,
  haltOnBlocklistHit,
}: NonNullable<CheckedContentSafety["analyzeText"]>): AnalyzeText {
  return {
    apiVersion: apiVersion ?? defaultVersion,
    severityThreshold: severityThreshold ?? defaults.severityThreshold,
    blocklistNames: blocklistNames ?? [],
    haltOnBlocklistHit: haltOnBlocklistHit ?? false,
  };
}

function resolveRejection(
  written: CheckedGuard["rejection"],
  path: Path,
  resolving: Resolving,
): Rejection {
  const { status, body, headers } = written ?? {};
  return {
    status: status ?? defaults.status,
    body: body === undefined ? undefined : { text: body, contentType: contentTypeOf(body) },
    headers: resolveEdits(headers, [...path, "headers"], resolving),
  };
}

function contentTypeOf(body: string): string {
  try {
    JSON.parse(body);
    return "application/json";
  } catch {
    return "text/plain; charset=utf-8";
  }
}
