/**
 * Starts the bundle that lies beside it with what V8 has compiled of it before, in three quarters of the
 * time (docs/decisions/0012). In the image; what travels to Azure has no room for it.
 */
import { join } from "node:path";
import { loadProgram } from "./program.ts";

loadProgram(join(import.meta.dirname, "gateway.cjs")).run();
