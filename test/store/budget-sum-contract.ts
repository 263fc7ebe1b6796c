// What budgets count is what going through every row says, chain by chain, whatever is asked for and however far the rows are summed up; and each
// row is read once, whoever asks. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  type Budget,
  type BudgetStore,
  compileScope,
  createBudgetSums,
  type LedgerEntry,
  makePlace,
  type Place as Counted,
  type SealedEntry,
} from "../../src/ledger/index.ts";
import { findAnswering, listShares } from "../../src/lib/share.ts";
import type { Store } from "../../src/store/index.ts";
import { printFill } from "../../scripts/bench/fill.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { query } from "./older.ts";
import { anyEntry } from "./report-contract.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const SEED = 20_261_126;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Around it are the rows. */
const CENTRE_MS = Date.UTC(2026, 2, 29, 1);
const CHAINS = ["gateway", "other gateway", "command"];

const anyWindow = fc
  .record({
    lengthMs: fc.constantFrom(HOUR_MS / 60, HOUR_MS, DAY_MS, 7 * DAY_MS, 31 * DAY_MS, Number.POSITIVE_INFINITY),
    // By zones half an hour and three quarters off, and of a time when there were none.
    offsetMs: fc.constantFrom(0, HOUR_MS / 2, (HOUR_MS * 3) / 4, 1_234_567),
    steps: fc.integer({ min: -3, max: 2 }),
  })
  .map(({ lengthMs, offsetMs, steps }) =>
    Number.isFinite(lengthMs)
      ? {
          startMs: CENTRE_MS + steps * Math.min(lengthMs, 2 * DAY_MS) + offsetMs,
          endMs: CENTRE_MS + steps * Math.min(lengthMs, 2 * DAY_MS) + offsetMs + lengthMs,
        }
      : { startMs: 0, endMs: lengthMs },
  );

const maybe = (...names: string[]) => fc.option(fc.constantFrom(...names), { freq: 2 });
const anyPlace = fc
  .record({
    window: anyWindow,
    scope: fc.record({
      userId: maybe("u1", "u2"),
      apiKeyId: maybe("k1"),
      provider: fc.option(fc.constantFrom("openai", "anthropic"), { freq: 1 }),
      model: fc.option(fc.constantFrom("m1", "M*"), { freq: 1 }),
      tag: fc.option(fc.constantFrom("team=a", "ü '\"%_"), { freq: 1 }),
    }),
    each: fc.constantFrom("user" as const, "key" as const, null),
    unit: fc.constantFrom("usd" as const, "tokens" as const),
    subject: fc.constantFrom("1", "2", "3"),
    // None were, but that is known of no row.
    removedBefore: fc.constantFrom(null, null, new Date(CENTRE_MS)),
  })
  .map(({ window, scope, each, unit, subject, removedBefore }) => {
    const own = each === null ? {} : { [each === "user" ? "userId" : "apiKeyId"]: null };
    const name = each === null ? "" : `${each.slice(0, 1)}${subject}`;
    return makePlace(makeBudget({ ...scope, ...own, each, unit, removedBefore }), window, name);
  });

export function describeBudgetSums(place: Place): void {
  describe("what budgets count", () => {
    const rows: SealedEntry[] = [];
    const heads = new Map<string | null, number>();
    let store: Store;

    beforeAll(async () => {
      store = await open(await place.create());
    });
    afterAll(() => store.close());

    const book = async (entries: Partial<LedgerEntry>[], chain: string | null): Promise<void> => {
      const sealed = entries.map((entry) => {
        const seq = (heads.get(chain) ?? 0) + 1;
        heads.set(chain, seq);
        const seal = chain === null ? {} : { chain, seq, hash: "" };
        return makeEntry({ ...entry, ...seal, id: Bun.randomUUIDv7() });
      });
      rows.push(...sealed.map((entry) => ({ ...entry })));
      await store.ledger.append(sealed);
    };

    test("is in the rows, for any rows of any chains, scopes, windows and state of the sums kept", async () => {
      const piece = fc.record({
        entries: fc.array(anyEntry, { minLength: 1, maxLength: 25 }),
        chain: fc.constantFrom(...CHAINS),
        steps: fc.array(fc.oneof(fc.integer({ min: 1, max: 25 }), fc.constant(10_000)), { maxLength: 4 }),
        places: fc.array(anyPlace, { minLength: 8, maxLength: 8 }),
      });
      // What has no chain was written before there were any.
      const old = fc.sample(anyEntry, { numRuns: 20, seed: SEED });
      await book(old, null);
      const kept = createBudgetSums(store.budgets);
      const known: Counted[] = [];
      await fc.assert(
        fc.asyncProperty(piece, async ({ entries, chain, steps, places }) => {
          await book(entries, chain);
          for (const limit of steps) await store.ledger.rollUp(limit);
          known.push(...places.slice(0, 2));
          for (const asked of [...places, ...known.slice(-8, -2)]) {
            const expected = addUp(rows, asked);
            expect(dropEmpty(await createBudgetSums(store.budgets).read(asked))).toEqual(expected);
            // What was read before is brought forward.
            expect(dropEmpty(await kept.read(asked))).toEqual(expected);
          }
        }),
        { seed: SEED, numRuns: 20, endOnFailure: true },
      );
    }, 120_000);

    test("is read once for all who ask, and then but for what came since", async () => {
      const asked: { since: number | null; found: number }[] = [];
      const watched: Pick<BudgetStore, "readSums"> = {
        async readSums(...given) {
          const reading = await store.budgets.readSums(...given);
          asked.push({ since: given[1]?.size ?? null, found: reading.groups.length });
          return reading;
        },
      };
      const sums = createBudgetSums(watched);
      const window = { startMs: CENTRE_MS - 31 * DAY_MS, endMs: CENTRE_MS + 31 * DAY_MS };
      const budget = makeBudget({ each: "user" });
      const read = async (subject: string, own = budget): Promise<number> =>
        (await sums.read(makePlace(own, window, subject))).reduce((sum, { spent }) => sum + spent, 0);
      const [first, ...more] = await Promise.all(["u1", "u1", "u2", "u3"].map((subject) => read(subject)));
      expect(more[0]).toBe(first ?? -1);
      expect(asked).toEqual([
        { since: null, found: expect.any(Number) },
        { since: expect.any(Number), found: 0 },
      ]);
      await book([{ userId: "u1", createdAt: new Date(CENTRE_MS), freshInputTokens: 7 }], "gateway");
      const [own] = rows.slice(-1);
      const tokens = 7 + (own?.cacheReadTokens ?? 0) + (own?.cacheWriteTokens ?? 0) + (own?.outputTokens ?? 0);
      expect(await read("u1", makeBudget({ userId: "u1" }))).toBe((first ?? 0) + tokens);
      expect(await read("u1")).toBe((first ?? 0) + tokens);
      expect(asked.slice(2).map(({ found }) => found)).toEqual([1, 0]);
      // Until nobody asks any more.
      sums.tidy();
      sums.tidy();
      await read("u1");
      expect(asked.at(-1)).toMatchObject({ since: null });
    });

    test("is read once for all patterns of models, too", async () => {
      const wholes: boolean[] = [];
      const sums = createBudgetSums({
        async readSums(...asked) {
          const reading = await store.budgets.readSums(...asked);
          wholes.push(reading.isWhole);
          return reading;
        },
      });
      const window = { startMs: CENTRE_MS - 31 * DAY_MS, endMs: CENTRE_MS + 31 * DAY_MS };
      await book([{ createdAt: new Date(CENTRE_MS), modelAsked: "m1" }, { createdAt: new Date(CENTRE_MS) }], "gateway");
      for (const model of ["m1", "M*", "*", "nothing*"]) {
        const asked = makePlace(makeBudget({ model }), window);
        expect(dropEmpty(await sums.read(asked))).toEqual(addUp(rows, asked));
      }
      expect(wholes).toEqual([true, false, false, false]);
    });

    test("is read anew once the database was put back to an older state", async () => {
      const location = await place.create();
      const own = await open(location);
      const row = (seq: number, tokens: number) => {
        const usage = { freshInputTokens: tokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
        return makeEntry({ ...usage, chain: "c", seq, hash: "" });
      };
      await own.ledger.append([row(1, 1), row(2, 10), row(3, 100)]);
      const sums = createBudgetSums(own.budgets);
      const counted = makePlace(makeBudget(), { startMs: 0, endMs: Number.POSITIVE_INFINITY });
      expect(await sums.read(counted)).toMatchObject([{ spent: 111 }]);
      await place.run(location, "delete from ledger_entries where seq > 1");
      expect(await sums.read(counted)).toMatchObject([{ spent: 1 }]);
      await own.ledger.append([row(2, 1_000)]);
      expect(await sums.read(counted)).toMatchObject([{ spent: 1_001 }]);
      await place.run(location, "delete from ledger_entries where seq > 1");
      await own.ledger.append([row(2, 5), row(3, 6)]);
      expect(await sums.read(counted)).toMatchObject([{ spent: 12 }]);
      await own.close();
    });

    test("is the same where several chains are long", async () => {
      const location = await place.create();
      const own = await open(location);
      const wholes: boolean[] = [];
      const kept = createBudgetSums({
        async readSums(...asked) {
          const reading = await own.budgets.readSums(...asked);
          wholes.push(reading.isWhole);
          return reading;
        },
      });
      const window = { startMs: CENTRE_MS - 6 * DAY_MS, endMs: CENTRE_MS + DAY_MS };
      const check = async (books = createBudgetSums(own.budgets)): Promise<void> => {
        for (const change of [{}, { tag: "env=prod" }, { model: "model-*" }] satisfies Partial<Budget>[]) {
          const like = "tag" in change ? ` and cast(tags as text) like '%env=prod%'` : "";
          const at = place.engine === "sqlite" ? "created_at" : "extract(epoch from created_at) * 1000";
          const expected = await query<{ chain: string; spent: number | string }>(
            place,
            location,
            `select chain, sum(cost_nanos) as spent from ledger_entries where user_id = 'user-7' and ${at} >= ${window.startMs}${like} group by chain order by chain`,
          );
          const budget = makeBudget({ each: "user", unit: "usd", ...change });
          const sums = await books.read(makePlace(budget, window, "user-7"));
          expect(
            sums
              .map(({ chain, spent }) => ({ chain, spent }))
              .toSorted((left, right) => left.chain.localeCompare(right.chain)),
          ).toEqual(expected.map(({ chain, spent }) => ({ chain, spent: Number(spent) })));
        }
      };
      await check(kept);
      const init = { engine: place.engine, startMs: CENTRE_MS - 9 * DAY_MS, endMs: CENTRE_MS, total: 60_000 };
      for (const [chain, count] of [
        ["a", 26_000],
        ["b", 23_000],
        ["c", 900],
      ] as const)
        await place.run(
          location,
          printFill({ ...init, chain, rows: count, from: 1 }).replaceAll(
            "'-7000-8000-'",
            `'-7000-800${chain.charCodeAt(0) - 97}-'`,
          ),
        );
      await check();
      await own.ledger.rollUp(20_000);
      await check();
      while ((await own.ledger.rollUp(20_000)).chain !== undefined);
      await check();
      // Of all that came since the sums know most by now; of models they know nothing.
      await check(kept);
      expect(wholes).toEqual([true, true, true, true, true, false]);
      await own.close();
    }, 60_000);
  });
}

/** Of each chain, every row looked at. */
function addUp(
  rows: readonly SealedEntry[],
  { budget, window, subject }: Counted,
): Record<string, { spent: number; unpriced: number }> {
  const matches = compileScope(budget);
  const sums = new Map<string, { spent: number; unpriced: number }>();
  for (const row of rows) {
    const atMs = row.createdAt.getTime();
    if (row.direction !== "consume" || atMs < window.startMs || atMs >= window.endMs) continue;
    if (budget.each !== null && subject !== (budget.each === "user" ? row.userId : row.apiKeyId)) continue;
    for (const { provider, modelSent, spent, unpriced } of takeApart(row, budget)) {
      const { userId, apiKeyId, modelAsked } = row;
      if (!matches({ userId, apiKeyId, modelAsked, tags: row.tags ?? [], provider, modelSent })) continue;
      const sum = sums.get(row.chain ?? "") ?? { spent: 0, unpriced: 0 };
      sums.set(row.chain ?? "", { spent: sum.spent + spent, unpriced: sum.unpriced + unpriced });
    }
  }
  return dropEmpty([...sums].map(([chain, sum]) => ({ chain, ...sum })));
}

function takeApart(row: SealedEntry, { unit, provider, model }: Budget) {
  const count = (own: Parameters<typeof countTokens>[0] & { costNanos: number | null }): number =>
    unit === "usd" ? (own.costNanos ?? 0) : countTokens(own);
  const isUnpriced = row.kind === "call" && row.costNanos === null && row.usageSource !== "none";
  const unpriced = unit === "usd" ? Number(isUnpriced) - Number(row.pricesUnknown === true) : 0;
  const isTold = provider !== null || model !== null;
  const shares = isTold ? listShares(row) : [];
  const others = shares.map((share) => ({
    provider: share.provider,
    modelSent: share.model,
    spent: count(share),
    unpriced: 0,
  }));
  const spent = others.reduce((left, other) => left - other.spent, count(row));
  const modelSent = findAnswering(row)?.model ?? "";
  return [{ provider: row.provider ?? "", modelSent, spent, unpriced }, ...others];
}

function countTokens(
  row: Record<"cacheReadTokens" | "cacheWriteTokens" | "freshInputTokens" | "outputTokens", number | null>,
): number {
  return (
    (row.freshInputTokens ?? 0) + (row.cacheReadTokens ?? 0) + (row.cacheWriteTokens ?? 0) + (row.outputTokens ?? 0)
  );
}

function dropEmpty(
  sums: readonly { chain: string; spent: number; unpriced: number }[],
): Record<string, { spent: number; unpriced: number }> {
  const told = sums.filter(({ spent, unpriced }) => spent !== 0 || unpriced !== 0);
  return Object.fromEntries(told.map(({ chain, spent, unpriced }) => [chain, { spent, unpriced }]));
}
