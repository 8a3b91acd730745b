/**
 * The OAuth scope a token needs, by the host it is sent to. Longest suffix first.
 * Source: Azure's endpoint documentation for the public, US Government and China clouds; a custom
 * domain falls through to the last entry, which is what Azure OpenAI and the AI services take.
 */
const scopes: readonly (readonly [suffix: string, scope: string])[] = [
  [".services.ai.azure.us", "https://ai.azure.us/.default"],
  [".services.ai.azure.cn", "https://ai.azure.cn/.default"],
  [".services.ai.azure.com", "https://ai.azure.com/.default"],
  [".azure.us", "https://cognitiveservices.azure.us/.default"],
  [".azure.cn", "https://cognitiveservices.azure.cn/.default"],
  ["", "https://cognitiveservices.azure.com/.default"],
];

/** @param host a DNS name, without port */
export function scopeOf(host: string): string {
  const name = host.toLowerCase();
  const entry = scopes.find(([suffix]) => name.endsWith(suffix));
  if (entry === undefined) throw new TypeError("the scope table has no last entry");
  return entry[1];
}
