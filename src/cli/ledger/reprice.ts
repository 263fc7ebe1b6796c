// `tokligence ledger reprice`: prices rows by what is known today, each as of its own day, and writes the differences as corrections.

import { defineCommand } from "citty";
import { type LedgerEntry, type LedgerFilter, type Repriced, formatUsd, repriceEntry } from "../../ledger/index.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS } from "../flags.ts";
import type { Change as Recorded } from "../../lib/change.ts";
import { type Opened, byOperator, runWithStore } from "../open.ts";
import { count as plural, printJson, printTable, print, say, startProgress } from "../output.ts";
import { openCounter } from "../prices/counter.ts";
import { readMomentOrAge, refuseValue } from "../value.ts";
import { writeBooks } from "./writer.ts";

export default defineCommand({
  meta: { name: "reprice", description: "Price rows anew, and write the differences as corrections" },
  args: {
    from: {
      type: "string",
      description: "Rows from this moment on, or from this long ago (24h, 7d)",
      valueHint: "WHEN",
    },
    to: { type: "string", description: "Before this moment, or this long ago", valueHint: "WHEN" },
    model: { type: "string", description: "Of this model, as asked for or as served", valueHint: "MODEL" },
    provider: { type: "string", description: "Of this provider", valueHint: "NAME" },
    "only-unpriced": { type: "boolean", description: "Only rows that have no cost yet" },
    "dry-run": { type: "boolean", description: "Say what would change, and write nothing" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const filter = readFilter(args);
    const counter = await openCounter(args);
    await counter.desk.open();
    const { book } = counter.desk;
    const pricingOf = (name: string) => counter.scene.providers.get(name)?.pricing;
    const isDry = args["dry-run"] === true;
    const tally = await runWithStore(args, async (opened) => {
      const reprice = (write: (corrections: readonly LedgerEntry[]) => Promise<void>): Promise<Tally> =>
        walk(opened, filter, {
          write,
          isWanted: ({ before }) => args["only-unpriced"] !== true || before === null,
          reprice: (entry, corrections) => repriceEntry(entry, corrections, { book, pricingOf }),
        });
      if (isDry) return reprice(async () => undefined);
      const { result, chain } = await writeBooks(opened, async (writer) => {
        const add = async (corrections: readonly LedgerEntry[]): Promise<void> =>
          void (await Promise.all(corrections.map((row) => writer.add(row))));
        return { result: await reprice(add), chain: writer.chain };
      });
      // Gateways that run count them at once; the rows are where they look for them by now.
      if (result.changed > 0) {
        await opened.store.budgets.noteRows(chain);
        await opened.store.changes.tell(byOperator(), tellReprice(filter, result));
      }
      return result;
    });
    if (args.json === true) return printJson({ dry_run: isDry, ...printTally(tally) });
    tell(tally, isDry);
  },
});

/** The rows say each for itself what it adds; this says who had them written. */
function tellReprice(filter: LedgerFilter, tally: Tally): Recorded {
  const after = { filter, ...printTally(tally) };
  return { action: "ledger.reprice", subjectKind: "ledger", subjectId: null, before: null, after };
}

type FilterFlags = { [Name in "from" | "model" | "provider" | "to"]?: string | undefined };

function readFilter({ from, to, model, provider }: FilterFlags): LedgerFilter {
  if (from === undefined) {
    throw new CliError("--from is missing: which rows are to be priced anew?", {
      exitCode: EXIT.usage,
      hint: "Say since when: --from 2026-01-01, or --from 30d. With --dry-run nothing is written.",
    });
  }
  const now = Date.now();
  const since = readMomentOrAge("from", from, now);
  const until = to === undefined ? undefined : readMomentOrAge("to", to, now);
  if (until !== undefined && since >= until) throw refuseValue("from", "it must be before --to");
  return {
    from: since,
    ...(until === undefined ? {} : { to: until }),
    ...(model === undefined ? {} : { model }),
    ...(provider === undefined ? {} : { provider }),
  };
}

interface Change {
  provider: string;
  model: string;
  price_id: string;
  price_source: string;
  price_date: string | null;
  rows: number;
  /** Null as long as none of them had a cost: what is not known is not nothing. */
  before: number | null;
  after: number;
}

interface Tally {
  examined: number;
  changed: number;
  newlyPriced: number;
  stillUnknown: number;
  before: number;
  after: number;
  changes: Map<string, Change>;
}

interface Work {
  reprice(entry: LedgerEntry, corrections: readonly LedgerEntry[]): Repriced | null;
  isWanted(repriced: Repriced): boolean;
  write(corrections: readonly LedgerEntry[]): Promise<void>;
}

/** Rows at a time: one commit each. */
const PAGE = 500;

async function walk({ store }: Opened, filter: LedgerFilter, { reprice, isWanted, write }: Work): Promise<Tally> {
  const tally: Tally = {
    examined: 0,
    changed: 0,
    newlyPriced: 0,
    stillUnknown: 0,
    before: 0,
    after: 0,
    changes: new Map(),
  };
  const { consume, supply } = await store.ledger.summarize(filter);
  const requests = consume.requests + supply.requests;
  const progress = startProgress("Pricing rows");
  let cursor: string | null = null;
  do {
    const page = await store.ledger.page(filter, PAGE, cursor);
    cursor = page.nextCursor;
    const calls = page.entries.filter(({ kind }) => kind === "call");
    const byCall = Map.groupBy(await store.ledger.corrections(calls.map(({ id }) => id)), ({ corrects }) => corrects);
    const due: LedgerEntry[] = [];
    for (const entry of calls) {
      const repriced = reprice(entry, byCall.get(entry.id) ?? []);
      tally.examined++;
      if (repriced === null || !isWanted(repriced)) continue;
      count(tally, entry, repriced);
      if (repriced.correction !== null) due.push(repriced.correction);
    }
    await write(due);
    progress.update(tally.examined, requests);
  } while (cursor !== null);
  progress.end();
  return tally;
}

function count(tally: Tally, entry: LedgerEntry, { before, after, price, correction }: Repriced): void {
  if (before === null && after === null) tally.stillUnknown++;
  tally.before += before ?? 0;
  tally.after += after ?? before ?? 0;
  if (correction === null || price === null) return;
  tally.changed++;
  if (before === null) tally.newlyPriced++;
  const what = {
    provider: entry.provider ?? "",
    model: entry.modelServed ?? entry.modelAsked,
    price_id: price.id,
    price_source: price.source,
    price_date: price.date,
  };
  const name = JSON.stringify(what);
  const change = tally.changes.get(name) ?? { ...what, rows: 0, before: null, after: 0 };
  change.rows++;
  if (before !== null) change.before = (change.before ?? 0) + before;
  change.after += after ?? 0;
  tally.changes.set(name, change);
}

function printTally({ changes, before, after, ...counts }: Tally) {
  return {
    examined: counts.examined,
    changed: counts.changed,
    newly_priced: counts.newlyPriced,
    still_unpriced: counts.stillUnknown,
    ...printCosts(before, after),
    changes: [...changes.values()].map((change) => {
      const { before: old, after: next, ...rest } = change;
      return { ...rest, ...printCosts(old, next) };
    }),
  };
}

function printCosts(before: number | null, after: number) {
  return {
    before_usd: before === null ? null : formatUsd(before),
    after_usd: formatUsd(after),
    difference_usd: formatUsd(after - (before ?? 0)),
    difference_nanos: after - (before ?? 0),
  };
}

function tell(tally: Tally, isDry: boolean): void {
  const printed = printTally(tally);
  if (printed.changes.length > 0) {
    printTable(printed.changes, [
      "provider",
      "model",
      "rows",
      "before_usd",
      "after_usd",
      "difference_usd",
      "price_source",
      "price_date",
    ]);
  }
  const verb = isDry ? "would be corrected" : "corrected";
  print(
    `${tally.changed} of ${plural(tally.examined, "row")} ${verb}: ${printed.before_usd} → ${printed.after_usd} USD (${printed.difference_usd})`,
  );
  if (tally.stillUnknown > 0)
    say(`Still without a price: ${plural(tally.stillUnknown, "row")}. See \`tokligence prices show MODEL\`.`);
  if (isDry && tally.changed > 0) say("Nothing was written. Run it without --dry-run to write the corrections.");
}
