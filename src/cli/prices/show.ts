// `tokligence prices show`: which price applies to a model, where it comes from, and since when.

import { defineCommand } from "citty";
import { type PriceExplanation, type PriceKey, nameTier } from "../../ledger/index.ts";
import { explainRoute } from "../../server/index.ts";
import { CliError, EXIT } from "../error.ts";
import { openDryFleet } from "../dry-fleet.ts";
import { SHARED_ARGS } from "../flags.ts";
import { print, printJson, printTable, say } from "../output.ts";
import { readMomentOrAge } from "../value.ts";
import { type Counter, openCounter } from "./counter.ts";

export default defineCommand({
  meta: { name: "show", description: "Say which price applies to a model, and why" },
  args: {
    model: { type: "positional", description: "The model's name, as clients or the provider write it", required: true },
    provider: { type: "string", description: "Provider that serves it, where routes do not tell", valueHint: "NAME" },
    tier: { type: "string", description: "Service tier, such as batch, flex or priority", valueHint: "TIER" },
    at: { type: "string", description: "The price at this moment, or this long ago (24h, 7d)", valueHint: "WHEN" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const counter = await openCounter(args);
    await counter.desk.open();
    const target = await findTarget(counter, args.model, args.provider);
    const at = args.at === undefined ? new Date() : readMomentOrAge("at", args.at, Date.now());
    const tier = nameTier(args.tier);
    const pricing = findPricing(counter, target.provider);
    const asked = { ...target, at: at.toISOString(), tier };
    if (pricing === "free") {
      if (args.json === true) return printJson({ ...asked, free: true });
      return print(`${target.model} at ${target.provider} is free.`);
    }
    const found = counter.desk.book.explain({ provider: target.provider, pricing, models: [target.model], at, tier });
    if (found === null) {
      throw new CliError(
        `Nobody knows what "${target.model}" costs at provider "${target.provider}".${tellNear(counter, pricing, target.model)}`,
        {
          exitCode: EXIT.notFound,
          hint: `Its calls are booked without a cost. Say what it costs: [price.NAME] with model=${target.model}, input= and output=`,
        },
      );
    }
    if (args.json === true) return printJson({ ...asked, ...printExplanation(found) });
    tell(target, found);
  },
});

async function findTarget(
  { config, desk, scene }: Counter,
  model: string,
  provider: string | undefined,
): Promise<{ model: string; provider: string }> {
  if (provider === undefined) {
    const tools = { prices: desk.book, fleet: await openDryFleet(config, []) };
    const { provider: routed, upstream_model: upstream } = explainRoute({ scene, tools }, model);
    return { model: upstream, provider: routed };
  }
  return { model, provider };
}

/** Of a configured provider; else of a vendor by the list's own name for it. */
function findPricing({ desk, scene }: Counter, provider: string): PriceKey {
  const configured = scene.providers.get(provider)?.pricing;
  if (configured !== undefined) return configured;
  const listed = { vendor: provider };
  if (desk.layers().some((layer) => (layer.list?.(listed).length ?? 0) > 0)) return listed;
  throw new CliError(`There is no provider "${provider}", and no price list has a vendor of that name.`, {
    exitCode: EXIT.notFound,
    hint: `There are ${[...scene.providers.keys()].join(", ")}.`,
  });
}

/** A name that only looks like another one's has no price, and people wonder why. */
function tellNear({ desk }: Counter, pricing: PriceKey, model: string): string {
  const near = desk
    .layers()
    .map((layer) => layer.findNear?.(pricing, model) ?? null)
    .find((id) => id !== null);
  return near === undefined
    ? ""
    : ` The list's "${near}" has a like name, but what the names differ in is no date or revision: it may be another model.`;
}

function printExplanation({ source, tariff, facts, bands }: PriceExplanation) {
  return {
    price_id: tariff.id,
    price_source: source,
    price_date: tariff.date,
    valid_from: printMoment(tariff.fromMs),
    valid_until: printMoment(tariff.untilMs),
    pages: facts,
    prices: bands.map(({ aboveInputTokens, prices }) => ({
      above_input_tokens: aboveInputTokens,
      usd: Object.fromEntries(prices.map(({ key, usd }) => [key, usd])),
    })),
  };
}

function tell(target: { model: string; provider: string }, { source, tariff, facts, bands }: PriceExplanation): void {
  const since = tariff.date === null ? "of an unknown date" : `of ${tariff.date}`;
  print(`${target.model} at ${target.provider}: ${tariff.id} by ${source}, ${since}`);
  const until = printMoment(tariff.untilMs);
  if (until !== null) print(`until ${until}`);
  for (const page of facts) print(`see ${page}`);
  printTable(
    bands.flatMap(({ aboveInputTokens, prices }) =>
      prices
        .filter(({ key, usd }) => usd !== null || key in tariff.prices)
        .map(({ key, usd }) => ({ price: key, usd: usd ?? "unknown", above_input_tokens: aboveInputTokens || null })),
    ),
    ["price", "usd", "above_input_tokens"],
  );
  if (bands.every(({ prices }) => prices.every(({ usd }) => usd === null))) {
    say(
      "Nobody knows the prices of that tier; its calls are booked without a cost. A section [price.NAME] with tier= can say them.",
    );
  }
}

function printMoment(ms: number): string | null {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}
