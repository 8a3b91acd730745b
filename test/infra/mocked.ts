import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { FoundryGatewayArgs } from "../../infra/args.ts";
import { FoundryGateway, outputsOf } from "../../infra/foundry-gateway.ts";
import { created, found } from "./azure.ts";

/** One resource as Pulumi's mocks see it: parents and dependencies are for the engine stand-in. */
export type Resource = {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** Id of a resource that is read, not made. */
  readonly id: string | undefined;
};

export type Deployed = {
  readonly resources: readonly Resource[];
  readonly outputs: Record<string, unknown>;
  /** Names of the outputs that are secret. */
  readonly secrets: readonly string[];
};

const folder = mkdtempSync(join(tmpdir(), "foundry-gateway-infra-"));
/** Stands for the built bundle; its text is in no resource of these tests but the app. */
export const bundle = join(folder, "gateway.sfx.cjs");
writeFileSync(bundle, "/* the gateway */");

/** A bundle with other text. */
export function bundleOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Makes one gateway against Pulumi's mocks; `preview` leaves what Azure would say unknown. */
export async function deploy(
  args: FoundryGatewayArgs,
  { preview = false, name = "gateway" } = {},
): Promise<Deployed> {
  const resources: Resource[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name: child, inputs, id }) {
        resources.push({ type, name: child, inputs: revealed(inputs), id: id || undefined });
        if (id) return { id, state: found(type, id) };
        const made = created(type, child, inputs);
        const known = type === "pulumi:index:Stash" ? made.state : inputs;
        return preview ? { id: undefined, state: known } : made;
      },
      call: () => ({ location: "westeurope" }),
    },
    "foundry-gateway",
    "test",
    preview,
    "acme",
  );
  const gateway = new FoundryGateway(name, args.image === undefined ? { bundle, ...args } : args);
  const outputs = outputsOf(gateway);
  await pulumi.runtime.disconnect();
  const entries = Object.entries<pulumi.Output<unknown>>(outputs);
  const secret = await Promise.all(entries.map(([, output]) => pulumi.isSecret(output)));
  return {
    resources: resources.filter(({ type }) => type !== "foundry-gateway:index:FoundryGateway"),
    outputs: Object.fromEntries(
      await Promise.all(
        entries.map(async ([key, output]) => [key, await valueOf(output, preview)]),
      ),
    ),
    secrets: entries.filter((_, index) => secret[index]).map(([key]) => key),
  };
}

const secretMark = "4dabf18193072939515e22adb298388d";

/** Inputs with their secrets in the clear: which are secret is for the engine stand-in. */
function revealed(inputs: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(inputs), (_key, value: unknown) =>
    typeof value === "object" && value !== null && secretMark in value && "value" in value
      ? value.value
      : value,
  );
}

/** An output's value; nothing while it is not known. */
function valueOf(output: pulumi.Output<unknown>, preview: boolean): Promise<unknown> {
  return new Promise((resolve) => {
    // In a preview, what is not known yet never comes.
    if (preview) setTimeout(resolve, 50);
    output.apply(resolve);
  });
}

/** The one resource of this type. */
export function only(resources: readonly Resource[], type: string): Resource {
  const [one, ...others] = resources.filter((resource) => resource.type === type);
  if (one === undefined || others.length > 0) throw new Error(`not exactly one ${type}`);
  return one;
}
