import { FoundryGateway } from "foundry-gateway";

// People and applications: an account of its own, each deployment reachable by its name.
const chat = new FoundryGateway("chat", {
  foundry: {
    create: {
      deployments: [
        { name: "gpt-5-mini", version: "2025-08-07", capacity: 50 },
        { name: "text-embedding-3-small", sku: "Standard" },
      ],
    },
  },
  callers: { keys: [{ name: "web" }, { name: "notebooks" }] },
  ingress: { allowedIpRanges: ["203.0.113.0/24"] },
  tags: { team: "platform" },
});

// Night jobs: the same account and environment, another address, one model whatever they ask for,
// Entra ID tokens instead of keys, and nothing running while nobody calls.
const jobs = new FoundryGateway("jobs", {
  foundry: { existing: { accountId: chat.accountId } },
  environment: { existing: chat.environmentId },
  callers: { entra: { audiences: ["api://ai-platform-jobs"] } },
  ingress: { external: false },
  scale: { min: 0, max: 2 },
  gateway: {
    binds: [
      {
        port: 3000,
        listeners: [
          {
            routes: [
              {
                name: "cheap",
                matches: [{ path: { pathPrefix: "/openai/v1" } }],
                policies: {
                  backendAuth: {
                    azure: {
                      explicitConfig: {
                        managedIdentity: {
                          userAssignedIdentity: { clientId: "$AZURE_CLIENT_ID" },
                        },
                      },
                    },
                  },
                },
                backends: [
                  {
                    ai: {
                      name: "foundry",
                      hostOverride: "$FOUNDRY_HOST:443",
                      provider: { openAI: { model: "gpt-5-mini" } },
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  },
});

export const baseUrl = chat.openaiBaseUrl;
export const keys = chat.callerKeys;
export const jobsBaseUrl = jobs.openaiBaseUrl;
