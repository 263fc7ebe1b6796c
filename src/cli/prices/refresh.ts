// `tokligence prices refresh`: reads the price file again, checks its signature, and keeps a copy that the server finds too.

import { defineCommand } from "citty";
import { PriceFileError } from "../../ledger/price-file.ts";
import { PRICE_LIST } from "../../ledger/price-list.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { openCounter } from "./counter.ts";

export default defineCommand({
  meta: { name: "refresh", description: "Read the price file again" },
  args: SHARED_ARGS,
  async run({ args }) {
    const { config, desk } = await openCounter(args);
    if (config.prices.file === null) {
      throw new CliError(`No price file is configured: the bundled list ${PRICE_LIST} applies.`, {
        exitCode: EXIT.usage,
        hint: "Name one in setting.ini: price_file=/path/to/prices.json or price_file=https://…",
      });
    }
    const read = await desk.keeper.refresh().catch((error: unknown) => {
      if (!(error instanceof PriceFileError)) throw error;
      throw new CliError(error.message, {
        exitCode: EXIT.failed,
        hint: "The prices that were in force before stay in force. Check price_file and price_file_public_key.",
      });
    });
    const result = {
      source: read?.layer.name ?? null,
      location: config.prices.file,
      entries: read?.size ?? 0,
      signed: read?.isSigned ?? false,
    };
    if (args.json === true) return printJson(result);
    print(`${result.source}: ${result.entries} prices, ${result.signed ? "signature checked" : "not signed"}`);
  },
});
