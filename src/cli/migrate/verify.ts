// `tokligence migrate verify`: whether two databases say the same, and if not, which rows differ. Changes nothing.

import { defineCommand } from "citty";
import { loadConfig } from "../../config/index.ts";
import {
  type Compared,
  type Difference,
  compareParts,
  ownPart,
  walkDifferences,
} from "../../store/transfer/compare.ts";
import { readAll } from "../../store/transfer/copy.ts";
import type { End } from "../../store/transfer/end.ts";
import { HEARTBEATS, type Part, leaveHeartbeats, planParts } from "../../store/transfer/plan.ts";
import type { Source } from "../../store/transfer/source.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";
import { count, print, printJson, printTable, say } from "../output.ts";
import { readInteger } from "../value.ts";
import { FROM_ARGS, TO_ARGS, locateSources, locateTargets, quietSources, withEnds } from "./place.ts";
import { startStages } from "./progress.ts";
import { describeDifferences, printCompared } from "./report.ts";

export default defineCommand({
  meta: {
    name: "verify",
    description: "Prove that two databases hold the same, and name each row that differs; exit code 1 where one does",
  },
  args: {
    ...FROM_ARGS,
    ...TO_ARGS,
    limit: { type: "string", default: "20", description: "Rows that are named, for each table", valueHint: "N" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { config } = await loadConfig(toLoadOptions(args));
    const [sources, targets] = [locateSources(args, config), locateTargets(args, config)];
    const limit = readInteger("limit", args.limit, { least: 0, most: 1_000_000 });
    const started = performance.now();
    await withEnds({ sources, targets }, { isRead: true }, async (ends) => {
      const { isInUse } = await quietSources(sources, ends.sources, { config, isLive: true });
      const progress = startStages();
      const found = await compareAll(ends, limit, progress.update).finally(progress.end);
      tell(found, { seconds: (performance.now() - started) / 1000, isInUse, isJson: args.json === true });
    });
  },
});

interface Found {
  compared: Compared[];
  /** Counters of both sides that were not compared. */
  heartbeats: number;
  differences: { table: string; differences: Difference[]; isCut: boolean }[];
}

type Update = (doing: string, done: number, total: number) => void;

/** Counts and digests first, each side as it lies there; only tables that differ are gone through side by side. */
function compareAll(ends: { sources: End[]; targets: End[] }, limit: number, update: Update): Promise<Found> {
  const all = planParts(ends.sources.length, ends.targets.length);
  const parts = leaveHeartbeats(all);
  return readAll(ends.sources, (source) =>
    readAll(ends.targets, async (target) => {
      const onProgress = (done: number, total: number): void => update("comparing rows", done, total);
      const compared = await compareParts({ parts, source, target, onProgress });
      const differences: Found["differences"] = [];
      for (const each of compared) {
        if (each.isEqual) continue;
        const named: Difference[] = [];
        let isCut = false;
        for await (const difference of walkDifferences(each.part, source, target)) {
          isCut = named.length >= limit;
          if (isCut) break;
          named.push(difference);
        }
        each.isEqual = named.length === 0 && !isCut;
        if (!each.isEqual) differences.push({ table: each.part.table.name, differences: named, isCut });
      }
      return { compared, differences, heartbeats: await countLeftOut({ all, parts, source, target }) };
    }),
  );
}

interface Counting {
  all: readonly Part[];
  parts: readonly Part[];
  source: Source;
  target: Source;
}

async function countLeftOut({ all, parts, source, target }: Counting): Promise<number> {
  let rows = 0;
  for (const [at, part] of all.entries()) {
    const kept = parts[at];
    if (kept?.isLeftOut === undefined) continue;
    for (const [side, whole, rest] of [
      [source, part, kept],
      [target, ownPart(part), ownPart(kept)],
    ] as const)
      rows += (await side.count(whole)) - (await side.count(rest));
  }
  return rows;
}

interface Telling {
  seconds: number;
  isInUse: boolean;
  isJson: boolean;
}

function tell({ compared, differences, heartbeats }: Found, { seconds, isInUse, isJson }: Telling): void {
  const isEqual = compared.every((each) => each.isEqual);
  if (isJson) {
    const named = differences.flatMap(({ table, differences: rows }) =>
      rows.map(({ kind, id, columns }) => ({ table, kind, id, columns })),
    );
    const leftOut = heartbeats === 0 ? [] : [{ table: "counters", rows: heartbeats, why: HEARTBEAT_REASON }];
    const tables = printCompared(compared);
    printJson({ ok: isEqual, seconds, tables, differences: named, left_out: leftOut, source_in_use: isInUse });
  } else {
    printTable(listTables(compared), ["table", "rows", "rows_there", "digest", "equal"]);
    for (const line of listSums(compared)) print(line);
    for (const { table, differences: rows, isCut } of differences) {
      for (const row of rows) print(`${table} ${row.id}: ${describe(row)}`);
      if (isCut) print(`${table}: and more (--limit)`);
    }
  }
  const rows = compared.reduce((sum, { source }) => sum + source.rows, 0);
  if (heartbeats > 0) say(`Left out: ${count(heartbeats, "counter")}, ${HEARTBEAT_REASON}.`);
  if (!isEqual) {
    throw new CliError(`The two are not the same: ${describeDifferences(compared)}.`, {
      exitCode: EXIT.failed,
      hint: isInUse
        ? "A gateway works on the source: what it has written since the copy differs. Stop it, and run tokligence migrate copy again for that."
        : "Where the target has not been worked on since, tokligence migrate copy brings over what differs.",
    });
  }
  const speed = Math.round(rows / Math.max(seconds, 0.001));
  say(
    `Both sides are the same: ${count(rows, "row")} in ${count(compared.length, "table")} (${seconds.toFixed(1)} s, ${speed} rows/s).`,
  );
  say("Next: tokligence ledger verify and tokligence admin audit verify prove the chains on the target.");
}

const HEARTBEAT_REASON = `${HEARTBEATS}…, by which gateways say that they are alive: they move while one runs`;
const SHORT_DIGEST = 16;

function listTables(compared: readonly Compared[]) {
  return compared
    .filter(({ source, target }) => source.rows + target.rows > 0)
    .map(({ part, source, target, isEqual }) => ({
      table: part.table.name,
      rows: source.rows,
      rows_there: target.rows,
      digest: isEqual ? source.sum.slice(0, SHORT_DIGEST) : "",
      equal: isEqual ? "yes" : "NO",
    }));
}

/** What agrees, in figures that people know from elsewhere. */
function listSums(compared: readonly Compared[]): string[] {
  return compared.flatMap(({ part, source, target }) => {
    const names = Object.keys(source.totals);
    const sums = names.map((name) =>
      compareText(`sum of ${name}`, String(source.totals[name]), String(target.totals[name])),
    );
    const heads = [...new Set([...source.heads.keys(), ...target.heads.keys()])].map((chain) =>
      compareText(
        `${part.table.name === "audit_chain" ? "changes" : "chain"} ${chain}`,
        printHead(source.heads.get(chain)),
        printHead(target.heads.get(chain)),
      ),
    );
    return [...sums, ...heads];
  });
}

function printHead(head: string | undefined): string {
  const [seq, digest] = head?.split(" ") ?? [];
  return seq === undefined ? "is missing" : `row ${seq} ${digest?.slice(0, SHORT_DIGEST) ?? ""}`.trimEnd();
}

function compareText(name: string, own: string, other: string): string {
  return own === other ? `${name}: ${own}` : `${name}: ${own}, BUT ${other} there`;
}

function describe({ kind, columns }: Difference): string {
  if (kind === "missing") return "missing there";
  if (kind === "surplus") return "only there";
  return `differs in ${columns.join(", ")}`;
}
