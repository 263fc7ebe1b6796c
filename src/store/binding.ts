// Who owns what a provider keeps, in a database, whichever engine it is. Knows no provider.

import { and, desc, eq, gte, inArray, isNull } from "drizzle-orm";
import type { BindingStore, ObjectBinding } from "../identity/object.ts";
import type { Engine } from "./engine.ts";
import type { Schema } from "./schema.ts";
import { cleanText } from "../lib/text.ts";

type Row = Schema["objectBindings"]["$inferSelect"];

export function createBindingStore(engine: Engine): BindingStore {
  const table = engine.schema.objectBindings;
  return {
    async bind(bindings) {
      if (bindings.length === 0) return;
      const rows = bindings.map((binding) => ({
        ...binding,
        keyId: binding.keyId ?? null,
        tags: binding.tags === undefined ? null : [...binding.tags],
        objectId: cleanText(binding.objectId),
        id: makeId(binding.provider, binding.objectId),
      }));
      await engine.atomic((db) => ({
        before: [db.insert(table).values(rows).onConflictDoNothing()],
        decisive: db
          .select({ id: table.id })
          .from(table)
          .where(eq(table.id, rows[0]?.id ?? "")),
      }));
    },
    async find(objectId) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(table)
          .where(eq(table.objectId, cleanText(objectId))),
      );
      return rows.map(toBinding);
    },
    async list(userId, family) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(table)
          .where(and(eq(table.userId, userId), eq(table.family, family)))
          .orderBy(desc(table.createdAt), desc(table.id)),
      );
      return rows.map(toBinding);
    },
    async listUnbooked({ families, since, limit }) {
      const isWanted = and(inArray(table.family, [...families]), gte(table.createdAt, since), isNull(table.bookedAt));
      const rows = await engine.read((db) =>
        db.select().from(table).where(isWanted).orderBy(desc(table.createdAt), desc(table.id)).limit(limit),
      );
      return rows.map(toBinding);
    },
    async claimBooking(provider, objectId) {
      const id = makeId(provider, objectId);
      const claimed = await engine.atomic((db) => ({
        decisive: db
          .update(table)
          .set({ bookedAt: new Date() })
          .where(and(eq(table.id, id), isNull(table.bookedAt)))
          .returning({ id: table.id }),
      }));
      return claimed.length > 0;
    },
    async unbind(provider, objectId) {
      const id = makeId(provider, objectId);
      await engine.atomic((db) => ({ decisive: db.delete(table).where(eq(table.id, id)).returning({ id: table.id }) }));
    },
  };
}

function makeId(provider: string, objectId: string): string {
  return `${provider}/${cleanText(objectId)}`;
}

function toBinding({ objectId, provider, userId, family, createdAt, keyId, tags }: Row): ObjectBinding {
  const made = { ...(keyId === null ? {} : { keyId }), ...(tags === null ? {} : { tags }) };
  return { objectId, provider, userId, family, createdAt, ...made };
}
