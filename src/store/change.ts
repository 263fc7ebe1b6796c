// Writes rows of changes, each in the transaction of the change that it tells of. Knows no table but its own three.
//
// HOW TO USE IT. Every statement that changes something which an administrator, an operator or the configuration decides (users, keys, limits,
// credentials, settings …) goes through `engine.atomic` and gives it a `note`. The row is then written, sealed and chained in the same
// transaction, or neither is; secrets are masked by the names of their fields, and by their form.
//
//   await engine.atomic((db) => ({
//     decisive: db.insert(limits).values(row).returning(),
//     note: noteRows({ by, action: "limit.create", kind: "limit" }),
//   }));
//   await engine.atomic((db) => ({
//     decisive: db.update(limits).set(change).where(same).returning(),
//     note: noteRows({ by, action: "limit.update", kind: "limit", was: db.select().from(limits).where(same) }),
//   }));
//   … `isGone: true` for one that deletes, softly or not; `noteAll(by, changes)` where rows do not say it.
//
// `by` is an `Origin` (lib/change.ts), the last argument of the store's function. Rules get it from their actor (`originOf(actor, now)` of
// identity/), routes from their caller (`originOf(caller)` of server/admin/part.ts), commands from `byOperator()` of cli/open.ts. Left out, the
// row says that the program itself did it. What changes outside of a database is told by `store.changes.tell(by, change)`.

import { eq } from "drizzle-orm";
import {
  CHANGE_CHAIN,
  type Change,
  type ChangeAction,
  type ChangeHead,
  type Origin,
  byProgram,
  sealChanges,
} from "../lib/change.ts";
import type { Redact } from "../lib/redact.ts";
import { selectRows } from "./bulk.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";

/** What a transaction leaves behind for those who ask who did it. */
export interface Note<Row> {
  by: Origin;
  /** Asked before the decisive query. */
  was: Query<readonly object[]> | null;
  /** Of the rows that the decisive query gave, and those that there were before it. */
  tell(rows: readonly Row[], was: readonly object[]): readonly Change[];
}

interface NotedRows<Row> {
  by: Origin | undefined;
  action: ChangeAction;
  kind: string;
  /** The same rows as they were; nothing where they are new. */
  was?: Query<readonly object[]>;
  /** True where there is nothing of them afterwards. */
  isGone?: boolean;
  /** Of the subject; the row's `id` unless given. */
  idOf?: (row: Row) => string | null;
}

/** One change for each row of the decisive query. Those of before are found by their `id`. */
export function noteRows<Row extends object>(noted: NotedRows<Row>): Note<Row> {
  const { by = byProgram("gateway"), action, kind, was = null, isGone = false, idOf = readId } = noted;
  return {
    by,
    was,
    tell(rows, before) {
      const known = new Map(before.map((row) => [readId(row), row]));
      return rows.map((row) => ({
        action,
        subjectKind: kind,
        subjectId: idOf(row),
        before: known.get(readId(row)) ?? null,
        after: isGone ? null : row,
      }));
    },
  };
}

/** Whatever the rows are. */
export function noteAll(by: Origin | undefined, changes: readonly Change[]): Note<object> {
  return { by: by ?? byProgram("gateway"), was: null, tell: () => changes };
}

/** Rows that were not there before, as they are now. */
export function noteNew(by: Origin | undefined, kind: "key" | "user", rows: readonly { id: string }[]): Note<object> {
  return noteAll(
    by,
    rows.map((row) => ({ action: `${kind}.create`, subjectKind: kind, subjectId: row.id, before: null, after: row })),
  );
}

function readId(row: object): string | null {
  return "id" in row && typeof row.id === "string" ? row.id : null;
}

/** Id of the chain that changes of this database are added to. Others lie there where two databases were made one. */
export const ONLY = "changes";

/** The chain's own row, which is made where there is none: from here on other writers wait. */
function takeChain(db: Db, { auditChain: chains }: Schema, at: Date): Query<ChangeHead[]> {
  return db
    .insert(chains)
    .values({ id: ONLY, chain: `${CHANGE_CHAIN}${Bun.randomUUIDv7()}`, seq: 0, hash: "", startedAt: at })
    .onConflictDoUpdate({ target: chains.id, set: { id: ONLY } })
    .returning({ chain: chains.chain, seq: chains.seq, hash: chains.hash });
}

/** In a transaction of its own, of what changes outside of the database; or of statements that need not find anything to change. */
export async function tellChanges(
  engine: Engine,
  { by, changes }: { by: Origin; changes: readonly Change[] },
  before: (db: Db) => readonly Query[] = () => [],
): Promise<void> {
  await engine.atomic((db) => ({
    before: before(db),
    decisive: takeChain(db, engine.schema, by.at),
    note: noteAll(by, changes),
  }));
}

/**
 * The queries that put changes behind the last one, for an engine to run one after another within its transaction: it gives back what each
 * answered.
 */
export function* appendChanges(
  { name, db, schema, redact }: { name: Engine["name"]; db: Db; schema: Schema; redact: Redact },
  by: Origin,
  changes: readonly Change[],
): Generator<Query, void, unknown> {
  if (changes.length === 0) return;
  const { auditChain: chains, auditChanges } = schema;
  const [head] = (yield takeChain(db, schema, by.at)) as ChangeHead[];
  if (head === undefined) throw new Error("The chain of changes could not be begun.");
  const rows = sealChanges(head, changes, { by, newId: () => Bun.randomUUIDv7(), redact });
  yield db.insert(auditChanges).select(selectRows({ name }, auditChanges, rows));
  const { seq, hash } = rows.at(-1) ?? head;
  yield db.update(chains).set({ seq, hash }).where(eq(chains.id, ONLY));
}
