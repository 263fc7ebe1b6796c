// Rows of the books as budgets count them: by chain, by whose they are, and by what a scope tells apart. Knows no kept sum.

import { and, eq, type SQL, sql } from "drizzle-orm";
import type { SumGroup, SumQuery } from "../ledger/index.ts";
import { type Figures, readTags, takeApart } from "./budget-part.ts";
import type { Db, Engine } from "./engine.ts";
import { MAX_MS } from "./row-guard.ts";
import { figure, hasSeveral } from "./row-sum.ts";
import type { Schema } from "./schema.ts";

type Table = Schema["ledgerEntries"];

/** Chain, user, key, provider, the model that was asked for and the one at the provider, tags as JSON; what makes no difference is missing. */
export type Names = readonly [
  chain: unknown,
  userId: unknown,
  apiKeyId: unknown,
  provider: unknown,
  modelAsked: unknown,
  modelSent: unknown,
  tags: unknown,
];

/** Adds up what is described alike. */
export interface Groups {
  add(names: readonly unknown[], figures: Figures): void;
  each(): Iterable<{ names: readonly string[] } & Figures>;
  list(): SumGroup[];
}

export function createGroups(): Groups {
  const found = new Map<string, Figures>();
  function* each() {
    for (const [name, figures] of found) yield { names: name.split("\u0000"), ...figures };
  }
  return {
    add(names, { costNanos, tokens, unpriced }) {
      // No text of the books has a zero in it.
      const name = names.join("\u0000");
      const sum = found.get(name);
      if (sum === undefined) {
        found.set(name, { costNanos, tokens, unpriced });
        return;
      }
      sum.costNanos += costNanos;
      sum.tokens += tokens;
      sum.unpriced += unpriced;
    },
    each,
    list: () => Array.from(each(), toGroup),
  };
}

function toGroup({ names, ...figures }: { names: readonly string[] } & Figures): SumGroup {
  const [chain = "", userId = "", apiKeyId = "", provider = "", modelAsked = "", modelSent = "", text = ""] = names;
  return { chain, ...figures, facts: { userId, apiKeyId, provider, modelAsked, modelSent, tags: readTags(text) } };
}

interface Selection {
  query: SumQuery;
  where: readonly SQL[];
  groups: Groups;
}

/** Adds the rows that these conditions let through, if they were bought in the window. */
export async function addRows(engine: Engine, db: Db, { query, where, groups }: Selection): Promise<void> {
  const { ledgerEntries: table } = engine.schema;
  const all = [...where, ...listConditions(engine, query)];
  // Of such rows several providers or models had a part.
  const isApart = query.scope.provider !== null || query.models;
  const several = hasSeveral(engine, table);
  const rows = await engine.values(db, selectRows(engine, query, isApart ? [...all, sql`not (${several})`] : all));
  for (const row of rows)
    groups.add(row.slice(0, NAMES), {
      costNanos: Number(row[NAMES]),
      tokens: Number(row[NAMES + 1]),
      unpriced: Number(row[NAMES + 2]),
    });
  if (!isApart) return;
  const shared = await db
    .select()
    .from(table)
    .where(and(...all, several));
  for (const entry of shared) {
    const { chain, modelAsked } = entry;
    const [user, key] = [query.owners.user ? entry.userId : null, query.owners.key ? entry.apiKeyId : null];
    const tags = query.scope.tag === null || entry.tags === null ? null : JSON.stringify(entry.tags);
    for (const { provider, modelSent, ...figures } of takeApart(entry))
      groups.add([chain, user, key, provider, modelAsked, modelSent, tags] satisfies Names, figures);
  }
}

const NAMES = 7 satisfies Names["length"];

/** A server adds up what it sends; SQLite would sort the rows for that, and gives them as they are. */
function selectRows(engine: Engine, query: SumQuery, where: readonly SQL[]): SQL {
  const { ledgerEntries: table } = engine.schema;
  const isSqlite = engine.name === "sqlite";
  const figures = listFigures(table).map((figure) => (isSqlite ? figure : sql`sum(${figure})`));
  const columns = sql.join([...listNames(engine, query), ...figures], sql`, `);
  const rows = sql`select ${columns} from ${table} where ${and(...where)}`;
  return isSqlite ? rows : sql`${rows} group by 1, 2, 3, 4, 5, 6, 7`;
}

function listNames(engine: Engine, { scope, models, owners }: SumQuery): SQL[] {
  const { ledgerEntries: table } = engine.schema;
  const only = (isTold: boolean, value: SQL): SQL => (isTold ? value : sql`cast(null as text)`);
  return [
    sql`${table.chain}`,
    only(owners.user, sql`${table.userId}`),
    only(owners.key, sql`${table.apiKeyId}`),
    only(scope.provider !== null, sql`${table.provider}`),
    only(models, sql`${table.modelAsked}`),
    only(models, lastModel(engine, table)),
    only(scope.tag !== null, sql`cast(${table.tags} as text)`),
  ];
}

/** What was given its price later is unpriced no more, as reports have it. */
function listFigures(table: Table): SQL[] {
  const isUnpriced = sql`${table.kind} = 'call' and ${table.costNanos} is null and ${table.usageSource} <> 'none'`;
  return [
    known(table.costNanos),
    sql`${known(table.freshInputTokens)} + ${known(table.cacheReadTokens)} + ${known(table.cacheWriteTokens)} + ${known(table.outputTokens)}`,
    sql`case when ${isUnpriced} then 1 else 0 end - case when ${table.pricesUnknown} then 1 else 0 end`,
  ];
}

function known(column: Parameters<typeof figure>[0]): SQL {
  return sql`coalesce(${figure(column)}, 0)`;
}

function listConditions({ name, schema }: Engine, { window: { startMs, endMs } }: SumQuery): SQL[] {
  const { ledgerEntries: table } = schema;
  // Rows are found by something else: SQLite, without statistics, would rather look through all of the window for each part of it.
  const at = name === "sqlite" ? sql`+${table.createdAt}` : sql`${table.createdAt}`;
  const moment = (ms: number): SQL => sql`${sql.param(new Date(ms), table.createdAt)}`;
  return [
    eq(table.direction, "consume"),
    sql`${at} >= ${moment(startMs)}`,
    sql`${at} < ${moment(Math.min(endMs, MAX_MS))}`,
  ];
}

/** The name at the provider, as the last attempt has it. */
function lastModel(engine: Engine, table: Table): SQL {
  return engine.name === "sqlite"
    ? sql`case when ${table.attempts} <> '[]' and json_valid(${table.attempts}) then json_extract(${table.attempts}, '$[#-1].model') end`
    : sql`${table.attempts} -> -1 ->> 'model'`;
}
