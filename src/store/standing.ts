// Writes to a row only in the state in which it was looked at: what others change in between is looked at again, never written over. And what there
// was once, and is no more. Knows no table but that of changes.

import { type Column, type SQL, and, eq, inArray, sql } from "drizzle-orm";
import type { ChangeAction } from "../lib/change.ts";
import { cleanText } from "../lib/text.ts";
import type { Engine } from "./engine.ts";

/** Of a row: every write of it moves the revision. */
interface Versioned {
  revision: number;
}

/**
 * What `write` answers: rows that it wrote. It has to write where the row's revision is the one it is given, and nowhere else. Empty where there is no
 * such row (any more), or where the statement itself would not have it. What `look` throws is thrown.
 */
export async function writeSeen<Row extends Versioned, Out>(
  read: () => Promise<Row | undefined>,
  look: (row: Row) => void,
  write: (row: Row) => Promise<Out[]>,
): Promise<Out[]> {
  for (let last: number | null = null; ;) {
    const row = await read();
    // Nobody changed it, and yet nothing was written: it will not be.
    if (row === undefined || row.revision === last) return [];
    look(row);
    const written = await write(row);
    if (written.length > 0) return written;
    last = row.revision;
  }
}

interface Meant<Row> {
  isIt: SQL | undefined;
  read: (isIt: SQL | undefined) => Promise<Row[]>;
  revision: Column;
  /** Undefined: the row is written as it is, whatever that is. */
  look: ((row: Row) => void) | undefined;
}

/** Likewise, with the condition of the statement: the row that is meant, and where it is looked at first, only as it was seen. */
export function writeWhere<Row extends Versioned, Out>(
  { isIt, read, revision, look }: Meant<Row>,
  write: (isIt: SQL | undefined) => Promise<Out[]>,
): Promise<Out[]> {
  if (look === undefined) return write(isIt);
  return writeSeen(
    async () => (await read(isIt))[0],
    look,
    (row) => write(and(isIt, eq(revision, row.revision))),
  );
}

/** Whether the record of changes tells of such an end of it; of one that this user made, where he is named. */
export async function wasEnded(
  engine: Engine,
  { actions, id, actorId }: { actions: readonly ChangeAction[]; id: string; actorId?: string | undefined },
): Promise<boolean> {
  const { auditChanges: changes } = engine.schema;
  const text = cleanText(id);
  // Users are called by their addresses, too.
  const isIt = text.includes("@") ? sql`${changes.before} ->> 'email' = ${text}` : eq(changes.subjectId, text);
  const rows = await engine.read((db) =>
    db
      .select({ id: changes.id })
      .from(changes)
      .where(
        and(
          isIt,
          inArray(changes.action, [...actions]),
          actorId === undefined ? undefined : eq(changes.actorId, actorId),
        ),
      )
      .limit(1),
  );
  return rows.length > 0;
}
