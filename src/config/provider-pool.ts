// Several keys of one provider: `api_key.LABEL`, a file that holds it, and `api_key.LABEL.weight`. Knows how they are said, and no other field.

import type { RouteRule, RouteTarget } from "../gateway/rule.ts";
import type { PoolKey, ProviderSettings } from "../provider/index.ts";
import type { Setting } from "./gathered.ts";
import { describeBadValue } from "./problem.ts";
import type { Reading } from "./read.ts";
import { readSetting } from "./read.ts";
import { defineInteger, headerText } from "./syntax.ts";

/** What the key is called that stands under `api_key` alone. */
const BARE = "default";
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?";
const KEY = new RegExp(`^api_key\\.(${LABEL})$`, "u");
const WEIGHT = new RegExp(`^api_key\\.(${LABEL})\\.weight$`, "u");
const VARIABLE = /^(.+?)_API_KEY_([A-Z0-9_]+)$/u;
const MOST_WEIGHT = 1_000_000;

export function isPoolSecret(field: string): boolean {
  return KEY.test(field);
}

export function isPoolField(field: string): boolean {
  return KEY.test(field) || WEIGHT.test(field);
}

/** A sentence about what is wrong, or null. */
export function judgePoolField(field: string): string | null {
  if (KEY.exec(field)?.[1] !== BARE) return null;
  return `the key of that name is api_key itself`;
}

/** `OPENAI_API_KEY_EU`, `OPENAI_API_KEY_EU_FILE`, `OPENAI_API_KEY_EU_WEIGHT`, without what stands before the provider's name. */
export function readPoolVariable(rest: string): { provider: string; field: string; isPath: boolean } | null {
  const [, provider = "", written = ""] = VARIABLE.exec(rest) ?? [];
  const [, name = "", end] = /^(.+?)(?:_(FILE|WEIGHT))?$/u.exec(written) ?? [];
  // That is the file of the one that has no name.
  if (written === "" || written === "FILE") return null;
  const field = `api_key.${name.toLowerCase().replaceAll("_", "-")}${end === "WEIGHT" ? ".weight" : ""}`;
  return isPoolField(field) ? { provider, field, isPath: end === "FILE" } : null;
}

interface Said {
  name: string;
  fields: ReadonlyMap<string, Setting>;
  /** The one that has no name. */
  apiKey: string | null;
}

/** In the order in which they are said, the one without a name first. */
export function readPool(
  reading: Reading,
  { name, fields, apiKey }: Said,
): { apiKey: string | null; keys?: readonly PoolKey[] } {
  const labels = [...fields.keys()].flatMap((field) => KEY.exec(field)?.[1] ?? []);
  const said = labels.flatMap((label) => {
    const key = { type: headerText, secret: true } as const;
    const id = `api_key.${label}`;
    const value = readSetting(reading, { name: `provider.${name}.${id}`, key, setting: fields.get(id) });
    return typeof value === "string" ? [{ label, apiKey: value }] : [];
  });
  const all = apiKey === null ? said : [{ label: BARE, apiKey }, ...said];
  const keys = all.map((each) => ({ ...each, weight: readWeight(reading, name, { fields, label: each.label }) }));
  refuseStrayWeights(reading, fields, keys);
  refuseTwins(reading, fields, keys);
  // Where the only key has no name, there is nothing to choose and nothing to tell apart.
  if (said.length === 0) return { apiKey };
  return { apiKey: keys[0]?.apiKey ?? null, keys };
}

function readWeight(
  reading: Reading,
  name: string,
  { fields, label }: { fields: Said["fields"]; label: string },
): number {
  const id = `api_key.${label}.weight`;
  const setting = fields.get(id);
  if (setting === undefined) return 1;
  const key = { type: defineInteger(1, MOST_WEIGHT) };
  return Number(readSetting(reading, { name: `provider.${name}.${id}`, key, setting }) ?? 1);
}

function refuseStrayWeights(reading: Reading, fields: Said["fields"], keys: readonly PoolKey[]): void {
  for (const [field, { origin }] of fields) {
    const label = WEIGHT.exec(field)?.[1];
    if (label === undefined || keys.some((key) => key.label === label)) continue;
    reading.gathered.problems.push(
      describeBadValue(origin, field, `there is no key of that name: say api_key.${label}`),
    );
  }
}

/** One key twice would be parked once and asked again at once. */
function refuseTwins(reading: Reading, fields: Said["fields"], keys: readonly PoolKey[]): void {
  for (const [index, { label, apiKey }] of keys.entries()) {
    const twin = keys.slice(0, index).find((each) => each.apiKey === apiKey);
    const origin = fields.get(`api_key.${label}`)?.origin;
    if (twin === undefined || origin === undefined) continue;
    reading.gathered.problems.push(
      describeBadValue(origin, `api_key.${label}`, `this is the same key as that of ${twin.label}`),
    );
  }
}

/** A route that names a key that is not there would lead nowhere, and one that names it behind the model to a model of that name. */
export function refuseStrayLabels(
  reading: Reading,
  routes: readonly RouteRule[],
  providers: readonly ProviderSettings[],
): void {
  for (const { pattern, targets, origin } of routes) {
    for (const fault of listStrayLabels(targets, providers)) {
      const message = `${JSON.stringify(pattern)} leads to ${fault}`;
      reading.gathered.problems.push({ file: origin, line: null, key: null, message, suggestion: null });
    }
  }
}

/** What leads to no key, the end of a sentence for each. */
export function listStrayLabels(targets: readonly RouteTarget[], providers: readonly ProviderSettings[]): string[] {
  return targets.flatMap((target) => {
    const known = providers.find(({ name }) => name === target.provider)?.keys ?? [];
    return (
      findStrayLabel(
        target,
        known.map(({ label }) => label),
      ) ?? []
    );
  });
}

function findStrayLabel({ provider, model, keys = [] }: RouteTarget, known: readonly string[]): string | null {
  const stray = keys.find((label) => !known.includes(label));
  if (stray !== undefined) {
    const labels = known.length === 0 ? "it has no named keys" : `it has ${known.join(", ")}`;
    return `the key ${JSON.stringify(stray)} of ${provider}, which is not there (${labels})`;
  }
  const [name, behind] = model?.split("#") ?? [];
  const areKeys = behind?.split("+").every((label) => known.includes(label.toLowerCase())) === true;
  if (!areKeys) return null;
  return `the model ${JSON.stringify(model)}; keys stand behind the provider: ${provider}#${behind}/${name}`;
}
