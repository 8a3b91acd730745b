import type { FoundryGatewayArgs } from "./args.ts";
import { checkShape } from "./args-shape.ts";
import { builtBundle, readBundle } from "./bundle.ts";
import { checkArgs } from "./check-args.ts";
import { sketchOf } from "./config-source.ts";
import { type InputProblem, InvalidInput } from "./invalid-input.ts";
import { outlineProblems } from "./outline-plan.ts";

/**
 * Checks everything that can be known before a resource is registered, and throws `InvalidInput`
 * with all of it. What is an output here goes through the same checks when it is known.
 * @returns the text of the bundle to deploy, or nothing for a prebuilt image
 */
export function checkInputs(gateway: string, args: FoundryGatewayArgs): string | undefined {
  const shape = checkShape(args);
  if (shape.length > 0) throw new InvalidInput(gateway, shape);
  const own = checkArgs(gateway, args);
  const bundle =
    args.image === undefined ? readBundle(args.bundle ?? builtBundle) : { text: undefined };
  const problems = [
    ...own,
    ...("message" in bundle ? [bundle] : []),
    // A wrong name of the account would be found once more in every route to it.
    ...(own.some(({ input }) => renderedFrom.test(input)) ? [] : checkGateway(gateway, args)),
  ];
  if (problems.length > 0 || "message" in bundle) throw new InvalidInput(gateway, problems);
  return bundle.text;
}

/** Inputs the configuration is rendered from. */
const renderedFrom = /^(?:name|foundry|callers|env|role)\b/;

/** Nothing is said about a configuration that is not known at all yet. */
function checkGateway(gateway: string, args: FoundryGatewayArgs): readonly InputProblem[] {
  const sketch = args.gateway === undefined ? undefined : sketchOf(args.gateway);
  return sketch === undefined ? [] : outlineProblems(gateway, args, sketch);
}
