/** What a route asks of the account it calls. */
export type Need = "openai" | "models" | "projects";

type Role = {
  /** Role definition, the same in every tenant. */
  readonly id: string;
  readonly grants: readonly Need[];
};

/** Azure's built-in roles for calling models, the least of them first. */
const roles: Readonly<Record<string, Role>> = {
  "Cognitive Services OpenAI User": {
    id: "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    grants: ["openai"],
  },
  "Cognitive Services User": {
    id: "a97b65f3-24c7-4388-baec-2e87135dc908",
    grants: ["openai", "models"],
  },
  "Foundry User": {
    id: "53ca6127-db72-4b80-b1b0-d745d6d5456d",
    grants: ["openai", "models", "projects"],
  },
};
export const servicesRole = "Cognitive Services User";
export const acrPull = "7f951dda-4ed3-4680-a7ca-43fe172d538d";

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What is wrong with a role given by name or GUID. */
export function checkRole(role: string): string | undefined {
  if (Object.hasOwn(roles, role) || guid.test(role)) return undefined;
  return `${JSON.stringify(role)} is not known: expected ${Object.keys(roles).join(", ")}, or the GUID of a role definition`;
}

/** The GUID of a role given by name or GUID. */
export function roleId(role: string): string {
  return roles[role]?.id ?? role;
}

/** The least role that grants all of `needs`. */
export function leastRole(needs: readonly Need[]): string {
  const found = Object.entries(roles).find(([, { grants }]) =>
    needs.every((need) => grants.includes(need)),
  );
  return found?.[0] ?? servicesRole;
}

/** Whether a role can do what a route needs; a role known only by its GUID is taken at its word. */
export function covers(role: string, need: Need): boolean {
  return roles[role]?.grants.includes(need) ?? true;
}

/** Which of the table a call of this path needs. */
export function needOf(path: string, modelsByOpenAi: boolean): Need {
  if (path === "/api/projects" || path.startsWith("/api/projects/")) return "projects";
  if (modelsByOpenAi && (path === "/openai" || path.startsWith("/openai/"))) return "openai";
  return "models";
}
