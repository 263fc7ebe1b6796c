// The public price list's form: what a file of it must look like to be believed, and how its patterns match names. Knows no price.

import { z } from "zod";
import { readHour } from "./price-hours.ts";

const price = z.number().min(0);
const value = z.union([
  price,
  z.object({ base: price, tiers: z.array(z.object({ start: z.number().int().min(0), price })) }),
]);
const prices = z.record(z.string(), value);

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/u);
const hour = z.string().refine(isHour, "no time of day");
const constraint = z.union([z.object({ start_date: date }), z.object({ start_time: hour, end_time: hour })]);

export type Match =
  | { and: readonly Match[] }
  | { contains: string }
  | { ends_with: string }
  | { equals: string }
  | { or: readonly Match[] }
  | { regex: string }
  | { starts_with: string };

const match: z.ZodType<Match> = z.lazy(() =>
  z.union([
    z.object({ and: z.array(match) }),
    z.object({ contains: z.string() }),
    z.object({ ends_with: z.string() }),
    z.object({ equals: z.string() }),
    z.object({ or: z.array(match) }),
    z.object({ regex: z.string().refine(isPattern, "no pattern") }),
    z.object({ starts_with: z.string() }),
  ]),
);

const conditional = z.object({ constraint: constraint.optional(), prices });

const model = z.object({
  id: z.string().min(1),
  match,
  prices: z.union([z.array(conditional).min(1), prices]),
});

const vendor = z.object({
  id: z.string().min(1),
  api_pattern: z.string().refine(isPattern, "no pattern").optional(),
  provider_match: match.optional(),
  fallback_model_providers: z.array(z.string()).optional(),
  models: z.array(model),
});

export type ConditionalPrices = z.output<typeof conditional>;
export type CatalogModel = z.output<typeof model>;
export type CatalogVendor = z.output<typeof vendor>;

/** Reads parsed JSON as a list. Throws a RangeError that says what is wrong with it, and where. */
export function readVendors(json: unknown): CatalogVendor[] {
  const read = z.array(vendor).min(1).safeParse(json);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.map(String).join(".")}`;
  throw new RangeError(`it is no price list: ${issue?.message ?? "unreadable"}${where}`);
}

/** `name` is lower case. */
export function matches(rule: Match, name: string): boolean {
  if ("or" in rule) return rule.or.some((part) => matches(part, name));
  if ("and" in rule) return rule.and.every((part) => matches(part, name));
  if ("equals" in rule) return name === rule.equals.toLowerCase();
  if ("starts_with" in rule) return name.startsWith(rule.starts_with.toLowerCase());
  if ("ends_with" in rule) return name.endsWith(rule.ends_with.toLowerCase());
  if ("contains" in rule) return name.includes(rule.contains.toLowerCase());
  return new RegExp(rule.regex).test(name);
}

function isHour(text: string): boolean {
  try {
    return readHour(text) >= 0;
  } catch {
    return false;
  }
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
