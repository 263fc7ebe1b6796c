// What a configuration says of prices, for the price book; and the log's word about calls that nobody has a price for.

import type { Config } from "../config/value.ts";
import { type PriceLayer, type PriceRules, createOverrideLayer } from "../ledger/index.ts";
import { PRICE_FACTS } from "../provider/index.ts";
import type { Log } from "../telemetry/log.ts";

/** The operator's own prices above the lists, a marketplace's among them, and the discounts. */
export function makePriceRules(config: Pick<Config, "prices" | "providers">, lists: readonly PriceLayer[]): PriceRules {
  const { overrides } = config.prices;
  const own = createOverrideLayer({ name: "the operator's prices", source: "operator", date: null, overrides });
  const discounts = config.providers.flatMap(({ name, discount }): [string, string][] =>
    discount === undefined || Number(discount) === 0 ? [] : [[name, discount]],
  );
  return { layers: [own, ...lists], facts: PRICE_FACTS, discounts: new Map(discounts) };
}

/** Names come from outside: so many are told apart, then the log has its fill. */
const MAX_NOTED = 1_000;

/** Once for each model, as each call's row says it again. */
export function makeUnpricedNote(log: Log): (provider: string, model: string, tier: string) => void {
  const noted = new Set<string>();
  return (provider, model, tier) => {
    const name = `${provider}\n${model}\n${tier}`;
    if (noted.has(name) || noted.size >= MAX_NOTED) return;
    noted.add(name);
    log.warn(
      "Nobody knows the price of a model that is called; its rows have no cost. Give it a [price.NAME] section",
      {
        provider,
        model,
        tier,
      },
    );
  };
}
