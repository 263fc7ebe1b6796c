// Goes through the tables of old databases, a page at a time: first users, then their keys, then usage, which names both. Judges all, and writes
// where that is wanted. Knows no SQL.

import type { ApiKey, User } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import type { LedgerEntry, ReportQuery } from "../../ledger/index.ts";
import type { Origin } from "../../lib/change.ts";
import type { Store } from "../../store/index.ts";
import type { Legacy, LegacyRow, LegacyTable } from "../../store/sqlite/legacy.ts";
import type { Fault } from "./fault.ts";
import { IMPORTED, isGone, nameGone, refuseOrphan, refuseTwin, toEntry, toKey, toUser } from "./legacy.ts";
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
  /** Of who was deleted here, as what came before names him. */
  former: Map<number, string>;
  keys: Map<number, string>;
  /** Whose rows cannot be taken. */
  refused: Set<number>;
  /** By address, and by hash: what there is here, and what came in by this walk. */
  emails: Map<string, string>;
  hashes: Map<string, string>;
  /** By address: the row of the old file that has it. */
  rowsOf: Map<string, number>;
  summed: Summed;
  /** Ids that are taken here: of whom and what there is, and of what was deleted or revoked since it came. */
  there: { users: ReadonlySet<string>; keys: ReadonlySet<string> };
  ended: { users: ReadonlySet<string>; keys: ReadonlySet<string> };
}

/** Usage that has come before, also where its rows are gone by age by now: sums tell of it still. */
interface Summed {
  /** By whom the books name: so many rows, the first of which came first. */
  left: Map<string, number>;
  /** Rows from before this moment may be gone; null where none are. */
  removedBefore: Date | null;
}

export async function walkLegacy(sources: readonly Legacy[], init: WalkInit): Promise<Tally> {
  const known = await init.store.identity.changes(null);
  const ids = await init.store.identity.listIds();
  const there = { users: new Set(known.users.map(({ id }) => id)), keys: new Set(known.keys.map(({ id }) => id)) };
  const ended = {
    users: new Set(ids.users.filter((id) => !there.users.has(id))),
    keys: new Set(ids.keys.filter((id) => !there.keys.has(id))),
  };
  const walk: Walk = {
    ...init,
    tally: makeTally(),
    users: new Map(),
    former: new Map(),
    keys: new Map(),
    refused: new Set(),
    rowsOf: new Map(),
    summed: await readSummed(init.store.ledger),
    there,
    ended,
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

async function readSummed(ledger: Store["ledger"]): Promise<Summed> {
  const query: ReportQuery = { filter: { tags: [IMPORTED] }, by: ["user"], edges: [] };
  const { groups, rowsRemovedBefore: removedBefore } = await ledger.report(query);
  const left = new Map<string, number>();
  for (const { keys, sums } of groups) {
    const user = String(keys[0] ?? "");
    left.set(user, (left.get(user) ?? 0) + sums.requests);
  }
  return { left, removedBefore };
}

const STEPS = { api_keys: takeKeys, usage_entries: takeUsage, users: takeUsers } as const satisfies Record<
  LegacyTable,
  (walk: Walk, rows: readonly LegacyRow[]) => Promise<void>
>;

async function takeUsers(walk: Walk, rows: readonly LegacyRow[]): Promise<void> {
  const fresh: User[] = [];
  for (const row of rows) {
    const isGood = await judge(walk, { table: "users", counts: walk.tally.users, row }, () => {
      if (isGone(row)) {
        walk.users.set(row.id, nameGone(row));
        return "gone";
      }
      const user = toUser(row);
      const twin = walk.rowsOf.get(user.email);
      if (twin !== undefined) throw refuseTwin(twin);
      walk.rowsOf.set(user.email, row.id);
      const there = walk.emails.get(user.email) ?? (walk.there.users.has(user.id) ? user.id : undefined);
      // Whoever was deleted here stays so.
      const isEnded = there === undefined && walk.ended.users.has(user.id);
      walk.users.set(row.id, isEnded ? nameGone(row) : (there ?? user.id));
      if (isEnded) walk.former.set(row.id, user.id);
      if (isEnded) return "gone";
      if (there !== undefined) return "there";
      walk.emails.set(user.email, user.id);
      fresh.push(user);
      return "taken";
    });
    if (!isGood) walk.refused.add(row.id);
  }
  if (walk.write !== null) await walk.store.identity.createUsers(fresh, walk.write.by);
}

async function takeKeys(walk: Walk, rows: readonly LegacyRow[]): Promise<void> {
  const fresh: { key: ApiKey; hash: string }[] = [];
  for (const row of rows) {
    await judge(walk, { table: "api_keys", counts: walk.tally.keys, row }, () => {
      const number = Number(row["user_id"]);
      const owner = walk.users.get(number);
      walk.keys.set(row.id, nameGone(row));
      if (isGone(row)) return "gone";
      if (walk.refused.has(number)) throw refuseOrphan(number);
      if (owner === undefined) {
        walk.tally.orphanKeys.push(row.id);
        return "gone";
      }
      // Whose owner is gone is gone, too.
      if (owner.startsWith("legacy-")) return "gone";
      const { key, hash, unknown } = toKey(row, owner);
      for (const scope of unknown) walk.tally.unknownScopes.add(scope);
      const there = walk.hashes.get(hash) ?? (walk.there.keys.has(key.id) ? key.id : undefined);
      walk.keys.set(row.id, there ?? key.id);
      if (there !== undefined) return "there";
      // What was revoked or deleted here stays so.
      if (walk.ended.keys.has(key.id)) return "gone";
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
  /** Of each, under which names it may have come before. */
  const names = new Map<LedgerEntry, string[]>();
  const { tally } = walk;
  for (const row of rows) {
    await judge(walk, { table: "usage_entries", counts: tally.usage, row }, () => {
      if (isGone(row)) return "gone";
      const [userId, keyId] = [row["user_id"], row["api_key_id"]].map(Number);
      const hasKey = row["api_key_id"] !== null && row["api_key_id"] !== undefined;
      const [user, key] = [walk.users.get(userId ?? 0), hasKey ? walk.keys.get(keyId ?? 0) : ""];
      const owners = { user: user ?? `legacy-${userId}`, key: key ?? `legacy-${keyId}` };
      const entry = toEntry(row, owners, walk.now);
      if (user === undefined || key === undefined) tally.orphans++;
      entries.push(entry);
      names.set(entry, [walk.former.get(userId ?? 0) ?? entry.userId, entry.userId]);
      return null;
    });
  }
  const there = await walk.store.ledger.findIds(entries.map(({ id }) => id));
  const fresh = entries.filter(
    (entry) => !isSummed(walk.summed, entry, { names: names.get(entry) ?? [], isThere: there.has(entry.id) }),
  );
  const gone = entries.length - fresh.length - there.size;
  tally.removed += gone;
  tally.usage.there += there.size + gone;
  tally.usage.taken += fresh.length;
  for (const { freshInputTokens, outputTokens } of fresh) {
    tally.inputTokens += freshInputTokens ?? 0;
    tally.outputTokens += outputTokens ?? 0;
  }
  if (walk.write !== null && fresh.length > 0) await walk.write.add(fresh);
}

/** Whether it was taken before. */
function isSummed(
  { left, removedBefore }: Summed,
  { createdAt }: LedgerEntry,
  { names, isThere }: { names: readonly string[]; isThere: boolean },
): boolean {
  const name = names.find((each) => (left.get(each) ?? 0) > 0);
  if (name !== undefined) left.set(name, (left.get(name) ?? 0) - 1);
  return isThere || (name !== undefined && removedBefore !== null && createdAt < removedBefore);
}

interface Judged {
  table: LegacyTable;
  counts: Counts;
  row: LegacyRow;
}

/** What is wrong with a row is told, and the next one is looked at: false where it is. */
async function judge(
  { tell }: Walk,
  { table, counts, row }: Judged,
  decide: () => "gone" | "taken" | "there" | null,
): Promise<boolean> {
  counts.rows++;
  try {
    const verdict = decide();
    if (verdict !== null) counts[verdict]++;
    return true;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    counts.refused++;
    await tell({ table, id: row.id, reason: error.message });
    return false;
  }
}
