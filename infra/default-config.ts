import type { WrittenConfig } from "../gateway/config/written.ts";

/** Where the gateway listens inside the app when its configuration is not given. */
const defaultPort = 3000;
/** The path OpenAI's SDKs are pointed at, here as on the account itself. */
export const openaiPath = "/openai/v1";

/**
 * The configuration of a gateway that is given none: one route with a host override to the account
 * and the gateway's identity as its credential. Path and model stay the caller's, so every
 * deployment of the account is reached by its name.
 */
export function defaultConfig(host: string, clientId: string): WrittenConfig {
  return {
    binds: [
      {
        port: defaultPort,
        listeners: [
          {
            routes: [
              {
                name: "foundry",
                matches: [{ path: { pathPrefix: openaiPath } }],
                policies: {
                  urlRewrite: { authority: "auto" },
                  backendAuth: {
                    azure: {
                      explicitConfig: { managedIdentity: { userAssignedIdentity: { clientId } } },
                    },
                  },
                  backendTLS: {},
                },
                backends: [
                  {
                    ai: { name: "foundry", hostOverride: `${host}:443`, provider: { openAI: {} } },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  };
}
