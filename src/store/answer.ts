// Kept answers in a database, whichever engine it is. Knows no format, and not how long or how much is to be kept.

import { and, eq, gt, inArray, isNotNull, lte, type SQL, sql } from "drizzle-orm";
import type { AnswerStore, KeptAnswer } from "../gateway/answer-store.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";
import { cleanText } from "../lib/text.ts";

type Row = Schema["storedResponses"]["$inferSelect"];

/** Keeps a statement well below the engines' limits on parameters. */
const ROWS_A_STATEMENT = 500;

export function createAnswerStore(engine: Engine): AnswerStore {
  return { ...createReader(engine), ...createWriter(engine), ...createCleaner(engine) };
}

function createReader(engine: Engine): Pick<AnswerStore, "chain" | "find" | "findHolders"> {
  const { storedItems, storedResponses: table } = engine.schema;

  const list = async (condition: SQL, userId: string, now: Date): Promise<KeptAnswer[]> => {
    const rows = await engine.read((db) =>
      db
        .select()
        .from(table)
        .where(and(condition, eq(table.userId, userId), gt(table.expiresAt, now))),
    );
    return rows.map(toAnswer);
  };

  return {
    async find(id, userId, now) {
      return (await list(eq(table.id, cleanText(id)), userId, now))[0] ?? null;
    },
    async chain(id, userId, { now, limits }) {
      const links = sql`(
        with recursive chain (id, previous_id, count, bytes) as (
          select id, previous_id, 1, bytes from ${table} where id = ${cleanText(id)} and user_id = ${userId}
          union all
          select older.id, older.previous_id, chain.count + 1, chain.bytes + older.bytes
          from ${table} as older join chain on older.id = chain.previous_id
          where older.user_id = ${userId} and chain.count < ${limits.count} and chain.bytes + older.bytes <= ${limits.bytes}
        ) select id from chain)`;
      const found = new Map(
        (await list(sql`${table.id} in ${links}`, userId, now)).map((answer) => [answer.id, answer]),
      );
      const ordered: KeptAnswer[] = [];
      let next = found.get(cleanText(id));
      while (next !== undefined) {
        ordered.push(next);
        // Each only once, should a provider have given one id twice.
        found.delete(next.id);
        next = next.previousId === null ? undefined : found.get(next.previousId);
      }
      return ordered;
    },
    async findHolders(items, userId, now) {
      const keys = items.map((item) => nameItem(userId, item));
      const holders = (db: Db) =>
        db.select({ id: storedItems.responseId }).from(storedItems).where(inArray(storedItems.id, keys));
      const ids = (await engine.read(holders)).map((row) => row.id);
      return ids.length === 0 ? [] : list(inArray(table.id, [...new Set(ids)]), userId, now);
    },
  };
}

function createWriter(engine: Engine): Pick<AnswerStore, "finish" | "put" | "remove" | "renew"> {
  const { storedItems, storedResponses: table } = engine.schema;
  const isOwn = ({ id, userId }: Pick<KeptAnswer, "id" | "userId">) =>
    and(eq(table.id, cleanText(id)), eq(table.userId, userId));
  const isBeingMade = (answer: Pick<KeptAnswer, "id" | "userId">) => and(isOwn(answer), isNotNull(table.leaseUntil));

  /** Where the id is another owner's these lead to his row, which nobody else is ever given. */
  const insertItems = (
    db: Db,
    answers: readonly (Pick<KeptAnswer, "id" | "userId"> & { items: readonly string[] })[],
  ): Query[] => {
    const rows = answers.flatMap(({ id, userId, items }) =>
      items.map((item) => ({ id: nameItem(userId, item), responseId: cleanText(id) })),
    );
    return cut(keepLast(rows)).map((part) =>
      db
        .insert(storedItems)
        .values(part)
        .onConflictDoUpdate({ target: storedItems.id, set: { responseId: sql`excluded.response_id` } }),
    );
  };

  const update = async (answer: Pick<KeptAnswer, "id" | "userId">, change: object, after: (db: Db) => Query[]) => {
    const rows = await engine.atomic((db) => ({
      decisive: db.update(table).set(change).where(isBeingMade(answer)).returning({ id: table.id }),
      after: after(db),
    }));
    return rows.length > 0;
  };
  const measure = (body: string) => ({ body, bytes: sql`octet_length(${table.input}) + ${Buffer.byteLength(body)}` });

  return {
    async put(answers) {
      if (answers.length === 0) return;
      await engine.atomic((db) => ({
        // Many rows a statement: the building of one costs more than a row.
        before: cut(keepLast(answers.map(toRow))).map((part) =>
          db
            .insert(table)
            .values(part)
            .onConflictDoUpdate({ target: table.id, set: GIVEN, setWhere: sql`${table.userId} = excluded.user_id` }),
        ),
        // A count always has its one row: nothing here may undo the rest.
        decisive: db
          .select({ count: sql<number>`count(*)` })
          .from(table)
          .where(eq(table.id, "")),
        after: insertItems(db, answers),
      }));
    },
    finish: (answer) =>
      update(answer, { ...measure(answer.body), leaseUntil: null }, (db) => insertItems(db, [answer])),
    renew: (answer, until) => update(answer, { ...measure(answer.body), leaseUntil: until }, () => []),
    async remove(id, userId) {
      const rows = await engine.atomic((db) => ({
        decisive: db.delete(table).where(isOwn({ id, userId })).returning({ id: table.id }),
      }));
      return rows.length > 0;
    },
  };
}

/** What a row that is there already takes over. */
const GIVEN = {
  provider: sql`excluded.provider`,
  model: sql`excluded.model`,
  previousId: sql`excluded.previous_id`,
  isUpstream: sql`excluded.is_upstream`,
  input: sql`excluded.input`,
  body: sql`excluded.body`,
  bytes: sql`excluded.bytes`,
  leaseUntil: sql`excluded.lease_until`,
  createdAt: sql`excluded.created_at`,
  expiresAt: sql`excluded.expires_at`,
};

function createCleaner(engine: Engine): Pick<AnswerStore, "sweep" | "tally" | "trimAll" | "trimOwner"> {
  const { storedResponses: table, users } = engine.schema;

  const removeWhere = async (condition: SQL): Promise<void> => {
    await engine.atomic((db) => ({ decisive: db.delete(table).where(condition).returning({ id: table.id }) }));
  };

  return {
    async tally(userId) {
      const rows = await engine.read((db) =>
        db
          .select({
            count: sql`count(*)`.mapWith(Number),
            bytes: sql`coalesce(sum(${table.bytes}), 0)`.mapWith(Number),
          })
          .from(table)
          .where(userId === null ? undefined : eq(table.userId, userId)),
      );
      return rows[0] ?? { count: 0, bytes: 0 };
    },
    trimOwner: (userId, limits) =>
      removeWhere(
        sql`${table.id} in (
          select id from (
            select id, row_number() over newest as place, sum(bytes) over newest as total
            from ${table} where user_id = ${userId} window newest as (order by created_at desc, id desc)
          ) as own where place > ${limits.count} or total > ${limits.bytes})`,
      ),
    trimAll: (bytes) =>
      removeWhere(
        sql`${table.id} in (
          select id from (
            select id, sum(bytes) over (order by created_at desc, id desc) as total from ${table}
          ) as own where total > ${bytes})`,
      ),
    async sweep(now) {
      await removeWhere(lte(table.expiresAt, now));
      await removeWhere(sql`${table.userId} not in (select id from ${users} where deleted_at is null)`);
    },
  };
}

function toRow(answer: KeptAnswer): Row {
  return {
    ...toAnswer(answer),
    id: cleanText(answer.id),
    model: cleanText(answer.model),
    previousId: answer.previousId === null ? null : cleanText(answer.previousId),
    bytes: Buffer.byteLength(answer.input) + Buffer.byteLength(answer.body),
  };
}

/** Without whatever else the value holds. */
function toAnswer(row: KeptAnswer): KeptAnswer {
  const { id, userId, provider, model, previousId, isUpstream, input, body, leaseUntil, createdAt, expiresAt } = row;
  return { id, userId, provider, model, previousId, isUpstream, input, body, leaseUntil, createdAt, expiresAt };
}

function nameItem(userId: string, item: string): string {
  return `${userId}/${cleanText(item)}`;
}

function cut<Part>(rows: readonly Part[]): Part[][] {
  const parts: Part[][] = [];
  for (let index = 0; index < rows.length; index += ROWS_A_STATEMENT) {
    parts.push(rows.slice(index, index + ROWS_A_STATEMENT));
  }
  return parts;
}

/** A statement may say nothing twice of one row. */
function keepLast<Row extends { id: string }>(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
