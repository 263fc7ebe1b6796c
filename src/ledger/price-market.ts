// What services of a marketplace cost, in the form in which it lists them, as a layer of prices: each service has one price for a thousand
// tokens of any kind. Which provider's calls are bought as which services, the operator says. Reads no disk and no network.

import { z } from "zod";
import { isJsonObject } from "../ir/index.ts";
import { multiply, parseFraction, printFraction } from "../lib/fraction.ts";
import { describePlace, explainShape, MAX_AMOUNT, parse, type PriceFile, PriceFileError } from "./price-file.ts";
import { isNamed } from "./price-name.ts";
import type { PriceLayer, Tariff } from "./price-tariff.ts";

/** The marketplace's word on every row that it priced. */
const SOURCE = "market";

interface Offer {
  id: string;
  /** The models that it answers for: the family's own name, and its dates and revisions. */
  family: string;
  /** US dollars for a million tokens, as a decimal. */
  usd: string;
}

/** The services that a provider's calls are bought as. */
export type FindServices = (provider: string) => readonly string[];

const price = z.union([z.string().max(MAX_AMOUNT), z.number()]);
const offer = z.object({
  id: z.union([z.string().min(1), z.number()]),
  model_family: z.string().min(1),
  price_per_1k_tokens: price,
});
/** As `GET /services` answers, as `POST /services` does, or the list alone. */
const listed = z.object({ services: z.array(offer) });
const made = z.object({ service: offer }).transform(({ service }) => ({ services: [service] }));
const document = z.preprocess((json) => (Array.isArray(json) ? { services: json } : json), listed);
const FORM = "Each service needs an id, a model_family and a price_per_1k_tokens.";

const THOUSAND = { top: 1_000n, bottom: 1n };

/** Throws a PriceFileError, safe to show, for what is no list of services. */
export function readMarketFile(
  { bytes, location, modifiedAt }: Pick<PriceFile, "bytes" | "location" | "modifiedAt">,
  findServices: FindServices,
): { layer: PriceLayer; size: number } {
  const what = `The file of services ${describePlace(location)}`;
  const json = parse(bytes, what);
  const schema = isJsonObject(json) && "service" in json ? made : document;
  const read = schema.safeParse(json, { reportInput: true });
  if (!read.success)
    throw new PriceFileError(`${what} cannot be used: ${explainShape(read.error, "the whole")}. ${FORM}`);
  const services = read.data.services.map((each): Offer => {
    const perThousand = parseFraction(each.price_per_1k_tokens);
    if (perThousand === null || perThousand.top < 0n || String(each.price_per_1k_tokens).includes("/")) {
      throw new PriceFileError(
        `${what} cannot be used: the price of service "${each.id}" is no amount: write US dollars such as 0.02.`,
      );
    }
    const usd = printFraction(multiply(perThousand, THOUSAND));
    return { id: String(each.id), family: spell(each.model_family), usd };
  });
  const date = modifiedAt?.toISOString().slice(0, 10) ?? null;
  return { layer: createMarketLayer(services, date, findServices), size: services.length };
}

function createMarketLayer(services: readonly Offer[], date: string | null, findServices: FindServices): PriceLayer {
  const byId = new Map(services.map((each) => [each.id, each]));
  return {
    name: "the marketplace's services",
    list: (_, provider) => findServices(provider ?? "").flatMap((id) => byId.get(id)?.family ?? []),
    find({ provider, tier }, name): Tariff | null {
      const bare = spell(name.slice(name.lastIndexOf("/") + 1));
      const found = findServices(provider)
        .map((id) => byId.get(id))
        .find((each) => each !== undefined && isOfFamily(bare, each.family));
      if (found === undefined) return null;
      return {
        id: `${SOURCE}/${found.id}/${found.family}`,
        vendor: SOURCE,
        model: found.family,
        source: SOURCE,
        date,
        // One price for every token: what is read from a cache and what is written costs the same.
        prices: { input_mtok: found.usd, cache_write_1h_mtok: found.usd, output_mtok: found.usd },
        // A service has no tiers.
        tier,
        isListed: false,
        fromMs: Number.NEGATIVE_INFINITY,
        untilMs: Number.POSITIVE_INFINITY,
      };
    },
  };
}

/** Versions are written with points here and with dashes there. */
function spell(name: string): string {
  return name.toLowerCase().trim().replaceAll(".", "-");
}

function isOfFamily(name: string, family: string): boolean {
  return isNamed(name, { id: family, match: { starts_with: family } }, SOURCE);
}
