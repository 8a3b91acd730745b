// The process that implicit.test.ts starts: a token of the source in its argument, by the
// environment it has, on stdout.
import { acquireFrom } from "../../../../gateway/backend/credential/source.ts";

const kind = process.argv[2] === "developerImplicit" ? "developerImplicit" : "implicit";
const acquire = acquireFrom({ kind }, "https://ai.azure.com/.default", process.env);
const { token } = await acquire(new AbortController().signal);
process.stdout.write(token);
