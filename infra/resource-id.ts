import type { InputProblem } from "./invalid-input.ts";

/** An Azure resource id, taken apart. Azure compares ids without regard to case. */
export type ResourceId = {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** Provider and type, `Microsoft.CognitiveServices/accounts`. */
  readonly type: string;
  readonly name: string;
};

const shape =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+\/[^/]+)\/([^/]+)\/?$/i;

export function parseResourceId(id: string): ResourceId | undefined {
  const [, subscriptionId, resourceGroup, type, name] = shape.exec(id) ?? [];
  if (!subscriptionId || !resourceGroup || !type || !name) return undefined;
  return { subscriptionId, resourceGroup, type, name };
}

/** A problem when `id` is not the id of a top-level resource of this type. */
export function checkResourceId(
  input: string,
  id: string,
  type: string | undefined,
): readonly InputProblem[] {
  const parsed = parseResourceId(id);
  if (parsed !== undefined && (type === undefined || sameType(parsed.type, type))) return [];
  const wanted = `/subscriptions/<id>/resourceGroups/<group>/providers/${type ?? "<provider>/<type>"}/<name>`;
  return [{ input, message: `${JSON.stringify(id)} is not a resource id of the form ${wanted}` }];
}

function sameType(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
