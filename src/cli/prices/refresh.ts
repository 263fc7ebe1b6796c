// `tokligence prices refresh`: reads the price file again, checks its signature, and keeps a copy that the server finds too.

import { defineCommand } from "citty";
import { maskSource } from "../../config/index.ts";
import { PriceFileError } from "../../ledger/price-file.ts";
import type { PriceKeeper } from "../../ledger/price-keeper.ts";
import { PRICE_LIST } from "../../ledger/price-list.ts";
import type { Change } from "../../lib/change.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS } from "../flags.ts";
import { byOperator, runWithStore } from "../open.ts";
import { print, printJson } from "../output.ts";
import { openCounter } from "./counter.ts";

export default defineCommand({
  meta: { name: "refresh", description: "Read the price file again" },
  args: {
    ...SHARED_ARGS,
    older: { type: "boolean", description: "Take a price file although it is of an older date than the one in use" },
  },
  async run({ args }) {
    const { config, desk } = await openCounter(args);
    const { file, marketFile } = config.prices;
    if (file === null && marketFile === null) {
      throw new CliError(`No price file is configured: the bundled list ${PRICE_LIST} applies.`, {
        exitCode: EXIT.usage,
        hint: "Name one in setting.ini: price_file=/path/to/prices.json or price_file=https://…, or market_price_file=",
      });
    }
    const takesOlder = args.older === true;
    const market = marketFile === null ? null : await refresh(desk.market, marketFile, "market_price_file");
    // What is in use is what was taken last.
    await desk.keeper.recall();
    const list =
      file === null ? null : await refresh(desk.keeper, file, "price_file and price_file_public_key", takesOlder);
    const after = {
      list: list === null ? null : { ...list },
      market: market === null ? null : { ...market },
      ...(takesOlder ? { older: true } : {}),
    };
    const change: Change = { action: "prices.refresh", subjectKind: "prices", subjectId: null, before: null, after };
    await runWithStore(args, ({ store }) => store.changes.tell(byOperator(), change));
    if (args.json === true) return printJson(list === null ? { market } : { ...list, ...(market && { market }) });
    for (const result of [list, market]) {
      if (result === null) continue;
      print(`${result.source}: ${result.entries} prices, ${result.signed ? "signature checked" : "not signed"}`);
    }
    print("A gateway that runs reads it at its next look (price_refresh), or at once at SIGHUP.");
  },
});

async function refresh(keeper: PriceKeeper, location: string, keys: string, takesOlder = false) {
  const read = await keeper.refresh({ takesOlder }).catch((error: unknown) => {
    if (!(error instanceof PriceFileError)) throw error;
    throw new CliError(error.message, {
      exitCode: EXIT.failed,
      hint: `The prices that were in force before stay in force. Check ${keys}.`,
    });
  });
  return {
    source: read?.layer.name ?? null,
    location: maskSource(location),
    entries: read?.size ?? 0,
    signed: read?.isSigned ?? false,
  };
}
