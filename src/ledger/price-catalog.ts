// A price list in the public list's own form (an array of vendors with models, tiers, hours and history by date), as a layer.
// Knows no vendor: which model a name means is the list's own business. Form: https://github.com/pydantic/genai-prices (v2/data.json)

import { type Change, findWindow, isWithinHours } from "./price-hours.ts";
import { ADDRESS_FLAGS, type CatalogModel, type CatalogVendor, type ConditionalPrices, matches } from "./price-data.ts";
import { isNamed } from "./price-name.ts";
import type { PriceKey, PriceLayer, PriceQuestion, Tariff } from "./price-tariff.ts";

interface CatalogInit {
  vendors: readonly CatalogVendor[];
  /** `genai-prices@0.1.8`: stands on every row. */
  source: string;
  /** The list's own date, for prices of which it tells no history. */
  date: string | null;
}

export interface Catalog extends PriceLayer {
  vendors: readonly CatalogVendor[];
}

export function createCatalog({ vendors, source, date }: CatalogInit): Catalog {
  const byId = new Map(vendors.map((vendor) => [vendor.id, vendor]));
  return {
    name: source,
    vendors,
    list(pricing) {
      const vendor = findVendor(vendors, byId, pricing);
      return vendor === undefined ? [] : listShelves(vendor, byId).flatMap(({ models }) => models.map(({ id }) => id));
    },
    findNear(pricing, name) {
      const vendor = findVendor(vendors, byId, pricing);
      const near = vendor === undefined ? undefined : findModel(vendor, byId, { name, isNamed: looksLike });
      return near?.id ?? null;
    },
    find(question: PriceQuestion, name: string): Tariff | null {
      const vendor = findVendor(vendors, byId, question.pricing);
      const model = vendor === undefined ? undefined : findModel(vendor, byId, { name, isNamed });
      if (vendor === undefined || model === undefined || tellsNothing(model)) return null;
      const { prices, since, fromMs, untilMs } = pickPrices(model, question.at);
      return {
        id: `${vendor.id}/${model.id}`,
        vendor: vendor.id,
        model: model.id,
        source,
        date: since ?? date,
        prices,
        tier: "default",
        isListed: true,
        fromMs,
        untilMs,
      };
    },
  };
}

/** The one above is asked first. */
export function stackCatalogs(upper: Catalog, lower: Catalog): Catalog {
  return {
    name: lower.name,
    vendors: lower.vendors,
    find: (question, name) => upper.find(question, name) ?? lower.find(question, name),
    list: (pricing) => [...(upper.list?.(pricing) ?? []), ...(lower.list?.(pricing) ?? [])],
    findNear: (pricing, name) => lower.findNear?.(pricing, name) ?? upper.findNear?.(pricing, name) ?? null,
  };
}

function findVendor(
  vendors: readonly CatalogVendor[],
  byId: ReadonlyMap<string, CatalogVendor>,
  pricing: PriceKey,
): CatalogVendor | undefined {
  if (pricing === "free") return undefined;
  if ("apiUrl" in pricing) return vendors.find(({ api_pattern: pattern }) => isAt(pattern, pricing.apiUrl));
  const id = pricing.vendor.toLowerCase();
  return byId.get(id) ?? vendors.find((vendor) => vendor.provider_match && matches(vendor.provider_match, id));
}

function isAt(pattern: string | undefined, url: string): boolean {
  return pattern !== undefined && new RegExp(`^(?:${pattern})`, ADDRESS_FLAGS).test(url);
}

/** Nothing of it costs anything where its prices are an empty entry; where there is no entry, nobody has said. */
function tellsNothing({ prices }: CatalogModel): boolean {
  return Array.isArray(prices) && prices.length === 0;
}

/** Whether a model of a vendor's list is the one that is named. */
type IsNamed = (name: string, model: CatalogModel, vendor: string) => boolean;

/** By the pattern alone, which may be that of another model. */
const looksLike: IsNamed = (name, { match }) => matches(match, name);

/** By the vendor's own list, else by those that it falls back on; of a name with a date, with and without its dashes. */
function findModel(
  vendor: CatalogVendor,
  byId: ReadonlyMap<string, CatalogVendor>,
  { name, isNamed: isIt }: { name: string; isNamed: IsNamed },
): CatalogModel | undefined {
  const lower = name.toLowerCase().trim();
  const spelled = lower.replaceAll(DATE, "-$1-$2-$3");
  for (const text of new Set([lower, spelled])) {
    const found = listShelves(vendor, byId)
      .map(({ id, models }) => models.find((model) => isIt(text, model, id)))
      .find((model) => model !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Its own list, and those that it falls back on. */
function listShelves(vendor: CatalogVendor, byId: ReadonlyMap<string, CatalogVendor>): CatalogVendor[] {
  return [vendor.id, ...(vendor.fallback_model_providers ?? [])].flatMap((id) => byId.get(id) ?? []);
}

const DATE = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/gu;

interface Picked {
  prices: ConditionalPrices["prices"];
  /** From when, where the list tells. */
  since: string | null;
  fromMs: number;
  untilMs: number;
}

/** The last entry whose condition holds. Hours count from the date of the entry before them on, not in the time before it. */
function pickPrices(model: CatalogModel, at: Date): Picked {
  const list: readonly ConditionalPrices[] = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  let since: string | null = null;
  let picked: { entry: ConditionalPrices; since: string | null } | null = null;
  const changes: Change[] = [];
  for (const entry of list) {
    const { constraint } = entry;
    if (constraint !== undefined && "start_date" in constraint) {
      since = constraint.start_date;
      changes.push({ date: since });
      if (at.getTime() >= Date.parse(since)) picked = { entry, since };
      continue;
    }
    if (constraint === undefined) {
      picked = { entry, since };
      continue;
    }
    changes.push({ hour: constraint.start_time }, { hour: constraint.end_time });
    const hasBegun = since === null || at.getTime() >= Date.parse(since);
    const { start_time: start, end_time: end, days, except } = constraint;
    const isDay = days?.includes(at.getUTCDay()) !== false && except?.includes(at.toISOString().slice(0, 10)) !== true;
    if (hasBegun && isDay && isWithinHours({ start, end }, at)) picked = { entry, since };
  }
  const window = findWindow(changes, at);
  const first = list[0]?.prices ?? {};
  return { prices: picked?.entry.prices ?? first, since: picked?.since ?? null, ...window };
}
