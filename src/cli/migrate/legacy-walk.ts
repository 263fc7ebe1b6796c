// Goes through the tables of old databases, a page at a time: first users, then their keys, then usage, which names both. Judges all, and writes
// where that is wanted. Knows no SQL.

import type { ApiKey, User } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import type { LedgerEntry } from "../../ledger/index.ts";
import type { Origin } from "../../lib/change.ts";
import type { Store } from "../../store/index.ts";
import type { Legacy, LegacyRow, LegacyTable } from "../../store/sqlite/legacy.ts";
import type { Fault } from "./fault.ts";
import { isGone, nameGone, toEntry, toKey, toUser } from "./legacy.ts";
import { type Counts, type Tally, makeTally } from "./legacy-tally.ts";

interface WalkInit {
  store: Pick<Store, "identity" | "ledger">;
  now: number;
  /** Null: nothing is written. */
  write: { by: Origin; add: (entries: readonly LedgerEntry[]) => Promise<void> } | null;
  tell: (fault: Fault) => Promise<void>;
  onProgress: (done: number, total: number) => void;
}

interface Walk extends WalkInit {
  tally: Tally;
  /** Our ids of what old numbers name. */
  users: Map<number, string>;
  keys: Map<number, string>;
  /** By address, and by hash: what there is here, and what came in by this walk. */
  emails: Map<string, string>;
  hashes: Map<string, string>;
}

export async function walkLegacy(sources: readonly Legacy[], init: WalkInit): Promise<Tally> {
  const known = await init.store.identity.changes(null);
  const walk: Walk = {
    ...init,
    tally: makeTally(),
    users: new Map(),
    keys: new Map(),
    emails: new Map(known.users.filter(({ deleted }) => !deleted).map(({ email, id }) => [email, id])),
    hashes: new Map(known.keys.map(({ hash, id }) => [hash, id])),
  };
  const tables: readonly LegacyTable[] = ["users", "api_keys", "usage_entries"];
  let [done, total] = [0, 0];
  for (const source of sources) for (const table of tables) total += source.count(table);
  for (const table of tables) {
    for (const source of sources) {
      for (const rows of source.rows(table)) {
        await STEPS[table](walk, rows);
        done += rows.length;
        init.onProgress(done, total);
      }
    }
  }
  return walk.tally;
}

const STEPS = { api_keys: takeKeys, usage_entries: takeUsage, users: takeUsers } as const satisfies Record<
  LegacyTable,
  (walk: Walk, rows: readonly LegacyRow[]) => Promise<void>
>;

async function takeUsers(walk: Walk, rows: readonly LegacyRow[]): Promise<void> {
  const fresh: User[] = [];
  for (const row of rows) {
    await judge(walk, { table: "users", counts: walk.tally.users, row }, () => {
      if (isGone(row)) {
        walk.users.set(row.id, nameGone(row));
        return "gone";
      }
      const user = toUser(row);
      const there = walk.emails.get(user.email);
      walk.users.set(row.id, there ?? user.id);
      if (there !== undefined) return "there";
      walk.emails.set(user.email, user.id);
      fresh.push(user);
      return "taken";
    });
  }
  if (walk.write !== null) await walk.store.identity.createUsers(fresh, walk.write.by);
}

async function takeKeys(walk: Walk, rows: readonly LegacyRow[]): Promise<void> {
  const fresh: { key: ApiKey; hash: string }[] = [];
  for (const row of rows) {
    await judge(walk, { table: "api_keys", counts: walk.tally.keys, row }, () => {
      const owner = walk.users.get(Number(row["user_id"]));
      // Whose owner is gone is gone, too.
      if (isGone(row) || owner === undefined || owner.startsWith("legacy-")) {
        walk.keys.set(row.id, nameGone(row));
        return "gone";
      }
      const { key, hash, unknown } = toKey(row, owner);
      for (const scope of unknown) walk.tally.unknownScopes.add(scope);
      const there = walk.hashes.get(hash);
      walk.keys.set(row.id, there ?? key.id);
      if (there !== undefined) return "there";
      walk.hashes.set(hash, key.id);
      fresh.push({ key, hash });
      return "taken";
    });
  }
  const { write } = walk;
  if (write !== null) for (const record of fresh) await walk.store.identity.createKey(record, write.by);
}

async function takeUsage(walk: Walk, rows: readonly LegacyRow[]): Promise<void> {
  const entries: LedgerEntry[] = [];
  const { tally } = walk;
  for (const row of rows) {
    await judge(walk, { table: "usage_entries", counts: tally.usage, row }, () => {
      if (isGone(row)) return "gone";
      const [userId, keyId] = [row["user_id"], row["api_key_id"]].map(Number);
      const hasKey = row["api_key_id"] !== null && row["api_key_id"] !== undefined;
      const [user, key] = [walk.users.get(userId ?? 0), hasKey ? walk.keys.get(keyId ?? 0) : ""];
      const entry = toEntry(row, { user: user ?? `legacy-${userId}`, key: key ?? `legacy-${keyId}` });
      if (user === undefined || key === undefined) tally.orphans++;
      entries.push(entry);
      return null;
    });
  }
  const there = await walk.store.ledger.findIds(entries.map(({ id }) => id));
  const fresh = entries.filter(({ id }) => !there.has(id));
  tally.usage.there += entries.length - fresh.length;
  tally.usage.taken += fresh.length;
  for (const { freshInputTokens, outputTokens } of fresh) {
    tally.inputTokens += freshInputTokens ?? 0;
    tally.outputTokens += outputTokens ?? 0;
  }
  if (walk.write !== null && fresh.length > 0) await walk.write.add(fresh);
}

interface Judged {
  table: LegacyTable;
  counts: Counts;
  row: LegacyRow;
}

/** What is wrong with a row is told, and the next one is looked at. */
async function judge(
  { tell }: Walk,
  { table, counts, row }: Judged,
  decide: () => "gone" | "taken" | "there" | null,
): Promise<void> {
  counts.rows++;
  try {
    const verdict = decide();
    if (verdict !== null) counts[verdict]++;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    counts.refused++;
    await tell({ table, id: row.id, reason: error.message });
  }
}
