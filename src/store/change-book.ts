// Reads the record of changes: pages over all databases together, and the chain of each for those who verify it. Knows no rule of theirs.

import { and, asc, type Column, desc, eq, gt, gte, inArray, lt, lte, ne, not, or, type SQL, sql } from "drizzle-orm";
import type {
  ChangeBook,
  ChangeChain,
  ChangeFilter,
  ChangePage,
  RawChange,
  StoredChangeHead,
} from "../audit/change/book.ts";
import { invalidRequest } from "../ir/index.ts";
import { AUTHORS, type Author, type ChangeRow } from "../lib/change.ts";
import { cleanText } from "../lib/text.ts";
import { ONLY } from "./change.ts";
import type { Db, Engine } from "./engine.ts";
import type { Schema } from "./schema.ts";

/** `ledger` only where it is a database of its own. */
export function createChangeBook(identity: Engine, ledger: Engine | null): ChangeBook {
  const engines = ledger === null ? [identity] : [identity, ledger];
  const read = async (
    filter: ChangeFilter,
    { limit, cursor, isNewest }: { limit: number; cursor: string | null; isNewest: boolean },
  ): Promise<ChangePage> => {
    const from = cursor === null ? null : readCursor(cursor);
    const found = await Promise.all(engines.map((engine) => readPart(engine, filter, { limit, from, isNewest })));
    const turn = isNewest ? -1 : 1;
    return cut(
      found.flat().toSorted((left, right) => turn * compare(left, right)),
      limit,
    );
  };
  return {
    page: (filter, limit, cursor) => read(filter, { limit, cursor, isNewest: true }),
    readOldest: (filter, limit, cursor) => read(filter, { limit, cursor, isNewest: false }),
    chains: engines.map((engine, at) => createChain(engine, { place: at === 0 ? "identity" : "ledger", moved: null })),
  };
}

type Table = Schema["auditChanges"];

interface Place {
  at: Date;
  id: string;
}

function compare(left: Place, right: Place): number {
  return left.at.getTime() - right.at.getTime() || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0);
}

/** At most one row more than asked for, which tells whether there is a next page. */
async function readPart(
  engine: Engine,
  filter: ChangeFilter,
  { limit, from, isNewest }: { limit: number; from: Place | null; isNewest: boolean },
): Promise<ChangeRow[]> {
  const { auditChanges: table } = engine.schema;
  const conditions = [...limitTime(table, filter), ...(from === null ? [] : beyond(table, from, isNewest))];
  const order = isNewest ? [desc(table.at), desc(table.id)] : [asc(table.at), asc(table.id)];
  const parts = await Promise.all(
    listChoices(engine, filter).map((choice) =>
      engine.read((db) =>
        db
          .select()
          .from(table)
          .where(and(choice, ...conditions))
          .orderBy(...order)
          .limit(limit + 1),
      ),
    ),
  );
  const [only = []] = parts;
  if (parts.length === 1) return only;
  const found = new Map(parts.flat().map((row) => [row.id, row]));
  const turn = isNewest ? -1 : 1;
  return [...found.values()].toSorted((left, right) => turn * compare(left, right)).slice(0, limit + 1);
}

type Asked = Record<"action" | "actor" | "actorId" | "actorName" | "keyId", SQL>;

/**
 * A query each, with an index of its own: of an "or", a database would look through all rows where few or none fit. SQLite does not know that there are
 * few rows of one subject and many of a kind; where it has several indexes to choose from, all but the one that is to be read are hidden from it.
 */
function listChoices({ name, schema }: Engine, filter: ChangeFilter): (SQL | undefined)[] {
  const { auditChanges: table } = schema;
  const { actor, action, subject } = filter;
  const choose = (asked: Asked, isSubject: SQL | undefined) =>
    listActors(asked, filter).map((isActor) => and(isActor, isSubject, matchAction(asked, filter)));
  const show = (column: Column) => sql`${column}`;
  const hide = (column: Column) => (name === "sqlite" ? sql`+${column}` : sql`${column}`);
  if (subject === undefined) return choose(pickAsked(table, show), undefined);
  const text = cleanText(subject);
  const ofOne = choose(pickAsked(table, hide), eq(table.subjectId, text));
  if (UUID.test(text)) return ofOne;
  const isNarrowed = action?.includes(".") === true || (actor !== undefined && findAuthor(actor) === undefined);
  const isKind = eq((isNarrowed ? hide : show)(table.subjectKind), text);
  return [...ofOne, ...choose(pickAsked(table, show), isKind)];
}

function pickAsked({ action, actor, actorId, actorName, keyId }: Table, as: (column: Column) => SQL): Asked {
  return { action: as(action), actor: as(actor), actorId: as(actorId), actorName: as(actorName), keyId: as(keyId) };
}

function findAuthor(actor: string): Author | undefined {
  return AUTHORS.find((word) => word === actor);
}

/** What an actor may be named by. */
function listActors(asked: Asked, { actor }: ChangeFilter): (SQL | undefined)[] {
  if (actor === undefined) return [undefined];
  const author = findAuthor(actor);
  if (author !== undefined) return [eq(asked.actor, author)];
  const text = cleanText(actor);
  // As addresses are kept.
  const name = text.includes("@") ? text.toLowerCase() : text;
  return [eq(asked.actorId, text), eq(asked.actorName, name), eq(asked.keyId, text)];
}

function matchAction(asked: Asked, { action }: ChangeFilter): SQL | undefined {
  if (action === undefined) return undefined;
  const text = cleanText(action).replace(/\.?\*$/u, "");
  if (text.includes(".")) return eq(asked.action, text);
  // "user" means all of `user.create`, `user.delete` …: a range, which needs no pattern. A whole name is found by its index, however rare it is.
  return or(eq(asked.action, text), and(gt(asked.action, `${text}.`), lt(asked.action, `${text}/`)));
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u;

/** The first condition is what the index is read by. */
function beyond({ at, id }: Table, place: Place, isNewest: boolean): SQL[] {
  return isNewest
    ? [lte(at, place.at), sql`(${lt(at, place.at)} or ${lt(id, place.id)})`]
    : [gte(at, place.at), sql`(${gt(at, place.at)} or ${gt(id, place.id)})`];
}

function limitTime({ at }: Table, { from, to }: ChangeFilter): SQL[] {
  return [...(from === undefined ? [] : [gte(at, from)]), ...(to === undefined ? [] : [lt(at, to)])];
}

function cut(found: ChangeRow[], limit: number): ChangePage {
  const changes = found.slice(0, limit);
  const last = found.length > limit ? changes.at(-1) : undefined;
  return { changes, nextCursor: last === undefined ? null : `${last.at.getTime().toString(36)}-${last.id}` };
}

/** Of the ledger's rows it has a dot: none of one is one of the other. */
const CURSOR = /^(?<at>[0-9a-z]{1,10})-(?<id>[\da-f-]{1,40})$/u;
/** The end of the year 9999: what both engines hold. */
const MAX_MS = Date.UTC(10_000, 0, 1);

function readCursor(text: string): Place {
  const { at = "", id = "" } = CURSOR.exec(text)?.groups ?? {};
  const moment = new Date(Number.parseInt(at, 36));
  if (id !== "" && moment.getTime() < MAX_MS) return { at: moment, id };
  throw invalidRequest("The cursor is none of ours; give back a page's next cursor as it came.", "cursor");
}

interface ChainInit {
  place: ChangeChain["place"];
  /** Name of one that another database had before it was moved into this one; null: the database's own. */
  moved: string | null;
}

function createChain(engine: Engine, { place, moved }: ChainInit): ChangeChain {
  const { auditChain, auditChanges: table, auditHeads: heads } = engine.schema;
  /** One engine keeps JSON as text. */
  const isText = engine.name === "sqlite";
  /** As they lie there: a column that was tampered with must not keep its neighbours from being read. */
  const columns = { ...pickColumns(table), at: raw(table.at), before: raw(table.before), after: raw(table.after) };
  /** What belongs to this chain, or to none; of another one that is known, nothing. */
  const isOwn = (db: Db, chain: Table["chain"] | typeof heads.chain): SQL =>
    moved === null
      ? not(inArray(chain, db.select({ chain: auditChain.chain }).from(auditChain).where(ne(auditChain.id, ONLY))))
      : eq(chain, moved);
  return {
    place,
    async state() {
      const which = moved === null ? eq(auditChain.id, ONLY) : eq(auditChain.chain, moved);
      const [row] = await engine.read((db) => db.select().from(auditChain).where(which).limit(1));
      return row === undefined ? null : { ...row, seq: toPlace(row.seq) };
    },
    async former() {
      if (moved !== null) return [];
      const found = await engine.read((db) =>
        db
          .select({ chain: auditChain.chain })
          .from(auditChain)
          .where(ne(auditChain.id, ONLY))
          .orderBy(auditChain.startedAt),
      );
      return found.map(({ chain }) => createChain(engine, { place, moved: chain }));
    },
    async heads() {
      return engine.read((db) =>
        db.select().from(heads).where(isOwn(db, heads.chain)).orderBy(asc(heads.seq), asc(heads.signedAt)),
      );
    },
    async newestHead() {
      const [row] = await engine.read((db) =>
        db.select().from(heads).where(isOwn(db, heads.chain)).orderBy(desc(heads.seq)).limit(1),
      );
      return row ?? null;
    },
    async rows(chain, after, limit) {
      const rows = await engine.read((db) =>
        db
          .select(columns)
          .from(table)
          .where(and(eq(table.chain, chain), gt(table.seq, after)))
          .orderBy(asc(table.seq))
          .limit(limit),
      );
      return rows.map((row) => toRaw(row, isText));
    },
    async strays(chain, limit) {
      const outside = chain === null ? undefined : or(ne(table.chain, chain), lt(table.seq, 1));
      const rows = await engine.read((db) =>
        db
          .select(columns)
          .from(table)
          .where(and(isOwn(db, table.chain), outside))
          .limit(limit),
      );
      return rows.map((row) => toRaw(row, isText));
    },
    async keepHead(head: StoredChangeHead) {
      const kept = await engine.atomic((db) => ({
        decisive: db.insert(heads).values(head).onConflictDoNothing().returning({ id: heads.id }),
      }));
      return kept.length > 0;
    },
  };
}

function pickColumns(table: Table) {
  const { id, chain, seq, actor, actorId, actorName, keyId, address, requestId } = table;
  const { action, subjectKind, subjectId, previous, hash } = table;
  const who = { actor, actorId, actorName, keyId, address, requestId };
  return { id, chain, seq, ...who, action, subjectKind, subjectId, previous, hash };
}

function raw(column: Table["after"] | Table["at"] | Table["before"]): SQL<unknown> {
  return sql<unknown>`${column}`;
}

type Columns = Omit<ChangeRow, "after" | "at" | "before"> & Record<"after" | "at" | "before", unknown>;

function toRaw({ at, before, after, ...row }: Columns, isText: boolean): RawChange {
  const [was, is] = [readJson(before, isText), readJson(after, isText)];
  return {
    ...row,
    at: readMoment(at),
    before: was.value,
    after: is.value,
    isReadable: was.isReadable && is.isReadable,
  };
}

/** Milliseconds of one engine, the other's text. Parts of a millisecond are none of ours, and may not be lost. */
function readMoment(value: unknown): Date {
  if (typeof value === "number") return new Date(Number.isInteger(value) ? value : Number.NaN);
  return value instanceof Date ? value : new Date(typeof value === "string" ? value : Number.NaN);
}

function readJson(value: unknown, isText: boolean): { value: ChangeRow["before"]; isReadable: boolean } {
  if (value === null) return { value: null, isReadable: true };
  try {
    const read: unknown = isText && typeof value === "string" ? JSON.parse(value) : value;
    // Other bytes that read alike are not those that were written.
    const isSame = !isText || JSON.stringify(read) === value;
    if (isSame && typeof read === "object" && read !== null)
      return { value: read as ChangeRow["before"], isReadable: true };
  } catch {
    // It was altered, and that is what is to be found out.
  }
  return { value: null, isReadable: false };
}

function toPlace(seq: number): number {
  return Number.isSafeInteger(seq) && seq >= 0 ? seq : -1;
}
