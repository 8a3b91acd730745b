/**
 * The OAuth scope a token needs, by the host it is sent to. The first suffix that fits wins.
 *
 * Foundry hosts: the scope of Azure's own AIProjectClient (azure-ai-projects); they refuse the
 * other one on `/api/projects`, and take either for services such as Content Safety. US Government's host is given in "Microsoft Foundry in Azure
 * Government" (learn.microsoft.com/azure/foundry/concepts/foundry-azure-government), its scope by
 * analogy; Foundry is not offered in China.
 *
 * All others, that is *.openai.azure.*, *.cognitiveservices.azure.*, speech and the regional
 * endpoints: the scope of Azure's SDKs for each cloud (KnownDocumentIntelligenceAudience in
 * @azure-rest/ai-document-intelligence, AzureOpenAIAudience in Azure.AI.OpenAI), the same for
 * Content Safety, Vision and Speech. Regional endpoints are *.api.cognitive.microsoft.com and .us,
 * *.api.cognitive.azure.cn, and {stt,tts}.speech.microsoft.com, .azure.us, .azure.cn ("Speech service
 * in sovereign clouds"). A custom domain falls
 * through to the last entry.
 */
const scopes: readonly (readonly [suffix: string, scope: string])[] = [
  [".services.ai.azure.com", "https://ai.azure.com/.default"],
  [".services.ai.azure.us", "https://ai.azure.us/.default"],
  [".azure.us", "https://cognitiveservices.azure.us/.default"],
  [".cognitive.microsoft.us", "https://cognitiveservices.azure.us/.default"],
  [".azure.cn", "https://cognitiveservices.azure.cn/.default"],
  ["", "https://cognitiveservices.azure.com/.default"],
];

/** Whether a host is one of Azure's own names, which the table is made for. */
export function tellsScope(host: string): boolean {
  return /\.(?:azure\.(?:com|us|cn)|microsoft\.(?:com|us))\.?$/i.test(host);
}

/** @param host a DNS name, without port */
export function scopeOf(host: string): string {
  // A name may end in the root's dot.
  const name = host.toLowerCase().replace(/\.$/, "");
  const entry = scopes.find(([suffix]) => name.endsWith(suffix));
  if (entry === undefined) throw new TypeError("the scope table has no last entry");
  return entry[1];
}
