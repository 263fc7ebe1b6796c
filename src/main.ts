// The program's start: hands the words of the command line over. Knows nothing else.

import { runCli } from "./cli/index.ts";

process.env["DO_NOT_TRACK"] = "1";

const code = await runCli(process.argv.slice(2));
// A command may have set a code of its own.
if (code !== 0) process.exitCode = code;
