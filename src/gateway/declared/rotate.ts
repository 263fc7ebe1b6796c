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
  const first = keys.current();
  const all = await store.secrets();
  const resumed = all.some((each) => isOlder(keys, each, first.id));
  const key = resumed || !keys.isOwn() ? first : keys.begin();
  const unreadable = new Set(all.filter((each) => !isKnown(keys, each)).map(nameSecret));
  let exchanged = 0;
  // What others set meanwhile with the key before is found by looking again.
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const rows = (await store.secrets()).filter((each) => !unreadable.has(nameSecret(each)));
    // Another rotation may have begun behind this one: what it encrypted is newer, and stays.
    const old = rows.filter((each) => isOlder(keys, each, key.id));
    if (old.length === 0) break;
    for (const [index, sealed] of old.entries()) {
      progress(index, old.length);
      try {
        if (await store.exchange(sealed, await resealSecret(keys.list(), key, sealed), by)) exchanged++;
      } catch (error) {
        if (!(error instanceof GatewayError && error.code === "secret_unreadable")) throw error;
        unreadable.add(nameSecret(sealed));
      }
    }
    progress(old.length, old.length);
  }
  const isDone = (await store.secrets()).every(
    (each) => !isOlder(keys, each, key.id) || unreadable.has(nameSecret(each)),
  );
  if (keys.isOwn() && isDone) keys.forgetBehind(key.id);
  return { keyId: key.id, resumed, exchanged, unreadable: [...unreadable].toSorted() };
}

function isKnown(keys: SecretKeys, { keyId }: SealedSecret): boolean {
  return keys.list().some(({ id }) => id === keyId);
}

function isOlder(keys: SecretKeys, { keyId }: SealedSecret, than: string): boolean {
  const ids = keys.list().map(({ id }) => id);
  return ids.indexOf(keyId) > ids.indexOf(than);
}

function nameSecret({ provider, field }: SealedSecret): string {
  return `${provider}/${field}`;
}
