// Which names are a listed model's own: real ones, and those of models that were made up beside every one on the list.

import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { type CatalogVendor, type Match, matches } from "../../src/ledger/price-data.ts";
import { createPriceBook } from "../../src/ledger/index.ts";
import { loadBundledPrices } from "../../src/ledger/price-list.ts";
import { PRICE_FACTS } from "../../src/provider/index.ts";

const AT = new Date("2026-10-01T12:00:00Z");
const catalog = await loadBundledPrices();
const book = createPriceBook({ layers: [catalog], facts: PRICE_FACTS });

const find = (vendor: string, name: string): string | null =>
  book.explain({ provider: vendor, pricing: { vendor }, models: [name], at: AT, tier: "default" })?.tariff.id ?? null;

/** As vendors write them, each with the list's model that it is, or null where it is another one or there is no telling. */
const NAMES: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  anthropic: {
    "claude-sonnet-4-5": "claude-sonnet-4-5",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4-5",
    "claude-sonnet-4-5@20250929": "claude-sonnet-4-5",
    "claude-sonnet-4-5-2025-09-29": "claude-sonnet-4-5",
    "claude-sonnet-4-20250514": "claude-sonnet-4-0",
    "claude-3-5-haiku-latest": "claude-3-5-haiku-latest",
    "claude-sonnet-5-5": null,
    "claude-sonnet-5.5": null,
    "claude-sonnet-4-5-thinking": null,
    "claude-sonnet-4-5-v2": null,
    "claude-sonnet-4-57": null,
    "claude-sonnet-4-5-99999999": null,
    "claude-haiku-4-5-mini": null,
    "claude-opus-4-8-fast": null,
  },
  aws: {
    "anthropic.claude-3-5-sonnet-20241022-v2:0": "regional.anthropic.claude-3-5-sonnet-20241022-v2:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0": "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "global.anthropic.claude-sonnet-4-5-20250929-v1:0": "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0":
      "regional.anthropic.claude-3-haiku-20240307-v1:0",
    "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0":
      "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "eu.amazon.nova-lite-v1:0": "amazon.nova-lite-v1:0",
    // Worldwide addresses are cheaper, where there are any, and government's are not on the list.
    "global.amazon.nova-lite-v1:0": null,
    "us-gov.anthropic.claude-3-haiku-20240307-v1:0": null,
    // With a window that is sold by the hour.
    "amazon.nova-lite-v1:0:300k": null,
    "amazon.titan-embed-text-v1": "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2:0": null,
  },
  azure: { "o4-mini-2025-04-16": "o4-mini", "o4-mini-deep-research": "o4-mini-deep-research" },
  cohere: { "command-light": "command-light", "command-light-nightly": null },
  deepseek: {
    "deepseek-chat": "deepseek-chat",
    "deepseek-r1-0528": "deepseek-reasoner",
    "deepseek-r1-distill-llama-70b": null,
    "deepseek-v4-flash-lite": null,
  },
  google: {
    "gemini-1.5-pro-002": "gemini-1.5-pro",
    "models/gemini-1.5-flash-latest": "gemini-1.5-flash",
    "gemini-1.5-flash-8b": null,
    "gemini-2.0-flash-001": "gemini-2.0-flash",
    "gemini-2.0-flash-exp-image-generation": null,
    "gemini-2.5-pro-preview-05-06": "gemini-2.5-pro",
    "gemini-2.5-pro-exp-03-25": null,
    "gemini-2.5-flash-lite-preview-09-2025": "gemini-2.5-flash-lite",
    "gemini-3.6-flash-lite": null,
    "gemini-3.5-flash-8b": null,
    "gemini-3.1-pro-preview-customtools": "gemini-3.1-pro-preview",
    "gemma-3-27b-it": "gemma-3",
    "gemma-3-500b-it": null,
    "publishers/anthropic/models/claude-opus-4-6": "claude-opus-4-6",
    "claude-3-5-sonnet-v2@20241022": "claude-3-5-sonnet",
  },
  minimax: { "MiniMax-M2.5-highspeed": "MiniMax-M2.5-highspeed", "MiniMax-M2.5-highspeed-mini": null },
  mistral: { "magistral-small-latest": "magistral-small", "magistral-medium-2509": "magistral-medium" },
  moonshotai: { "kimi-k2.5": "kimi-k2.5", "kimi-k2.5-thinking": null },
  openai: {
    "gpt-4o-2024-11-20": "gpt-4o",
    "gpt-4.1x": null,
    "gpt-4.1-8k": null,
    "gpt-4o-audio-preview-2025-06-03": "gpt-4o-audio-preview",
    "gpt-5-nano-2025-08-07": "gpt-5-nano",
    "gpt-5-nano-chat": null,
    "gpt-5.6-sol-pro": null,
    "gpt-3.5-turbo-instruct:20230824-v2": "gpt-3.5-turbo-instruct",
    "ft:gpt-4o-mini-2024-07-18:acme:mine:AbC123": "ft:gpt-4o-mini",
    "ft:gpt-4o-2024-08-06:acme::AbC123": "ft:gpt-4o",
    "gpt-4o-mini-2024-07-18.ft-0123": "gpt-4o-mini-2024-07-18.ft-",
    "computer-use-preview-2025-03-11": "computer-use",
    "omni-moderation-latest": "moderation",
    "text-moderation-stable": "moderation",
  },
};

describe("a name on the price list", () => {
  const rows = Object.entries(NAMES).flatMap(([vendor, names]) =>
    Object.entries(names).map(([name, model]) => [vendor, name, model] as const),
  );
  test.each(rows)("%s: %s", (vendor, name, model) => {
    expect(find(vendor, name)).toBe(model === null ? null : `${vendor}/${model}`);
  });

  test("every name that the list writes out is a model's", () => {
    const lost = catalog.vendors.flatMap((vendor) =>
      vendor.models
        .flatMap(({ match }) => listEqual(match))
        .filter((name) => find(vendor.id, name) === null)
        .map((name) => `${vendor.id}/${name}`),
    );
    expect(lost).toEqual([]);
  });

  test("nothing that is made up beside a listed model has its price: not for any of the whole list", () => {
    const wrong: string[] = [];
    let tried = 0;
    // Vendors fall back on each other's lists.
    const written = new Set(catalog.vendors.flatMap((vendor) => [...listNames(vendor)]));
    for (const vendor of catalog.vendors) {
      // A name that ends in a dash is no name, but what those of tuned models begin with.
      for (const name of [...listNames(vendor)].filter((text) => !text.endsWith("-"))) {
        for (const more of NEIGHBOURS) {
          const made = name + more;
          // One that the list names itself is no invention.
          if (written.has(made) || vendor.models.some(({ match }) => isWritten(match, made))) continue;
          tried++;
          const found = find(vendor.id, made);
          if (found !== null) wrong.push(`${vendor.id}: ${made} -> ${found}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(25_000);
  });

  test("a date, a revision and the latest of a model that the list tells by its beginning are that model", () => {
    const lost: string[] = [];
    for (const vendor of catalog.vendors) {
      for (const { id, match } of vendor.models) {
        const starts = listStarts(match).filter((start) => /[a-z\d]$/u.test(start) && find(vendor.id, start) !== null);
        for (const start of starts.filter((text) => matches(match, text))) {
          for (const more of ["-20260131", "-2026-01-31", "-latest", "-preview", "-0131", "@20260131", "-001"]) {
            if (find(vendor.id, start + more) === null) lost.push(`${vendor.id}: ${start}${more} is no ${id}`);
          }
        }
      }
    }
    expect(lost).toEqual([]);
  });

  test("models that really answered in the recordings have the price that they had", async () => {
    const served = await listRecorded();
    expect(served.size).toBeGreaterThan(20);
    const known = [...served].filter((name) => VENDORS.some((vendor) => find(vendor, name) !== null));
    const lost = [...served].filter(
      (name) => !known.includes(name) && VENDORS.some((vendor) => looksKnown(vendor, name)),
    );
    expect(lost).toEqual([]);
  });
});

const VENDORS = ["anthropic", "aws", "azure", "deepseek", "google", "groq", "mistral", "openai", "openrouter", "x-ai"];

/** Sizes, versions, ways to think and windows: what the next model's name has and this one's has not. */
const NEIGHBOURS = [
  "-mini",
  "-nano",
  "-pro",
  "-max",
  "-lite",
  "-thinking",
  "-8k",
  "-1m",
  "-70b",
  "-fast",
  "-turbo-2",
  "-instruct-v9",
  "-5-5",
  "-v9:0",
  ".5",
  "x",
];

function listEqual(match: Match): string[] {
  if ("or" in match) return match.or.flatMap(listEqual);
  if ("and" in match) return [];
  return "equals" in match ? [match.equals] : [];
}

function listStarts(match: Match): string[] {
  if ("or" in match) return match.or.flatMap(listStarts);
  return "starts_with" in match ? [match.starts_with] : [];
}

function listNames({ models }: CatalogVendor): Set<string> {
  return new Set(
    models.flatMap(({ id, match }) =>
      [id, ...listEqual(match), ...listStarts(match)].map((name) => name.toLowerCase()),
    ),
  );
}

/** Whether a rule writes out this very name, or its whole form. */
function isWritten(match: Match, name: string): boolean {
  if ("or" in match) return match.or.some((part) => isWritten(part, name));
  if ("and" in match) return false;
  if ("regex" in match) return matches(match, name);
  return Object.values(match).some((words) => typeof words === "string" && words.toLowerCase() === name);
}

function looksKnown(vendor: string, name: string): boolean {
  return (catalog.findNear?.({ vendor }, name) ?? null) !== null;
}

async function listRecorded(): Promise<Set<string>> {
  const names = new Set<string>();
  const told = /"(?:model|modelVersion)"\s*:\s*"([\w.:@/-]{3,80})"/gu;
  for await (const path of new Glob("**/*.{json,jsonl,txt,sse}").scan({ cwd: "test/fixtures", absolute: true })) {
    for (const [, name = ""] of (await Bun.file(path).text()).matchAll(told)) names.add(name);
  }
  return names;
}
