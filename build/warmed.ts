/**
 * Runs the bundle named by `BUNDLE` with its own arguments, and writes what V8 has compiled of it when
 * its parent says that it has seen enough.
 */
import { writeFileSync } from "node:fs";
import { cacheBeside, loadProgram } from "../gateway/program.ts";

const bundle = process.env["BUNDLE"];
if (bundle === undefined) throw new Error("BUNDLE is not set");
const program = loadProgram(bundle);
process.once("message", () => {
  writeFileSync(cacheBeside(bundle), program.compiled());
  process.exit();
});
// A bundle that has nothing to do ends, listened to or not.
process.channel?.unref();
program.run();
