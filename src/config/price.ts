// From sections of prices to the operator's overrides. Knows no file and no list; what a kind of price is called is the ledger's.

import { type PriceOverride, SHORT_PRICE_NAMES, joinPrices, nameTier, readPriceName } from "../ledger/index.ts";
import type { ProviderSettings } from "../provider/index.ts";
import type { Setting } from "./gathered.ts";
import { describeBadValue, printOrigin, quote } from "./problem.ts";
import type { Reading } from "./read.ts";
import { checkPattern } from "./rule.ts";
import type { SectionDraft } from "./section.ts";
import { moment, parseText } from "./syntax.ts";

/** What a section says beside the prices themselves. */
export const PRICE_SETTINGS = {
  from: { about: "Since when: a day (UTC) or a moment; it stands on the rows", example: "2026-01-01" },
  model: { about: "The model, or a pattern such as gpt-4o* (the closest one counts)", example: "gpt-4o*" },
  provider: { about: "The provider, or a pattern; unset: any", example: "openai" },
  tier: { about: "The service tier: default, batch, flex, priority; one section for each", example: "default" },
  to: { about: "Until when, that day not included", example: "2027-01-01" },
} as const satisfies Record<string, { about: string; example: string }>;

export const PRICE_FIELDS: readonly string[] = [
  ...Object.keys(PRICE_SETTINGS),
  ...SHORT_PRICE_NAMES,
  ...SHORT_PRICE_NAMES.map((name) => `${name}_above_200000`),
  "request",
];

export function isPriceField(name: string): boolean {
  return Object.hasOwn(PRICE_SETTINGS, name) || readPriceName(name) !== null;
}

export function readPrices(reading: Reading, providers: readonly ProviderSettings[]): PriceOverride[] {
  return [...reading.gathered.sections.price].flatMap(([name, draft]) => {
    const read = readPrice(reading, name, draft);
    if (read === null) return [];
    warnAboutProvider(reading, draft, { read, providers });
    return [read];
  });
}

function readPrice(reading: Reading, name: string, draft: SectionDraft): PriceOverride | null {
  const { problems } = reading.gathered;
  const before = problems.length;
  const model = draft.fields.get("model");
  if (model === undefined) {
    const message = `[price.${name}] does not say which model it is for: add model=`;
    problems.push({ ...draft.origin, key: "model", message, suggestion: null });
  }
  for (const field of ["model", "provider"] as const) checkPatternOf(reading, field, draft.fields.get(field));
  const from = readMoment(reading, "from", draft.fields.get("from"));
  const to = readMoment(reading, "to", draft.fields.get("to"));
  const end = draft.fields.get("to");
  if (from !== null && to !== null && end !== undefined && to <= from) {
    problems.push(describeBadValue(end.origin, "to", "it ends before it begins"));
  }
  const prices = readValues(reading, name, draft);
  for (const [field, { text, origin }] of draft.fields) {
    reading.effective.push({ key: `price.${name}.${field}`, value: text, origin: printOrigin(origin), secret: false });
  }
  if (problems.length > before || model === undefined) return null;
  const provider = draft.fields.get("provider")?.text ?? null;
  const tier = nameTier(draft.fields.get("tier")?.text);
  return { name, model: model.text, provider, tier, from, to, prices };
}

/** Each price by itself, so that what is wrong is told with its line; then all of them together. */
function readValues(reading: Reading, name: string, draft: SectionDraft): PriceOverride["prices"] {
  const { problems } = reading.gathered;
  const said = [...draft.fields].filter(([field]) => !Object.hasOwn(PRICE_SETTINGS, field));
  const before = problems.length;
  for (const [field, { text, origin }] of said) {
    if (/^\d+(?:\.\d+)?$/u.test(text)) continue;
    const message = `${quote(text)} is no price: write US dollars such as 2.50`;
    problems.push(describeBadValue(origin, field, message));
  }
  if (said.length === 0) {
    const message = `[price.${name}] says no price: add input= and output=`;
    problems.push({ ...draft.origin, key: null, message, suggestion: null });
  }
  if (problems.length > before) return {};
  try {
    return joinPrices(said.map(([field, { text }]) => [field, text] as const));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({ ...draft.origin, key: null, message: `[price.${name}]: ${reason}`, suggestion: null });
    return {};
  }
}

function checkPatternOf(reading: Reading, field: string, setting: Setting | undefined): void {
  const wrong = setting === undefined ? null : checkPattern(setting.text);
  if (setting !== undefined && wrong !== null) {
    reading.gathered.problems.push(describeBadValue(setting.origin, field, wrong));
  }
}

function readMoment(reading: Reading, field: string, setting: Setting | undefined): Date | null {
  if (setting === undefined) return null;
  const read = parseText(moment, setting.text);
  if ("value" in read) return read.value;
  reading.gathered.problems.push(describeBadValue(setting.origin, field, read.message));
  return null;
}

/** Worth a word and no refusal: a contract may be on record before its provider is. */
function warnAboutProvider(
  reading: Reading,
  draft: SectionDraft,
  { read, providers }: { read: PriceOverride; providers: readonly ProviderSettings[] },
): void {
  const named = read.provider;
  if (named === null || named.includes("*") || providers.some(({ name }) => name === named.toLowerCase())) return;
  const origin = draft.fields.get("provider")?.origin ?? draft.origin;
  reading.gathered.warnings.push(`${printOrigin(origin)}: [price.${read.name}]: there is no provider ${quote(named)}`);
}
