import type * as pulumi from "@pulumi/pulumi";
import type { WrittenConfig } from "../gateway/config/written.ts";

/** The same shape with every value an `Input`: objects and lists stay plain. */
export type InputLeaves<T> = [T] extends [string | number | boolean | null | undefined]
  ? pulumi.Input<T>
  : T extends readonly (infer Item)[]
    ? InputLeaves<Item>[]
    : T extends object
      ? { [Key in keyof T]: InputLeaves<T[Key]> }
      : pulumi.Input<T>;

/**
 * The gateway's configuration as an object, or as YAML text. Pulumi's schema analyzer knows an
 * `Input` by its promise and looks no further, so languages other than TypeScript see a string.
 */
export type GatewayConfigInput = InputLeaves<WrittenConfig> | pulumi.Input<string>;
