// Providers that are declared while the gateway runs, in a database, whichever engine it is. Knows no rule of what a provider may say, and no key.

import { and, asc, desc, eq, inArray, sql } from "drizzle-orm";
import type { ProviderStore, ProviderVersion } from "../gateway/declared/book.ts";
import type { SealedSecret } from "../gateway/declared/secret.ts";
import type { Change } from "../lib/change.ts";
import { cleanJson, cleanText } from "../lib/text.ts";
import { noteAll } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";

/** Moved by every change, those of what an operator took out of service too. */
const REVISION = "provider_revision";

/** The step that tells all who keep a copy that something changed. */
export function tickProviders({ counters }: Schema, db: Db): Query {
  return db
    .insert(counters)
    .values({ name: REVISION, value: 1 })
    .onConflictDoUpdate({ target: counters.name, set: { value: sql`${counters.value} + 1` } });
}

export function createProviderStore(engine: Engine): ProviderStore {
  const { providerVersions: versions, providerSecrets: secrets } = engine.schema;
  const selectVersion = (db: Db, name: string, version: number): Query<ProviderVersion[]> =>
    db
      .select()
      .from(versions)
      .where(and(eq(versions.name, name), eq(versions.version, version)));

  return {
    async add(version, { put, drop }, by) {
      const comment = version.comment === null ? null : cleanText(version.comment);
      const row = { ...version, fields: cleanJson(version.fields), secrets: [...version.secrets], comment };
      const rows = await engine.atomic((db) => ({
        before: [tickProviders(engine.schema, db)],
        decisive: db.insert(versions).values(row).onConflictDoNothing().returning(),
        note: {
          ...noteAll(by, []),
          was: selectVersion(db, version.name, version.version - 1),
          tell: ([added]: readonly ProviderVersion[], [last]) =>
            added === undefined ? [] : [tellVersion(added, last, { put, drop })],
        },
        after: [
          ...(drop.length === 0
            ? []
            : [
                db.delete(secrets).where(
                  inArray(
                    secrets.id,
                    drop.map((field) => makeId(version.name, field)),
                  ),
                ),
              ]),
          ...put.map((secret) => db.insert(secrets).values({ id: makeId(secret.provider, secret.field), ...secret })),
        ],
      }));
      return rows.length > 0;
    },
    async list() {
      const rows: ProviderVersion[] = await engine.read((db) =>
        db
          .select()
          .from(versions)
          .where(
            eq(
              versions.version,
              sql`(select max(newer.version) from ${versions} as newer where newer.name = ${versions.name})`,
            ),
          )
          .orderBy(asc(versions.name)),
      );
      return rows;
    },
    async history(name) {
      const rows: ProviderVersion[] = await engine.read((db) =>
        db
          .select()
          .from(versions)
          .where(eq(versions.name, cleanText(name)))
          .orderBy(desc(versions.version)),
      );
      return rows;
    },
    async secrets(name) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(secrets)
          .where(name === undefined ? undefined : eq(secrets.provider, cleanText(name)))
          .orderBy(asc(secrets.id)),
      );
      return rows.map(({ id: _id, ...secret }): SealedSecret => secret);
    },
    async exchange(before, after, by) {
      const { keyId, nonce, ciphertext } = after;
      const isSame = and(
        eq(secrets.id, makeId(before.provider, before.field)),
        eq(secrets.keyId, before.keyId),
        eq(secrets.ciphertext, before.ciphertext),
      );
      const rows = await engine.atomic((db) => ({
        before: [tickProviders(engine.schema, db)],
        decisive: db.update(secrets).set({ keyId, nonce, ciphertext }).where(isSame).returning({ id: secrets.id }),
        note: noteAll(by, [tellExchange(before, after)]),
      }));
      return rows.length > 0;
    },
    revision: async () => (await engine.readCounters()).get(REVISION) ?? 0,
  };
}

/** Credentials by their fields and ends; which of them were set is told, for the ends may be the same. */
function tellVersion(
  added: ProviderVersion,
  last: object | undefined,
  { put, drop }: Parameters<ProviderStore["add"]>[1],
): Change {
  const print = ({ version, fields, secrets, comment }: ProviderVersion): object => ({
    version,
    fields,
    keys: secrets.map(({ field, hint }) => (hint === "" ? field : `${field} …${hint}`)),
    comment,
  });
  const isStanding = last !== undefined && "fields" in last && last.fields !== null;
  // The query's own rows.
  const before = isStanding ? print(last as ProviderVersion) : null;
  const set = put.map(({ field }) => field);
  const removed = drop.filter((field) => !set.includes(field));
  const after = added.fields === null ? null : { ...print(added), keys_set: set, keys_removed: removed };
  const verb = after === null ? "delete" : before === null ? "create" : "update";
  return { action: `provider.${verb}`, subjectKind: "provider", subjectId: added.name, before, after };
}

function tellExchange(before: SealedSecret, after: SealedSecret): Change {
  return {
    action: "provider.encrypt",
    subjectKind: "provider",
    subjectId: before.provider,
    before: { field: before.field, encrypted_with: before.keyId },
    after: { field: after.field, encrypted_with: after.keyId },
  };
}

function makeId(provider: string, field: string): string {
  return `${provider}/${field}`;
}
