// Encrypts every credential anew: with a new key of our own, or with the one that the configuration has put first. Begun again, it goes on where it was broken
// off, for each row says what it is encrypted with. Knows no SQL and no file.

import { GatewayError } from "../../ir/index.ts";
import type { Origin } from "../../lib/change.ts";
import type { ProviderStore } from "./book.ts";
import { type SealedSecret, type SecretKeys, resealSecret } from "./secret.ts";

export interface Rotation {
  keyId: string;
  /** Whether one that was broken off was gone on with. */
  resumed: boolean;
  exchanged: number;
  /** `provider/field` of those that no key here opens. */
  unreadable: string[];
}

const MOST_ROUNDS = 5;

export async function rotateSecrets(
  { store, keys }: { store: Pick<ProviderStore, "exchange" | "secrets">; keys: SecretKeys },
  { by, progress }: { by: Origin | undefined; progress: (done: number, total: number) => void },
): Promise<Rotation> {
  // In this order, always: a key that others forget between the two would make of what was exchanged since something that nobody can read.
  const look = async (): Promise<Look> => ({ ids: keys.list().map(({ id }) => id), rows: await store.secrets() });
  const first = keys.current();
  const begun = await look();
  const resumed = listOlder(begun, first.id).length > 0;
  const key = resumed || !keys.isOwn() ? first : keys.begin();
  /** By name, as they were when they did not open. */
  const shut = new Map<string, SealedSecret>();
  const isShut = (row: SealedSecret): boolean => shut.get(nameSecret(row))?.nonce === row.nonce;
  let exchanged = 0;
  // What others set meanwhile with the key before is found by looking again.
  for (let round = 0; round < MOST_ROUNDS; round++) {
    // Another rotation may have begun behind this one: what it encrypted is newer, and stays.
    const old = listOlder(await look(), key.id).filter((row) => !isShut(row));
    if (old.length === 0) break;
    for (const [index, sealed] of old.entries()) {
      progress(index, old.length);
      try {
        if (await store.exchange(sealed, await resealSecret(keys.list(), key, sealed), by)) exchanged++;
      } catch (error) {
        if (!(error instanceof GatewayError && error.code === "secret_unreadable")) throw error;
        shut.set(nameSecret(sealed), sealed);
      }
    }
    progress(old.length, old.length);
  }
  const end = await look();
  if (keys.isOwn() && listOlder(end, key.id).every(isShut)) keys.forgetBehind(key.id);
  const known = new Set([...end.ids, ...keys.list().map(({ id }) => id)]);
  const unreadable = end.rows.filter((row) => isShut(row) || !known.has(row.keyId)).map(nameSecret);
  return { keyId: key.id, resumed, exchanged, unreadable: unreadable.toSorted() };
}

interface Look {
  ids: string[];
  /** No older than those. */
  rows: SealedSecret[];
}

/** None, where another rotation has done what this one was to do and forgotten its key. */
function listOlder({ ids, rows }: Look, than: string): SealedSecret[] {
  const place = ids.indexOf(than);
  return place === -1 ? [] : rows.filter(({ keyId }) => ids.indexOf(keyId) > place);
}

function nameSecret({ provider, field }: SealedSecret): string {
  return `${provider}/${field}`;
}
