// Which tools of a provider's own a request asks for that are sold by the call, beside the tokens: what they cost, nobody knows before the answer, and
// where they have no price, not behind it either. Knows no list.

import { type Json, type JsonObject, NO_USAGE, type Usage, isJsonObject } from "../ir/index.ts";
import type { PriceBook, PriceRequest } from "../ledger/index.ts";
import type { Plan } from "./plan.ts";

/** By the beginning of a tool's type: under which name the answer counts its calls. */
const BY_TYPE: readonly (readonly [string, string])[] = [
  ["code_interpreter", "code_interpreter_calls"],
  ["file_search", "file_search_calls"],
  ["image_generation", "image_generation_calls"],
  ["web_search", "web_search_calls"],
  ["x_search", "x_search_calls"],
];

/** By the one member of a tool of Google's, however it is written. https://ai.google.dev/api/caching#Tool */
const BY_MEMBER: ReadonlyMap<string, string> = new Map(
  ["enterprisewebsearch", "googlemaps", "googlesearch", "googlesearchretrieval"].map((name) => [
    name,
    "web_search_queries",
  ]),
);

/** As the provider is asked: what its format cannot say is not sold. */
export function findSold({ body: sent, mode }: Pick<Plan, "body" | "mode">, asked: JsonObject): readonly string[] {
  const sold = listSold(asked);
  return sold.length === 0 || mode.kind !== "translate" ? sold : listSold(JSON.parse(sent) as Json);
}

/** Names of units as rows have them; none where nothing is sold. */
export function listSold(body: Json): readonly string[] {
  if (!isJsonObject(body)) return NONE;
  const { tools, search_parameters: search } = body;
  const sold = isJsonObject(search) && search["mode"] !== "off" ? ["search_sources"] : [];
  if (Array.isArray(tools)) for (const tool of tools) if (isJsonObject(tool)) sold.push(...nameSold(tool));
  return sold.length === 0 ? NONE : [...new Set(sold)];
}

/** Clients' own functions are passed over quickly: coding agents send a hundred of them. */
function nameSold(tool: JsonObject): readonly string[] {
  const { type, name } = tool;
  if (type === "function" || (type === undefined && typeof name === "string")) return NONE;
  if (typeof type === "string") return BY_TYPE.flatMap(([start, unit]) => (type.startsWith(start) ? [unit] : []));
  return Object.keys(tool).flatMap((member) => BY_MEMBER.get(member.replaceAll("_", "").toLowerCase()) ?? []);
}

/** Whether each of them has a price where this model is asked. */
export function knowsSold(
  prices: Pick<PriceBook, "price">,
  asked: Omit<PriceRequest, "usage">,
  { sold, tier }: { sold: readonly string[]; tier: string },
): boolean {
  const usage = { ...NO_USAGE, serviceTier: tier, ...useOnce(sold) };
  return sold.length === 0 || prices.price({ ...asked, usage }) !== null;
}

export function useOnce(sold: readonly string[]): Partial<Usage> {
  return sold.length === 0 ? {} : { units: Object.fromEntries(sold.map((name) => [name, 1])) };
}

const NONE: readonly string[] = Object.freeze([]);
