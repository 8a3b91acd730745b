// Work that goes on after its request has been answered. It lives in the account that took it.
import { randomUUID } from "node:crypto";

export type Operation = {
  readonly id: string;
  readonly created: string;
  /** What it is about, of which its result will be made. */
  readonly input: Buffer;
  /** Told once for each question: not begun, begun, done. */
  state(): "waiting" | "running" | "done";
};

export type Operations = {
  begin(input: Buffer): Operation;
  find(id: string): Operation | undefined;
  forget(id: string): void;
};

export function createOperations(): Operations {
  const operations = new Map<string, Operation>();
  return {
    begin(input) {
      let asked = 0;
      const operation: Operation = {
        id: randomUUID(),
        created: new Date().toISOString(),
        input,
        state() {
          asked += 1;
          return asked === 1 ? "waiting" : asked === 2 ? "running" : "done";
        },
      };
      operations.set(operation.id, operation);
      return operation;
    },
    find: (id) => operations.get(id),
    forget: (id) => void operations.delete(id),
  };
}
