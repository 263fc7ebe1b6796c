// `bun run build`: the executable for this machine, as dist/tokligence.

import { relative } from "node:path";
import { findHost } from "./base.ts";
import { compile, DIST } from "./compile.ts";
import { readFlags } from "./flag.ts";

readFlags({});
const outfile = `${DIST}/tokligence${process.platform === "win32" ? ".exe" : ""}`;
await compile(findHost(), outfile);
const megabytes = (Bun.file(outfile).size / 1e6).toFixed(1);
console.log(`${relative(process.cwd(), outfile)} ${megabytes} MB`);
