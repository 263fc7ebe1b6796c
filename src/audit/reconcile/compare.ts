// Lays what was billed beside what the books hold, line by line, and says of each whether they agree. Pure: knows no file and no database.

import { nextDay } from "../../lib/time-zone.ts";
import { MONEY_PARTS, type MoneyPart, type TokenPart } from "./line.ts";
import { groupModels } from "./model.ts";
import { type Sum, type Tally, mergeSum } from "./tally.ts";

/**
 * `missing`: billed, and not in our books. `extra`: in our books, and not billed. `tokens`: their numbers differ. `mispriced`: the tokens
 * agree and the money does not. `unpriced`: the tokens agree, and the books know no price. `shifted`: calls around midnight that one side
 * counts to the day before, and the two days agree together.
 */
export type Verdict = "agrees" | "extra" | "mispriced" | "missing" | "shifted" | "tokens" | "unpriced";

export interface Pair<T> {
  billed: T;
  booked: T;
}

export interface ComparedLine {
  day: string;
  /** As each side names it; several where one side tells them apart and the other does not. */
  models: Pair<string[]>;
  key: string | null;
  verdict: Verdict;
  requests: Pair<number | null>;
  /** The parts that the export tells; where it tells none, nothing is compared. */
  tokens: Partial<Record<TokenPart, Pair<number>>>;
  /** Nano-dollars; null where the export holds no money. */
  money: Pair<bigint> | null;
  /** What of the money was billed for what, where the export says so. */
  billedFor: Partial<Record<MoneyPart, bigint>>;
  /** The same of our books, where their prices could be split. */
  bookedFor: Partial<Record<MoneyPart, bigint>>;
  /** The parts whose money surely differs; empty where the two cannot be laid side by side. */
  offIn: MoneyPart[];
  /** Rows of the books in it that have no price. */
  unpriced: number;
}

/** False where nothing of a line has a price in the books: what was booked of it is unknown then, and not nought. */
export function isBookedKnown({ money, unpriced }: Pick<ComparedLine, "money" | "unpriced">): boolean {
  return unpriced === 0 || money === null || money.booked !== 0n;
}

export interface CompareOptions {
  /** Millionths by which figures may differ. */
  tolerancePpm: number;
  /** Half of the smallest sum of money that a line of the export can say. */
  roundingNanos: bigint;
  /** The whole export: what it tells of any day it tells of each. */
  whole: Tally;
  /** Names of models in the export by which the books know them. */
  aliases: ReadonlyMap<string, string>;
}

export interface Comparison {
  lines: ComparedLine[];
  /** Whether lines could be told apart by these. */
  byModel: boolean;
  byKey: boolean;
}

interface Cell {
  day: string;
  key: string | null;
  billed: Sum | null;
  booked: Sum | null;
  models: Pair<Set<string>>;
}

export function compareTallies(billed: Tally, booked: Tally, options: CompareOptions): Comparison {
  const theirs = [...billed.sums()];
  const ours = [...booked.sums()];
  // A dimension counts only where every line has it: the rest could not be placed.
  const byModel = theirs.every(({ model }) => model !== null);
  const byKey = theirs.every(({ key }) => key !== null) && ours.every(({ key }) => key !== null);
  const names = (sums: readonly Sum[]): string[] => sums.map(({ model }) => model ?? "");
  const group = groupModels(names(theirs), names(ours), options.aliases);
  const cells = new Map<string, Cell>();
  const hasTools = byModel && theirs.some(({ money }) => money.tools !== undefined);
  for (const side of ["billed", "booked"] as const) {
    for (const sum of (side === "billed" ? theirs : ours).flatMap((each) => (hasTools ? partTools(each) : each))) {
      const key = byKey ? sum.key : null;
      const isTools = hasTools && sum.money.tools !== undefined;
      const model = isTools ? TOOLS : byModel ? group(sum.model ?? "") : "";
      const name = `${sum.day}\n${model}\n${key ?? ""}`;
      let cell = cells.get(name);
      if (cell === undefined) {
        cell = { day: sum.day, key, billed: null, booked: null, models: { billed: new Set(), booked: new Set() } };
        cells.set(name, cell);
      }
      if (byModel) cell.models[side].add(sum.model ?? "");
      cell[side] ??= { ...sum, requests: null, tokens: {}, money: {}, lines: 0, unpriced: 0 };
      mergeSum(cell[side], sum);
    }
  }
  const { parts, hasMoney } = findTold(options.whole);
  const lines = [...cells].flatMap(([name, cell]) => {
    const line = judge(cell, parts, hasMoney, options);
    return line === null ? [] : [{ line, place: name.slice(name.indexOf("\n")), slack: findSlack(cell, options) }];
  });
  joinShifted(lines);
  return {
    lines: lines.map(({ line }) => line).toSorted((left, right) => compareText(sortKey(left), sortKey(right))),
    byModel,
    byKey,
  };
}

/** Whoever says nothing at all says that there was none of anything. */
function findTold(whole: Tally): { parts: Set<TokenPart>; hasMoney: boolean } {
  const all = [...whole.sums()];
  if (all.length === 0) return { parts: new Set(["fresh", "cacheRead", "cacheWrite", "output"]), hasMoney: true };
  return {
    parts: new Set(all.flatMap(({ tokens }) => Object.keys(tokens) as TokenPart[])),
    hasMoney: all.some(({ money }) => Object.keys(money).length > 0),
  };
}

/** No model's name. */
const TOOLS = "tools of the provider's own";

/** An export that bills calls of tools by themselves has none of them among a model's money. */
function partTools(sum: Sum): Sum[] {
  const { tools, ...money } = sum.money;
  if (tools === undefined) return [sum];
  const apart: Sum = { ...sum, requests: null, tokens: {}, money: { tools }, unpriced: 0 };
  const isAlone = Object.keys(money).length === 0 && Object.keys(sum.tokens).length === 0;
  return isAlone ? [apart] : [{ ...sum, money }, apart];
}

function sortKey({ day, models, key }: ComparedLine): string {
  return `${day}\n${models.booked[0] ?? models.billed[0] ?? ""}\n${key ?? ""}`;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

/** Null where there is nothing on either side. */
function judge(
  { billed, booked, ...cell }: Cell,
  parts: ReadonlySet<TokenPart>,
  hasMoney: boolean,
  options: CompareOptions,
): ComparedLine | null {
  const tokens = pairTokens(billed, booked, parts);
  const money = hasMoney ? { billed: sumMoney(billed), booked: sumMoney(booked) } : null;
  const isEmpty = (side: keyof Pair<unknown>): boolean =>
    Object.values(tokens).every((pair) => pair[side] === 0) && (money === null || money[side] === 0n);
  if (isEmpty("billed") && isEmpty("booked")) return null;
  const line: ComparedLine = {
    ...cell,
    models: { billed: [...cell.models.billed].toSorted(), booked: [...cell.models.booked].toSorted() },
    verdict: "agrees",
    requests: { billed: billed?.requests ?? null, booked: booked?.requests ?? null },
    tokens,
    money,
    billedFor: billed?.money ?? {},
    bookedFor: booked?.money ?? {},
    offIn: [],
    unpriced: booked?.unpriced ?? 0,
  };
  const slack = findSlack({ billed, booked }, options);
  const sameTokens = Object.values(tokens).every((pair) =>
    isClose(BigInt(pair.billed), BigInt(pair.booked), 0n, options),
  );
  const sameMoney = money === null || isClose(money.billed, money.booked, slack, options);
  // Where every figure agrees, a side without rows had nothing to tell.
  if (sameTokens && sameMoney) return line;
  if (booked === null || isEmpty("booked")) return { ...line, verdict: line.unpriced > 0 ? "unpriced" : "missing" };
  if (billed === null || isEmpty("billed")) return { ...line, verdict: "extra" };
  if (!sameTokens) return { ...line, verdict: "tokens" };
  return { ...line, verdict: line.unpriced > 0 ? "unpriced" : "mispriced", offIn: findOff(line, slack, options) };
}

/** What nobody split may belong to any part: only what it cannot explain is off. */
function findOff({ billedFor, bookedFor }: ComparedLine, slack: bigint, options: CompareOptions): MoneyPart[] {
  const loose = slack + absolute(billedFor.all ?? 0n) + absolute(bookedFor.all ?? 0n);
  return MONEY_PARTS.filter(
    (part) => part !== "all" && !isClose(billedFor[part] ?? 0n, bookedFor[part] ?? 0n, loose, options),
  );
}

/** Lines are rounded by the export, rows by us to the nearest nano-dollar. */
function findSlack({ billed, booked }: Pick<Cell, "billed" | "booked">, { roundingNanos }: CompareOptions): bigint {
  return roundingNanos * BigInt(billed?.lines ?? 0) + BigInt(Math.ceil((booked?.lines ?? 0) / 2));
}

function isClose(left: bigint, right: bigint, slack: bigint, { tolerancePpm }: CompareOptions): boolean {
  const difference = absolute(left - right);
  if (difference <= slack) return true;
  const most = absolute(left) > absolute(right) ? absolute(left) : absolute(right);
  return difference * 1_000_000n <= most * BigInt(tolerancePpm);
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function sumMoney(sum: Sum | null): bigint {
  return Object.values(sum?.money ?? {}).reduce((total, nanos) => total + nanos, 0n);
}

/** In the parts that the export tells; what it does not tell apart is compared together. */
function pairTokens(
  billed: Sum | null,
  booked: Sum | null,
  parts: ReadonlySet<TokenPart>,
): Partial<Record<TokenPart, Pair<number>>> {
  const theirs = foldTokens(billed, parts);
  const ours = foldTokens(booked, parts);
  const pairs: Partial<Record<TokenPart, Pair<number>>> = {};
  for (const part of new Set([...Object.keys(theirs), ...Object.keys(ours)]) as Set<TokenPart>) {
    pairs[part] = { billed: theirs[part] ?? 0, booked: ours[part] ?? 0 };
  }
  return pairs;
}

function foldTokens(sum: Sum | null, parts: ReadonlySet<TokenPart>): Partial<Record<TokenPart, number>> {
  const of = (part: TokenPart): number => sum?.tokens[part] ?? 0;
  const folded: Partial<Record<TokenPart, number>> = {};
  if (parts.has("output")) folded.output = of("output");
  if (parts.has("longCacheWrite")) folded.longCacheWrite = of("longCacheWrite");
  if (parts.has("input")) {
    folded.input = of("input") + of("fresh") + of("cacheRead") + of("cacheWrite");
    return folded;
  }
  for (const part of ["cacheRead", "cacheWrite"] as const) {
    if (parts.has(part)) folded[part] = of(part);
  }
  if (parts.has("fresh")) {
    folded.fresh = of("fresh");
    if (!parts.has("cacheRead")) folded.fresh += of("cacheRead");
    if (!parts.has("cacheWrite")) folded.fresh += of("cacheWrite");
  }
  return folded;
}

interface Placed {
  line: ComparedLine;
  /** Model and key. */
  place: string;
  slack: bigint;
}

/** Two days in a row whose differences cancel each other out: calls that one side counted to the other day. */
function joinShifted(lines: readonly Placed[]): void {
  const byPlace = new Map(lines.map((placed) => [`${placed.line.day}${placed.place}`, placed]));
  for (const { line, place, slack } of lines) {
    const next = byPlace.get(`${nextDay(line.day)}${place}`);
    if (next === undefined || !isOff(line) || !isOff(next.line)) continue;
    const names = new Set([...Object.keys(line.tokens), ...Object.keys(next.line.tokens)]) as Set<TokenPart>;
    const cancels = [...names].every((part) => off(line, part) + off(next.line, part) === 0);
    const left = offMoney(line) + offMoney(next.line);
    // Money alone would cancel too easily by chance.
    if (names.size === 0 || !cancels || absolute(left) > slack + next.slack) continue;
    line.verdict = "shifted";
    next.line.verdict = "shifted";
  }
}

function isOff({ verdict }: ComparedLine): boolean {
  return verdict === "tokens" || verdict === "missing" || verdict === "extra";
}

function off({ tokens }: ComparedLine, part: TokenPart): number {
  const pair = tokens[part];
  return pair === undefined ? 0 : pair.billed - pair.booked;
}

function offMoney({ money }: ComparedLine): bigint {
  return money === null ? 0n : money.billed - money.booked;
}
