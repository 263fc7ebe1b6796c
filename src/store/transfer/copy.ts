// Copies one database, or two, table by table in the order of ids: how far it has come lies in the target with the rows, so that a copy that was
// ended goes on from there. What has changed in the source since is then found by comparing, and brought over. Knows no engine.

import { GatewayError } from "../../ir/index.ts";
import { catchUp } from "./catch-up.ts";
import { type Compared, compareParts, isSameByRow, ownPart } from "./compare.ts";
import type { Account, End, Load, Mark } from "./end.ts";
import { type Part, namePart, planParts } from "./plan.ts";
import { refuseForeign, refuseFull, refuseOther, refuseUsed } from "./refusal.ts";
import { type Row, readId } from "./row.ts";
import { type Source, joinSources } from "./source.ts";
import { writePage } from "./write-page.ts";

/** What is being done, as progress says it. */
export const COPYING = "copying rows";

export interface Ends {
  /** One database, or that of the users and that of the books. */
  sources: readonly End[];
  targets: readonly End[];
}

export interface CopyOptions extends Ends {
  /** What is being done, how far, of how much. */
  onProgress: (doing: string, done: number, total: number) => void;
}

export interface CopyReport {
  /** Rows that were written by this run. */
  written: number;
  /** Rows that an earlier run had brought over. */
  resumed: number;
  /** Rows that were brought over or taken away because the source had changed since. */
  caughtUp: number;
  compared: Compared[];
}

/** Throws a GatewayError where the target is none that may be written to. */
export async function copyDatabases(options: CopyOptions): Promise<CopyReport> {
  const { sources, targets, onProgress } = options;
  const parts = planParts(sources.length, targets.length);
  const accounts = await beginCopies(options);
  return readAll(sources, async (source) => {
    const report: CopyReport = { written: 0, resumed: 0, caughtUp: 0, compared: [] };
    const totals = await Promise.all(parts.map((part) => source.count(part)));
    const total = totals.reduce((sum, rows) => sum + rows, 0);
    const goesOn = accounts.some((account) => account !== null);
    const before = goesOn ? await countThere(parts, targets) : 0;
    for (const part of parts) {
      const mark = accounts[part.to]?.marks.get(namePart(part)) ?? null;
      const target = targets[part.to] as End;
      if (mark?.isDone !== true) {
        await copyPart(part, { source, target, mark, goesOn }, (rows) => {
          report.written += rows;
          onProgress(COPYING, Math.min(before + report.written, total), total);
        });
      }
    }
    report.resumed = Math.max(0, total - report.written);
    for (const target of targets) await target.settle((done, indexes) => onProgress("building indexes", done, indexes));
    report.compared = await compareTargets(source, { ...options, parts });
    const different = report.compared.filter(({ isEqual }) => !isEqual);
    if (different.length === 0) return report;
    report.caughtUp = await catchUp(
      source,
      targets,
      different.map(({ part }) => part),
    );
    const again = await compareTargets(source, { ...options, parts: different.map(({ part }) => part) });
    report.compared = report.compared.map((each) => again.find(({ part }) => part === each.part) ?? each);
    return report;
  });
}

function countThere(parts: readonly Part[], targets: readonly End[]): Promise<number> {
  return readAll(targets, async (target) => {
    let rows = 0;
    for (const part of parts) rows += await target.count(ownPart(part));
    return rows;
  });
}

/** Of all sources at once; each at one moment. */
export function readAll<T>(ends: readonly End[], work: (source: Source) => Promise<T>): Promise<T> {
  const [first, second] = ends;
  if (first === undefined) throw new TypeError("There is no database to read.");
  return first.snapshot((one) =>
    second === undefined ? work(joinSources([one])) : second.snapshot((two) => work(joinSources([one, two]))),
  );
}

async function beginCopies({ sources, targets }: Ends): Promise<(Account | null)[]> {
  const name = sources.map((source) => source.name).join(" + ");
  const accounts: (Account | null)[] = [];
  for (const target of targets) {
    const kind = await target.look();
    if (kind === "foreign" || kind === "older-edition") throw refuseForeign(target);
    await target.prepare();
    const account = await target.account();
    if (account !== null && account.source !== name) throw refuseOther(target, account.source);
    if (account === null) {
      const held = kind === "empty" ? null : await findRows(target);
      if (held !== null) throw refuseFull(target, held);
      await target.begin(name);
    }
    accounts.push(account);
  }
  if (accounts.some((account) => account !== null)) await checkUntouched({ sources, targets });
  return accounts;
}

/** The first table with rows. */
function findRows(target: End): Promise<string | null> {
  return target.snapshot(async (snapshot) => {
    for (const { table } of planParts(1, 1)) {
      const rows = await snapshot.count(table);
      if (rows > 0) return `${rows} ${rows === 1 ? "row" : "rows"} in ${table.name}`;
    }
    return null;
  });
}

/** A gateway that has run on the copy has written what the source does not have: that must not be taken away again. */
async function checkUntouched({ sources, targets }: Ends): Promise<void> {
  const chains = planParts(sources.length, targets.length).filter(({ table }) =>
    ["audit_chain", "ledger_chains"].includes(table.name),
  );
  await readAll(sources, async (source) => {
    for (const part of chains) {
      const known = await readChains(source, part);
      const target = targets[part.to] as End;
      const found = await target.snapshot((snapshot) => readChains(joinSources([snapshot]), { ...part, from: [0] }));
      for (const [chain, seq] of found) if (seq > (known.get(chain) ?? -1)) throw refuseUsed(target);
    }
  });
}

async function readChains(source: Source, part: Part): Promise<Map<string, number>> {
  const { columns } = part.table;
  const [chainAt, seqAt] = ["chain", "seq"].map((name) => columns.findIndex((column) => column.name === name));
  const found = new Map<string, number>();
  for await (const rows of source.rows(part, { isOrdered: true }))
    for (const row of rows) found.set(String(row[chainAt ?? 0]), Number(row[seqAt ?? 0]));
  return found;
}

interface Way {
  source: Source;
  target: End;
  mark: Mark | null;
  /** Whether an earlier run has brought rows over, of this table or of others. */
  goesOn: boolean;
}

/** So many pages become one transaction. */
const BATCH_PAGES = 8;

async function copyPart(
  part: Part,
  { source, target, mark, goesOn }: Way,
  onRows: (rows: number) => void,
): Promise<void> {
  const { table } = part;
  const name = namePart(part);
  let last = mark?.last ?? "";
  let load: Load | null = null;
  let batch: Row[][] = [];
  /** In one piece; where that is refused, piece by piece, until the row is found that is to blame. */
  const attempt = async (work: (load: Load) => Promise<void>): Promise<boolean> => {
    load ??= target.load(table);
    try {
      await work(load);
      return true;
    } catch (error) {
      await load.abort();
      load = null;
      if (!(error instanceof GatewayError) || error.kind === "overloaded") throw error;
      return false;
    }
  };
  const commit = async (): Promise<void> => {
    const rows = batch.flat();
    const reached: Mark = { part: name, last, isDone: false };
    batch = [];
    if (load !== null && (await attempt((own) => own.commit(reached)))) return onRows(rows.length);
    for (let at = 0; at < rows.length; at += table.pageRows) {
      const page = rows.slice(at, at + table.pageRows);
      const left: GatewayError[] = [];
      await writePage(target, part, page, {
        mark: { ...reached, last: readId(table, page.at(-1) as Row) },
        // What an earlier run brought over may have changed since, and stand in the way until that is caught up with.
        onRefused: goesOn ? (refusal) => void left.push(refusal) : null,
      });
      onRows(page.length - left.length);
    }
  };
  let isWhole = true;
  try {
    for await (const rows of source.rows(part, { after: mark === null ? null : last, isOrdered: true })) {
      const end = rows.at(-1);
      if (end === undefined) continue;
      last = readId(table, end);
      batch.push(rows);
      isWhole &&= await attempt((own) => own.add(rows));
      if (isWhole && batch.length < BATCH_PAGES) continue;
      await commit();
      isWhole = true;
    }
    if (batch.length > 0) await commit();
  } finally {
    await (load as Load | null)?.abort();
  }
  await target.write(table, [], { part: name, last, isDone: true });
}

async function compareTargets(
  source: Source,
  { targets, parts, onProgress }: CopyOptions & { parts: readonly Part[] },
): Promise<Compared[]> {
  const tell = (done: number, total: number): void => onProgress("comparing rows", done, total);
  return readAll(targets, async (target) => {
    const compared = await compareParts({ parts, source, target, onProgress: tell });
    for (const each of compared) each.isEqual ||= await isSameByRow(each.part, source, target);
    return compared;
  });
}
