// Sums that are kept of the rows, against the rows: what is wrong with them, for people. Knows no SQL.

import { type Finding, makeFinding } from "./finding.ts";

/** A chain whose oldest rows are gone by right: of the time of these, sums may tell more than rows. */
export interface CutChain {
  chain: string;
  /** When it was signed that they were on the books: none of them is younger. */
  signedAt: Date;
}

/** Of a ledger whose rows have been gone through. */
export interface SumsQuery {
  cutChains: readonly CutChain[];
  /** Days that are looked at; null: no bound. */
  from: Date | null;
  to: Date | null;
  onProgress: (done: number, total: number) => void;
}

/** One sum that is not that of its rows. */
export interface WrongSum {
  id: string;
  level: string;
  startedAt: Date;
  /** How long the time is that it stands for. */
  spanMs: number;
  kind: "extra" | "missing" | "other";
  /** Where it lies; "ledger_rollups" has one a row, the others have many. */
  table: "ledger_hours" | "ledger_rollups" | "tokligence_sheets";
  /** What is kept, and what the rows give; null where there is none. */
  kept: string | null;
  computed: string | null;
}

export interface CheckedSums {
  /** Sums that were compared. */
  sums: number;
  wrong: WrongSum[];
  /** Sums of the time before may rest on rows that are gone; null where there are none. */
  provedFrom: Date | null;
}

const HOUR_MS = 3_600_000;
const MAX_FINDINGS = 200;

/** One for each hour; a longer time is named only where none of its hours is. */
export function judgeSums(wrong: readonly WrongSum[]): Finding[] {
  const hours = new Map<number, WrongSum[]>();
  for (const sum of wrong.toSorted((left, right) => left.spanMs - right.spanMs)) {
    const startMs = sum.startedAt.getTime();
    const endMs = startMs + sum.spanMs;
    const hour = startMs - (startMs % HOUR_MS);
    const key = hours.has(hour) ? hour : ([...hours.keys()].find((known) => known >= startMs && known < endMs) ?? hour);
    hours.set(key, [...(hours.get(key) ?? []), sum]);
  }
  const named = [...hours].toSorted(([left], [right]) => left - right);
  const findings = named.slice(0, MAX_FINDINGS).map(([, sums]) => judgeHour(sums));
  if (named.length <= MAX_FINDINGS) return findings;
  const text = `${named.length - MAX_FINDINGS} more hours have sums that are not those of their rows.`;
  return [...findings, makeFinding({ kind: "sums_altered", table: "ledger_rollups", text })];
}

/** What is to be done about them. */
export const REMAKE = "tokligence ledger rebuild makes all sums anew from the rows that are left";

/** Something among them is none of ours, so that not one of them could be compared. */
export function blameUnreadable({ cause }: Error): Finding {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  const text = `What is kept of sums of rows, in ledger_rollups and tokligence_sheets, cannot be read${why}: it was altered. The rows are told of without it.`;
  return makeFinding({ kind: "sums_altered", table: "ledger_rollups", text });
}

const WORDS = {
  extra: "it stands for rows that there are not",
  missing: "it is missing",
  other: "it is not that of its rows",
} as const;

function judgeHour(sums: readonly WrongSum[]): Finding {
  const [first] = sums as [WrongSum, ...WrongSum[]];
  const { computed, id, kept, kind, level, startedAt, table } = first;
  const more = sums.length === 1 ? "" : ` ${sums.length - 1} more sums of that time are wrong.`;
  const text = `The sum ${id} (${level}${table === "ledger_rollups" ? "" : ", packed"}) of ${startedAt.toISOString()}: ${WORDS[kind]}.${more}`;
  return makeFinding({ kind: "sums_altered", table, id, expected: computed, found: kept, text });
}
