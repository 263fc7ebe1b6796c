// `tokligence version`: which build this is. Loads nothing heavy, for it must answer at once.

import { defineCommand } from "citty";
import { COMMIT, VERSION } from "../lib/version.ts";
import { print, printJson } from "./output.ts";

export default defineCommand({
  meta: { name: "version", description: "Print which build this is" },
  args: { json: { type: "boolean", description: "Print JSON" } },
  run({ args }) {
    const platform = `${process.platform}-${process.arch}`;
    if (args.json === true) return printJson({ version: VERSION, commit: COMMIT, bun: Bun.version, platform });
    print(`tokligence ${VERSION} (${COMMIT}, bun ${Bun.version}, ${platform})`);
  },
});
