// What calls cost, computed by hand from the vendors' own price pages; unknown stays unknown.

import { describe, expect, test } from "bun:test";
import type { PriceBook } from "../../src/ledger/index.ts";
import { loadPriceBook } from "../../src/ledger/price-list.ts";
import { PRICE_CORRECTIONS, PRICE_FACTS } from "../../src/provider/index.ts";
import { OPENAI } from "./cost-case.ts";
import { GOOGLE } from "./cost-case-google.ts";
import { ANTHROPIC, DEEPSEEK, OTHERS } from "./cost-case-other.ts";
import { makeUsage } from "./entry.ts";

const AT = "2026-06-20T12:00:00Z";
const VENDORS = { openai: OPENAI, anthropic: ANTHROPIC, google: GOOGLE, deepseek: DEEPSEEK, ...OTHERS };

describe("what a call costs", () => {
  const rows = Object.entries(VENDORS).flatMap(([vendor, cases]) =>
    Object.entries(cases).map(([what, row]) => [vendor, row.model, what, row] as const),
  );
  test.each(rows)("%s %s: %s", async (vendor, model, _what, { usage, units = null, at = AT, cost, date }) => {
    const book = await open();
    const price = book.price({
      provider: vendor,
      pricing: { vendor },
      models: [model],
      at: new Date(at),
      usage: usage === undefined ? null : makeUsage({ reasoningTokens: null, ...usage }),
      units,
    });
    expect(price?.costNanos ?? null).toBe(cost);
    if (date !== undefined) expect(price?.date).toBe(date);
  });
});

let opened: Promise<PriceBook> | null = null;

async function open(): Promise<PriceBook> {
  opened ??= loadPriceBook({ facts: PRICE_FACTS, corrections: PRICE_CORRECTIONS });
  return opened;
}
