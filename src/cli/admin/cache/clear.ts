// `tokligence admin cache clear`: forgets all answers that are kept in a file or in Redis; a running server has none of them either then.

import { defineCommand } from "citty";
import { CliError, EXIT } from "../../error.ts";
import { tellClear } from "../../../server/index.ts";
import { type ConfigFlags, PLACE_ARGS } from "../../flags.ts";
import { byOperator, runWithStore } from "../../open.ts";
import { count, print, printJson } from "../../output.ts";
import { createRemote } from "../../remote/client.ts";
import { type Target, findTarget } from "../../remote/target.ts";
import { OF_THE_SERVER, withShelf } from "./shelf.ts";

export default defineCommand({
  meta: { name: "clear", description: "Forget all answers that are kept" },
  args: PLACE_ARGS,
  async run({ args }) {
    const target = findTarget(args);
    const { store, removed } = target === null ? await clearHere(args) : await clearThere(target);
    if (store === "off") {
      const hint = "cache = memory, sqlite or redis switches it on.";
      throw new CliError("The cache is off, so there is nothing to forget.", { exitCode: EXIT.notFound, hint });
    }
    if (store === "memory" && target === null) {
      throw new CliError("This cache cannot be emptied from here.", {
        exitCode: EXIT.unavailable,
        hint: OF_THE_SERVER,
      });
    }
    if (removed === null) {
      const hint =
        store === "redis" ? "Check redis_url, and that Redis is up." : "Check cache_path, or delete the file.";
      throw new CliError("The cache cannot be reached.", { exitCode: EXIT.unavailable, hint });
    }
    if (args.json === true) return printJson({ store, removed });
    print(`Forgot ${count(removed, "answer")}.`);
  },
});

interface Cleared {
  store: string;
  removed: number | null;
}

function clearHere(flags: ConfigFlags): Promise<Cleared> {
  return withShelf(flags, async ({ cache }, shelf) => {
    const gone = (await shelf?.clear()) ?? null;
    if (gone !== null)
      await runWithStore(flags, (opened) => opened.store.changes.tell(byOperator(), tellClear(cache.store, gone)));
    return { store: cache.store, removed: gone };
  });
}

function clearThere(target: Target): Promise<Cleared> {
  return createRemote(target).ask({ method: "DELETE", path: "/api/v1/admin/cache" });
}
