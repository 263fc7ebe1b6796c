// What an operator took out of service for longer than a process lives, in a database, whichever engine it is. Knows no provider.

import { asc, eq, inArray } from "drizzle-orm";
import type { Control, ControlStore } from "../gateway/way/control.ts";
import type { PlaceName } from "../gateway/way/place.ts";
import { cleanText } from "../lib/text.ts";
import { type Change, byProgram } from "../lib/change.ts";
import { noteRows, tellChanges } from "./change.ts";
import type { Engine } from "./engine.ts";
import { tickProviders } from "./provider.ts";
import type { Schema } from "./schema.ts";

type Row = Schema["providerControls"]["$inferSelect"];

export function createControlStore(engine: Engine): ControlStore {
  const table = engine.schema.providerControls;
  return {
    async list() {
      const rows = await engine.read((db) => db.select().from(table).orderBy(asc(table.since)));
      return rows.map(toControl);
    },
    async put({ provider, account, model, action, sinceMs, by }, origin) {
      const row = {
        id: makeId({ provider, account, model }),
        provider,
        account,
        model: model === null ? null : cleanText(model),
        action,
        by,
        since: new Date(sinceMs),
      };
      await engine.atomic((db) => ({
        before: [tickProviders(engine.schema, db)],
        decisive: db
          .insert(table)
          .values(row)
          .onConflictDoUpdate({ target: table.id, set: { action, by, since: row.since } })
          .returning(),
        note: noteRows({
          by: origin,
          action: `provider.${action}`,
          kind: "provider",
          was: db.select().from(table).where(eq(table.id, row.id)),
          idOf: (put: Row) => [put.provider, put.account, put.model].filter((word) => word !== null).join("/"),
        }),
      }));
    },
    async remove(names, told) {
      if (names.length === 0 && told === undefined) return;
      const { by = byProgram("gateway"), change = tellRemoval(names) } = told ?? {};
      const ids = names.map(makeId);
      await tellChanges(engine, { by, changes: [change] }, (db) =>
        ids.length === 0 ? [] : [tickProviders(engine.schema, db), db.delete(table).where(inArray(table.id, ids))],
      );
    },
  };
}

function makeId({ provider, account, model }: Pick<Control, "account" | "model" | "provider">): string {
  return JSON.stringify([provider, account, model === null ? null : cleanText(model)]);
}

function toControl({ provider, account, model, action, by, since }: Row): Control {
  return { provider, account, model, action, by, sinceMs: since.getTime() };
}

function tellRemoval(names: readonly PlaceName[]): Change {
  return {
    action: "provider.enable",
    subjectKind: "provider",
    subjectId: null,
    before: { controls: names },
    after: null,
  };
}
