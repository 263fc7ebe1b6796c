// `ledger reprice`: rows priced by what is known today, as of their own day; the difference written as corrections, once; on both engines.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import { makeEntry, makeUsage } from "../ledger/entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Desk, makeDesk } from "./desk.ts";

interface Result {
  dry_run: boolean;
  examined: number;
  changed: number;
  newly_priced: number;
  still_unpriced: number;
  before_usd: string;
  after_usd: string;
  difference_usd: string;
  changes: {
    provider: string;
    model: string;
    rows: number;
    before_usd: string | null;
    difference_usd: string;
    price_source: string;
  }[];
}

const USAGE = { freshInputTokens: 1_000, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 100 };
/** $2.50 and $10 a million. */
const COST = 1_000 * 2_500 + 100 * 10_000;

/** $0.15 and $0.60 a million, $1 and $5 a million. */
const [MINI_COST, HAIKU_COST] = [1_000 * 150 + 100 * 600, 1_000 * 1_000 + 100 * 5_000];

const ROWS: readonly Partial<LedgerEntry>[] = [
  // Booked when nobody knew the price.
  { requestId: "unpriced", costNanos: null, priceId: null, priceSource: null, priceDate: null },
  // Booked at twice the price.
  { requestId: "dear", costNanos: 2 * COST },
  { requestId: "right", costNanos: COST },
  { requestId: "free", costNanos: 0, priceSource: "free" },
  { requestId: "nobody", modelAsked: "gpt-unheard-of", modelServed: "gpt-unheard-of", costNanos: null },
  { requestId: "gone", provider: "gone", costNanos: 77 },
  { requestId: "failed", usageSource: "none", costNanos: null, provider: "openai", status: 502 },
  { requestId: "old", createdAt: new Date("2025-12-31T23:59:59Z"), costNanos: null },
];

describe.each(["sqlite", ...(hasPostgres ? ["postgres" as const] : [])] as const)("on %s", (engine) => {
  let desk: Desk;
  beforeEach(async () => {
    desk = makeDesk(engine === "postgres" ? await createDatabase() : undefined);
    await desk.withStore(async ({ ledger }) =>
      ledger.append(ROWS.map((row) => makeEntry({ createdAt: new Date("2026-01-02T03:04:05Z"), ...USAGE, ...row }))),
    );
  });
  afterEach(() => desk.close());

  const reprice = (flags = ""): Promise<Result> =>
    desk.read<Result>(`ledger reprice --from 2026-01-01 ${flags}`.trim());
  const summary = () => desk.read<{ summary: Record<string, unknown> }>("usage summary");

  test("a dry run says what would change, and writes nothing", async () => {
    const before = await summary();
    const result = await reprice("--dry-run");
    expect(result).toMatchObject({
      dry_run: true,
      examined: 7,
      changed: 2,
      newly_priced: 1,
      still_unpriced: 1,
      difference_usd: "0",
    });
    expect(await summary()).toEqual(before);
    const { out, err } = await desk.run("ledger reprice --from 2026-01-01 --dry-run");
    expect(out).toContain("2 of 7 rows would be corrected");
    expect(err).toContain("Nothing was written");
  });

  test("the differences are rows of their own, in a chain; the old figures stay; a second run adds nothing", async () => {
    const result = await reprice();
    expect(result).toMatchObject({ changed: 2, newly_priced: 1, changes: [{ provider: "openai" }] });
    const { entries } = await desk.withStore(({ ledger }) => ledger.page({}, 100, null));
    const corrections = entries.filter(({ kind }) => kind === "correction");
    const call = (requestId: string) => entries.find((row) => row.kind === "call" && row.requestId === requestId);
    expect(corrections).toHaveLength(2);
    expect(corrections.find(({ requestId }) => requestId === "unpriced")).toMatchObject({
      corrects: call("unpriced")?.id,
      reason: "reprice",
      pricesUnknown: true,
      costNanos: COST,
      priceId: "openai/gpt-4o",
      priceSource: "genai-prices@0.1.8",
      freshInputTokens: null,
    });
    expect(corrections.find(({ requestId }) => requestId === "dear")).toMatchObject({
      corrects: call("dear")?.id,
      pricesUnknown: null,
      costNanos: -COST,
    });
    expect(corrections.map(({ seq }) => seq).toSorted((left, right) => (left ?? 0) - (right ?? 0))).toEqual([1, 2]);
    expect(corrections.every(({ chain, hash }) => chain !== null && hash !== null)).toBe(true);
    expect([call("unpriced")?.costNanos, call("dear")?.costNanos]).toEqual([null, 2 * COST]);
    const again = await reprice();
    expect([again.changed, again.difference_usd]).toEqual([0, "0"]);
    const after = await desk.withStore(({ ledger }) => ledger.summarize({ from: new Date("2026-01-01T00:00:00Z") }));
    expect(after.consume).toMatchObject({ requests: 7, costNanos: 3 * COST + 77, unpricedRequests: 1 });
  });

  test("only those without a cost, only of one model or provider", async () => {
    const unpriced = await reprice("--only-unpriced --dry-run");
    expect([unpriced.changed, unpriced.changes[0]?.before_usd]).toEqual([1, null]);
    expect((await reprice("--provider anthropic --dry-run")).examined).toBe(0);
    expect((await reprice("--model gpt-unheard-of --dry-run")).examined).toBe(1);
    expect((await reprice("--to 2026-01-02 --dry-run")).examined).toBe(0);
    const { code, err } = await desk.run("ledger reprice --from 2026-01-02 --to 2026-01-01");
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining("--from: it must be before --to")]);
  });

  test("a price of one's own, as of the row's day; and back again", async () => {
    mkdirSync(join(desk.folder, "config/dev"), { recursive: true });
    const path = "config/dev/gateway.ini";
    const section = "[price.deal]\nmodel=gpt-4o*\ninput=1\noutput=1\n";
    desk.write(path, `${section}from=2026-01-03`);
    expect((await reprice("--dry-run")).changed).toBe(2);
    desk.write(path, `${section}from=2026-01-01`);
    const dealt = await reprice();
    expect(dealt.changed).toBe(3);
    expect(dealt.changes.every(({ price_source: source }) => source === "operator")).toBe(true);
    desk.write(path, "");
    expect((await reprice()).changed).toBe(3);
    const sums = await desk.withStore(({ ledger }) => ledger.summarize({ from: new Date("2026-01-01T00:00:00Z") }));
    expect(sums.consume.costNanos).toBe(3 * COST + 77);
  });

  test("rows of a provider that was declared while the gateway runs have its prices", async () => {
    await desk.run("admin providers add acme type=openai");
    const row = { requestId: "late", provider: "acme", costNanos: null, priceId: null, priceSource: null };
    await desk.withStore(async ({ ledger }) =>
      ledger.append([makeEntry({ createdAt: new Date("2026-02-02T03:04:05Z"), ...USAGE, ...row })]),
    );
    expect(await reprice("--provider acme")).toMatchObject({ examined: 1, newly_priced: 1, still_unpriced: 0 });
    const { out, err } = await desk.run("prices show gpt-4o --provider acme");
    expect([out.split("\n")[0], err]).toEqual([expect.stringMatching(/^gpt-4o at acme: openai\/gpt-4o by /u), ""]);
  });

  test("what others than who answered used is theirs, at their own prices", async () => {
    const usage = makeUsage(USAGE);
    const attempt = { status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1, usage };
    const mini = { ...attempt, provider: "openai", model: "gpt-4o-mini", costNanos: 2 * MINI_COST };
    const haiku = { ...attempt, provider: "anthropic", model: "claude-haiku-4-5", costNanos: 2 * HAIKU_COST };
    const { usage: _, ...asked } = { ...attempt, provider: "openai", model: "gpt-4o" };
    await desk.withStore(({ ledger }) =>
      ledger.append(
        [
          {
            // The second was asked beside the first, and lost.
            attempts: [
              { ...attempt, provider: "openai", model: "gpt-4o", costNanos: 2 * COST },
              { ...mini, status: null, errorKind: "cancelled" as const },
            ],
            costNanos: 2 * (COST + MINI_COST),
            modelServed: "gpt-4o",
          },
          {
            attempts: [
              { ...haiku, errorKind: "upstream_malformed" as const },
              { ...asked, status: 500, errorKind: "upstream_rejected" as const },
            ],
            costNanos: 2 * HAIKU_COST,
            modelServed: null,
            status: 500,
          },
        ].map((row) => makeEntry({ createdAt: new Date("2026-05-02T03:04:05Z"), ...USAGE, ...row })),
      ),
    );
    const costs = async () => {
      const report = "usage breakdown --from 2026-05-01 --by provider,model";
      const { groups } = await desk.read<{ groups: { model: string; cost_nanos: number }[] }>(report);
      return groups.flatMap(({ model, cost_nanos: cost }) => (cost === 0 ? [] : [[model, cost]]));
    };
    const right: [string, number][] = [
      ["gpt-4o", COST],
      ["claude-haiku-4-5", HAIKU_COST],
      ["gpt-4o-mini", MINI_COST],
    ];
    expect(await costs()).toEqual(right.map(([model, cost]) => [model, 2 * cost]));
    await reprice();
    expect(await costs()).toEqual(right);
    expect((await reprice()).changed).toBe(0);
  });

  test("without --from it says what is missing", async () => {
    const { code, err } = await desk.run("ledger reprice");
    expect([code, err.includes("--from")]).toEqual([EXIT.usage, true]);
  });
});
