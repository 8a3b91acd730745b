import * as pulumi from "@pulumi/pulumi";

/** One thing wrong with what the component was given; `input` is its path, `scale.max`. */
export type InputProblem = { readonly input: string; readonly message: string };

/**
 * The component refuses its inputs. All problems are in the message, one line each. Pulumi prints
 * the message without a stack and fails the preview.
 */
export class InvalidInput extends pulumi.RunError {
  readonly problems: readonly InputProblem[];

  constructor(gateway: string, problems: readonly InputProblem[]) {
    const lines = problems.map(({ input, message }) => `  ${input}: ${message}`);
    super(`FoundryGateway ${JSON.stringify(gateway)} cannot be deployed:\n${lines.join("\n")}`);
    this.name = "InvalidInput";
    this.problems = problems;
  }
}
