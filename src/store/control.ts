// What an operator took out of service for longer than a process lives, in a database, whichever engine it is. Knows no provider.

import { asc, inArray } from "drizzle-orm";
import type { Control, ControlStore } from "../gateway/way/control.ts";
import { cleanText } from "../lib/text.ts";
import type { Engine } from "./engine.ts";
import type { Schema } from "./schema.ts";

type Row = Schema["providerControls"]["$inferSelect"];

export function createControlStore(engine: Engine): ControlStore {
  const table = engine.schema.providerControls;
  return {
    async list() {
      const rows = await engine.read((db) => db.select().from(table).orderBy(asc(table.since)));
      return rows.map(toControl);
    },
    async put({ provider, account, model, action, sinceMs, by }) {
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
        decisive: db
          .insert(table)
          .values(row)
          .onConflictDoUpdate({ target: table.id, set: { action, by, since: row.since } })
          .returning({ id: table.id }),
      }));
    },
    async remove(names) {
      if (names.length === 0) return;
      const ids = names.map(makeId);
      await engine.atomic((db) => ({
        decisive: db.delete(table).where(inArray(table.id, ids)).returning({ id: table.id }),
      }));
    },
  };
}

function makeId({ provider, account, model }: Pick<Control, "account" | "model" | "provider">): string {
  return JSON.stringify([provider, account, model === null ? null : cleanText(model)]);
}

function toControl({ provider, account, model, action, by, since }: Row): Control {
  return { provider, account, model, action, by, sinceMs: since.getTime() };
}
