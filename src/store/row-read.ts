// Rows of the books as they are summed up: read once, as lists, and added up here by what describes them and by their quarter of an hour, for
// a database would sort them. Knows no level.

import { and, type SQL, sql } from "drizzle-orm";
import type { Direction, Reuse, Sums } from "../ledger/index.ts";
import type { Db, Engine, RollupRow } from "./engine.ts";
import { listMoves } from "./move.ts";
import { toMs } from "./report/match.ts";
import { isMoment, parseJson, readAttempts, readFigure, readTexts } from "./row-guard.ts";
import { classify, countAttempts, hasSeveral, isUntimed, readUnit, toMicros } from "./row-sum.ts";
import { QUARTER_MS } from "./sheet/level.ts";
import { addTo, pickSums } from "./sums.ts";

/** What sums are described by. */
export type Description = Omit<RollupRow, keyof Sums | "id" | "latencies" | "level" | "startedAt" | "ttfts">;

/** Rows that are described alike, of the same quarter of an hour. */
export interface QuarterGroup {
  startMs: number;
  /** The same object for all that are described so. */
  group: Description;
  sums: Sums;
  latency: Map<number, number>;
  ttft: Map<number, number>;
  /** It takes from one provider or model, or gives to another one: none of it matters where these are not told apart. */
  isMove: boolean;
}

/** Where a row is, and what it is found by. */
export interface RowPlace {
  group: Description;
  chain: string;
  seq: number;
  atMs: number;
}

export interface QuarterGroups {
  groups: QuarterGroup[];
  places: RowPlace[];
}

type Source = Pick<Engine, "name" | "schema" | "values">;

export interface RowSelection {
  where: readonly SQL[];
  /** Which index they are read by, where they are some of one chain, or calls that a gateway died over; null: whichever fits. */
  index: "ledger_entries_chain" | "ledger_entries_interrupted" | null;
}

const REUSE = "cache" satisfies Reuse;

/** Column by column what `readRow` expects. */
function listColumns(engine: Source): SQL[] {
  const { ledgerEntries: table } = engine.schema;
  const isCall = sql`${table.kind} = 'call'`;
  const isUnpriced = sql`${isCall} and ${table.costNanos} is null and ${table.usageSource} <> 'none'`;
  const ofCall = (value: SQL): SQL => sql`case when ${isCall} then ${value} end`;
  return [
    toMs(engine, table.createdAt),
    sql`${table.userId}`,
    sql`${table.apiKeyId}`,
    sql`cast(${table.tags} as text)`,
    sql`${table.modelAsked}`,
    sql`${table.modelServed}`,
    sql`${table.provider}`,
    sql`${table.endpoint}`,
    sql`${table.status}`,
    sql`${table.direction}`,
    sql`case when ${isCall} then 1 else 0 end`,
    sql`case when ${isCall} and (${table.errorKind} is not null or ${table.status} >= 400) then 1 else 0 end`,
    ofCall(countAttempts(engine, table)),
    sql`${table.freshInputTokens}`,
    sql`${table.cacheReadTokens}`,
    sql`${table.cacheWriteTokens}`,
    sql`${table.longCacheWriteTokens}`,
    sql`${table.outputTokens}`,
    sql`${table.reasoningTokens}`,
    sql`${table.costNanos}`,
    sql`case when ${isUnpriced} then 1 else 0 end - case when ${table.pricesUnknown} then 1 else 0 end`,
    ofCall(toMicros(table.latencyMs)),
    ofCall(toMicros(table.ttftMs)),
    ofCall(classify(engine, table.latencyMs)),
    ofCall(classify(engine, table.ttftMs)),
    readUnit(engine, table, "saved_tokens"),
    readUnit(engine, table, "saved_cost_nanos"),
    sql`case when ${hasSeveral(engine, table)} then cast(${table.attempts} as text) end`,
    sql`${table.chain}`,
    sql`${table.seq}`,
    sql`case when ${isCall} and ${isUntimed(table)} then 1 else 0 end`,
  ];
}

export async function readGroups(engine: Source, db: Db, { where, index }: RowSelection): Promise<QuarterGroups> {
  const from = byIndex(engine, index);
  const columns = sql.join(listColumns(engine), sql`, `);
  const rows = await engine.values(db, sql`select ${columns} from ${from} where ${and(...where)}`);
  return group(rows);
}

/** Without statistics SQLite would not always find it. */
export function byIndex({ name, schema }: Pick<Engine, "name" | "schema">, index: RowSelection["index"]): SQL {
  const table = sql`${schema.ledgerEntries}`;
  return name === "sqlite" && index !== null ? sql`${table} indexed by ${sql.raw(index)}` : table;
}

function group(rows: readonly (readonly unknown[])[]): QuarterGroups {
  const describe = createDescriber();
  const found = new Map<Description, Map<number, QuarterGroup>>();
  const all: QuarterGroup[] = [];
  const places: RowPlace[] = [];
  const find = (startMs: number, group: Description, isMove: boolean): QuarterGroup => {
    let quarters = found.get(group);
    if (quarters === undefined) found.set(group, (quarters = new Map()));
    // A move is kept apart.
    const key = isMove ? startMs + 1 : startMs;
    let own = quarters.get(key);
    if (own === undefined) {
      own = { startMs, group, sums: pickSums({}), latency: new Map(), ttft: new Map(), isMove };
      quarters.set(key, own);
      all.push(own);
    }
    return own;
  };
  for (const row of rows) {
    const atMs = Number(row[0]);
    // Of no time, no sum can tell of it.
    if (!isMoment(atMs)) continue;
    const startMs = atMs - (atMs % QUARTER_MS);
    const described = describe(row);
    addRow(find(startMs, described, false), row);
    places.push({ group: described, chain: String(row[28]), seq: Number(row[29]), atMs });
    if (row[27] !== null)
      for (const [moved, sums] of readMove(row, described))
        addTo(find(startMs, describe.known(moved), true).sums, sums);
  }
  return { groups: all, places };
}

/** Each description once. */
function createDescriber() {
  const known = new Map<string, Description>();
  const tagsOf = new Map<string, string[]>();
  const readTags = (text: string): string[] => {
    const tags = tagsOf.get(text) ?? readTexts(parseJson(text)) ?? [];
    tagsOf.set(text, tags);
    return tags;
  };
  const find = (values: readonly unknown[], at: number): Description => {
    let name = "";
    for (let index = at; index < at + 9; index++)
      name += values[index] === null ? "\u0001\u0000" : `${values[index] as string}\u0000`;
    let described = known.get(name);
    if (described === undefined) {
      const [userId, apiKeyId, tags, modelAsked, modelServed, provider, endpoint, status, direction] = values
        .slice(at)
        .map(readText);
      described = {
        userId: userId as string,
        apiKeyId: apiKeyId as string,
        tags: tags === null ? null : readTags(tags as string),
        modelAsked: modelAsked as string,
        modelServed: modelServed as string | null,
        provider: provider as string | null,
        endpoint: endpoint as string,
        status: readFigure(status),
        direction: direction as Direction,
      };
      known.set(name, described);
    }
    return described;
  };
  return Object.assign((row: readonly unknown[]) => find(row, 1), {
    known: ({ userId, apiKeyId, tags, modelAsked, modelServed, provider, endpoint, status, direction }: Description) =>
      find(
        [
          userId,
          apiKeyId,
          tags === null ? null : JSON.stringify(tags),
          modelAsked,
          modelServed,
          provider,
          endpoint,
          status,
          direction,
        ],
        0,
      ),
  });
}

/** Bytes that somebody put in a text's place are the same value wherever it is kept. */
function readText(value: unknown): unknown {
  return value instanceof Uint8Array ? value.join() : value;
}

function addRow({ sums, latency, ttft }: QuarterGroup, row: readonly unknown[]): void {
  const isCall = row[10] === 1;
  sums.entries++;
  if (isCall) sums.requests++;
  sums.errors += Number(row[11]);
  sums.attempts += readFigure(row[12]);
  sums.freshInputTokens += readFigure(row[13]);
  sums.cacheReadTokens += readFigure(row[14]);
  sums.cacheWriteTokens += readFigure(row[15]);
  sums.longCacheWriteTokens += readFigure(row[16]);
  sums.outputTokens += readFigure(row[17]);
  sums.reasoningTokens += readFigure(row[18]);
  sums.costNanos += readFigure(row[19]);
  sums.unpricedRequests += Number(row[20]);
  sums.latencyUs += readFigure(row[21]);
  sums.untimedRequests += Number(row[30]);
  sums.ttftUs += readFigure(row[22]);
  if (row[6] === REUSE) {
    if (isCall) sums.reusedRequests++;
    sums.savedTokens += readFigure(row[25]);
    sums.savedCostNanos += readFigure(row[26]);
  }
  if (row[23] !== null) countOne(latency, Number(row[23]));
  if (row[24] === null) return;
  sums.ttftRequests++;
  countOne(ttft, Number(row[24]));
}

function countOne(classes: Map<number, number>, place: number): void {
  classes.set(place, (classes.get(place) ?? 0) + 1);
}

function readMove(row: readonly unknown[], described: Description): [Description, Sums][] {
  const attempts = readAttempts(parseJson(row[27]));
  const kind = row[10] === 1 ? "call" : "correction";
  const costNanos = row[19] === null ? null : readFigure(row[19]);
  return listMoves({ ...described, attempts, costNanos, kind }).map(({ sums, modelServed, provider }) => [
    { ...described, modelServed, provider },
    sums,
  ]);
}
