// The page of a pack, of books of any size.

import { expect, test } from "bun:test";
import { printPage } from "../../src/audit/pack/page.ts";
import { createSummary } from "../../src/audit/pack/summary.ts";
import { BLANK_ENTRY, type LedgerEntry } from "../../src/ledger/index.ts";

const DAYS = 30;
const KEYS = 4_000;

test("of many keys over many days takes seconds, and adds all of them up", () => {
  const summary = createSummary(new Set(["openai"]));
  for (let number = 0; number < DAYS * KEYS; number++) {
    const call: LedgerEntry = {
      ...BLANK_ENTRY,
      id: `${number}`,
      requestId: `${number}`,
      userId: "user",
      endpoint: "chat.completions",
      createdAt: new Date(Date.UTC(2026, 8, 1 + (number % DAYS))),
      apiKeyId: `key-${Math.floor(number / DAYS)}`,
      provider: "openai",
      modelAsked: "gpt-4o",
      freshInputTokens: 10,
      outputTokens: 1,
      usageSource: "provider",
      costNanos: 1,
    };
    summary.addEntry(call, call);
  }
  const about = { from: "", to: "", model: null, notes: [], providers: ["openai"] };
  const page = printPage({ about, fingerprint: "", summary, prices: [], flagged: [], moreFlagged: 0 });
  expect(page).toContain("<tr><td>gpt-4o</td><td>120,000</td><td>1,200,000</td><td>120,000</td>");
  expect(page.split("<td>key-").length - 1).toBe(KEYS);
}, 15_000);
