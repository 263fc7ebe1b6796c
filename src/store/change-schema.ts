// The tables of changes: their rows, the chain that they form, and its signed heads. Each database has its own, as a row is written with the change
// that it tells of. Knows no engine.

import type { HeadReason } from "../ledger/index.ts";
import type { Author } from "../lib/change.ts";
import type { Kit } from "./postgres/columns.ts";

/** Rows are added and never changed. No foreign keys: they outlive whom they tell of. */
export function defineChanges(kit: Kit) {
  return kit.table(
    "audit_changes",
    {
      id: kit.text("id").primaryKey(),
      chain: kit.text("chain").notNull(),
      seq: kit.big("seq").notNull(),
      at: kit.time("at").notNull(),
      actor: kit.text("actor").$type<Author>().notNull(),
      actorId: kit.text("actor_id"),
      actorName: kit.text("actor_name"),
      keyId: kit.text("key_id"),
      address: kit.text("address"),
      requestId: kit.text("request_id"),
      action: kit.text("action").notNull(),
      subjectKind: kit.text("subject_kind").notNull(),
      subjectId: kit.text("subject_id"),
      before: kit.json("before").$type<Readonly<Record<string, unknown>>>(),
      after: kit.json("after").$type<Readonly<Record<string, unknown>>>(),
      previous: kit.text("previous").notNull(),
      hash: kit.text("hash").notNull(),
    },
    (table) => [
      kit.uniqueIndex("audit_changes_chain").on(table.chain, table.seq),
      kit.index("audit_changes_time").on(table.at, table.id),
      kit.index("audit_changes_subject").on(table.subjectId, table.at, table.id),
      kit.index("audit_changes_kind").on(table.subjectKind, table.at, table.id),
      kit.index("audit_changes_action").on(table.action, table.at, table.id),
      kit.index("audit_changes_actor").on(table.actorId, table.at, table.id),
      kit.index("audit_changes_key").on(table.keyId, table.at, table.id),
      kit.index("audit_changes_name").on(table.actorName, table.at, table.id),
    ],
  );
}

/** One row: how far the chain has come. Whoever writes a change takes it first, so that they come one after another. */
export function defineChangeChain(kit: Kit) {
  return kit.table("audit_chain", {
    id: kit.text("id").primaryKey(),
    chain: kit.text("chain").notNull(),
    /** Of the last row; 0 and empty before the first. */
    seq: kit.big("seq").notNull(),
    hash: kit.text("hash").notNull(),
    startedAt: kit.time("started_at").notNull(),
  });
}

/** Signed statements that the chain had come so far at such a time: of every gateway that writes to it. */
export function defineChangeHeads(kit: Kit) {
  return kit.table(
    "audit_heads",
    {
      /** `chain/seq/reason`. */
      id: kit.text("id").primaryKey(),
      chain: kit.text("chain").notNull(),
      seq: kit.big("seq").notNull(),
      hash: kit.text("hash").notNull(),
      reason: kit.text("reason").$type<HeadReason>().notNull(),
      signedAt: kit.time("signed_at").notNull(),
      /** Id of the head before it, so that none can be taken out unseen. */
      previous: kit.text("previous"),
      publicKey: kit.text("public_key").notNull(),
      signature: kit.text("signature").notNull(),
    },
    (table) => [kit.index("audit_heads_chain").on(table.chain, table.seq)],
  );
}
