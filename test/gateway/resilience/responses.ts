// The Responses API over several Foundries: what each has made, no other knows.
import type { Behaviour } from "../../stand-in/behaviour.ts";
import type { Foundry } from "../../stand-in/foundry.ts";
import type { Call } from "../caller.ts";
import { routes } from "../configuration.ts";

export const unknownResponse: Behaviour = {
  kind: "status",
  status: 400,
  body: {
    error: {
      message: "Previous response with id 'resp_made_by_the_third' not found.",
      type: "invalid_request_error",
      param: "previous_response_id",
      code: "previous_response_not_found",
    },
  },
};
export const made = (id: string): Behaviour => ({
  kind: "status",
  status: 200,
  body: { id, object: "response" },
});

export const respond = (more: object = {}): Call => ({
  method: "POST",
  path: "/openai/v1/responses",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "m", input: "Hi", ...more }),
});

/** One group for each, in their order: the order of the tries is certain. */
export function modelsOf(foundries: readonly Foundry[]): string {
  return routes({
    policies: { backendAuth: { key: "any" } },
    backends: [
      {
        ai: {
          groups: foundries.map(({ port }, at) => ({
            providers: [
              { name: `b${at}`, hostOverride: `localhost:${port}`, provider: { openAI: {} } },
            ],
          })),
        },
      },
    ],
  });
}
