// `tokligence prices list`: what is known of the models of each provider, the operator's own prices first.

import { defineCommand } from "citty";
import type { PriceExplanation } from "../../ledger/index.ts";
import type { Provider } from "../../provider/index.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS } from "../flags.ts";
import { printJson, printTable, say } from "../output.ts";
import { type Counter, openCounter } from "./counter.ts";

const COLUMNS = ["provider", "model", "input", "cache_read", "cache_write", "output", "source", "date"] as const;

export default defineCommand({
  meta: { name: "list", description: "List the prices of the providers' models, in USD for a million tokens" },
  args: {
    provider: { type: "string", description: "Of this provider alone", valueHint: "NAME" },
    model: { type: "string", description: "Of models whose name holds this", valueHint: "TEXT" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const counter = await openCounter(args);
    await counter.desk.open();
    const { provider: name, model: part = "" } = args;
    if (name !== undefined && !counter.scene.providers.has(name)) {
      throw new CliError(`There is no provider "${name}".`, {
        exitCode: EXIT.notFound,
        hint: `There are ${[...counter.scene.providers.keys()].join(", ")}.`,
      });
    }
    const rows = [...counter.scene.providers.values()]
      .filter((provider) => provider.name === (name ?? provider.name))
      .flatMap((provider) => listPrices(counter, provider))
      .filter(({ model }) => model.toLowerCase().includes(part.toLowerCase()));
    if (args.json === true) return printJson({ data: rows });
    printTable(rows, COLUMNS);
    if (rows.length === 0) say("No price is known of such models. `tokligence prices show MODEL` says more.");
  },
});

function listPrices({ config, desk }: Counter, { name: provider, pricing }: Provider) {
  if (pricing === "free") return [];
  // Whether it is a price of this provider, the book says.
  const said = config.prices.overrides.map(({ model }) => model);
  const listed = desk.layers().flatMap((layer) => layer.list?.(pricing, provider) ?? []);
  const at = new Date();
  return [...new Set([...said, ...listed])].flatMap((model) => {
    const found = desk.book.explain({ provider, pricing, models: [model], at, tier: "default" });
    return found === null ? [] : [toRow(provider, model, found)];
  });
}

function toRow(provider: string, model: string, { bands, source, tariff }: PriceExplanation) {
  const prices = new Map(bands[0]?.prices.map(({ key, usd }) => [key, usd]));
  const priceOf = (kind: string): string | null => prices.get(`${kind}_mtok`) ?? null;
  return {
    provider,
    model,
    input: priceOf("input"),
    cache_read: priceOf("cache_read"),
    cache_write: priceOf("cache_write"),
    output: priceOf("output"),
    source,
    date: tariff.date,
  };
}
