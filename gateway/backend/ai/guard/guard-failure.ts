/** A text could not be checked; says why in one word, and nothing of the text. */
export class GuardFailure extends Error {
  readonly failure: string;

  constructor(failure: string, cause?: unknown) {
    super(`the prompt guard failed: ${failure}`, cause === undefined ? undefined : { cause });
    this.name = "GuardFailure";
    this.failure = failure;
  }
}
