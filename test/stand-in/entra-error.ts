// The error answers of Entra's token endpoint, in Entra's words.
import { randomUUID } from "node:crypto";

export type EntraError = { readonly status: number; readonly body: object };

function entraError(status: number, error: string, code: number, message: string): EntraError {
  const trace = randomUUID();
  const correlation = randomUUID();
  const timestamp = new Date().toISOString().replace("T", " ").replace(/\.\d+/, "");
  return {
    status,
    body: {
      error,
      error_description: `AADSTS${code}: ${message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: trace,
      correlation_id: correlation,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    },
  };
}

export const unknownTenant = (tenantId: string): EntraError =>
  entraError(
    400,
    "invalid_request",
    90002,
    `Tenant '${tenantId}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
  );

export const unknownApplication = (clientId: string, tenantId: string): EntraError =>
  entraError(
    400,
    "unauthorized_client",
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${tenantId}'.`,
  );

export const wrongSecret = (clientId: string): EntraError =>
  entraError(
    401,
    "invalid_client",
    7000215,
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
  );

export const wrongAssertion = (): EntraError =>
  entraError(
    401,
    "invalid_client",
    700213,
    "No matching federated identity record found for presented assertion subject.",
  );

export const noCredential = (): EntraError =>
  entraError(
    401,
    "invalid_client",
    7000218,
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  );

export const wrongGrant = (): EntraError =>
  entraError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");

export const wrongScope = (scope: string): EntraError =>
  entraError(
    400,
    "invalid_scope",
    1002012,
    `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  );
