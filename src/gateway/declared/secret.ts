// Credentials of providers that are set while the gateway runs: encrypted where they are kept, and bound to the provider, the field and the hosts that
// they were set for. Knows no file of keys and no SQL.

import { GatewayError } from "../../ir/index.ts";
import { type SealKey, type Sealed, seal, unseal } from "../../lib/seal.ts";

export interface SealedSecret extends Sealed {
  provider: string;
  /** As in a section of the configuration: `api_key`, `api_key.LABEL`, `header.NAME`, an option that is secret. */
  field: string;
  /** Scheme, host and port of each address that it may go to, separated by spaces. */
  boundTo: string;
  /** The last characters of one that is long enough; else nothing. */
  hint: string;
  setAt: Date;
  setBy: string;
}

/** As it is in memory; `text` is null where no key here opens it. */
export interface OpenSecret extends Omit<SealedSecret, "ciphertext" | "nonce"> {
  text: string | null;
}

/** Where the keys come from that all this is encrypted with. */
export interface SecretKeys {
  /** The newest first, which is the current one. */
  list(): SealKey[];
  /** Makes one where there is none. */
  current(): SealKey;
  /** Whether they are ours to change, and not the configuration's. */
  isOwn(): boolean;
  /** Makes a new current one; those before it go on opening. */
  begin(): SealKey;
  /** Forgets those that are older than this one. */
  forgetBehind(id: string): void;
}

type Subject = Pick<SealedSecret, "boundTo" | "field" | "provider">;

export async function sealSecret(
  key: SealKey,
  text: string,
  about: Omit<SealedSecret, keyof Sealed | "hint">,
): Promise<SealedSecret> {
  return { ...about, hint: makeHint(text), ...(await seal(key, text, describe(about))) };
}

export async function openSecret(keys: readonly SealKey[], sealed: SealedSecret): Promise<OpenSecret> {
  const { ciphertext, nonce, ...rest } = sealed;
  const key = keys.find(({ id }) => id === sealed.keyId);
  const text = key === undefined ? null : await unseal(key, { ciphertext, nonce }, describe(sealed));
  return { ...rest, text };
}

/** The same under another key. Throws where it cannot be opened. */
export async function resealSecret(
  keys: readonly SealKey[],
  key: SealKey,
  sealed: SealedSecret,
): Promise<SealedSecret> {
  const { text } = await openSecret(keys, sealed);
  if (text === null) {
    throw new GatewayError({
      kind: "internal",
      code: "secret_unreadable",
      message: `${sealed.field} of provider "${sealed.provider}" cannot be read: ${explainUnreadable(sealed, keys)}.`,
    });
  }
  return { ...sealed, ...(await seal(key, text, describe(sealed))) };
}

/** Why it does not open, and what to do: the end of a sentence. */
export function explainUnreadable({ keyId }: Pick<SealedSecret, "keyId">, keys: readonly SealKey[]): string {
  return keys.some(({ id }) => id === keyId)
    ? "it was altered where it is kept; set it again"
    : `it is encrypted with the key ${keyId}, which this gateway does not have; copy secret.key from where it was set, say it in secret_key, or set it again`;
}

/** What belongs together: of these none can be exchanged without the ciphertext being of no use any more. */
function describe({ provider, field, boundTo }: Subject): string {
  return JSON.stringify(["tokligence provider secret", provider, field, boundTo]);
}

const SHORTEST_HINTED = 16;
const HINT_LENGTH = 4;

/** Of a short one even the end would tell much, and of a whole file it tells nothing. */
function makeHint(text: string): string {
  return text.length < SHORTEST_HINTED || /\s/u.test(text) ? "" : text.slice(-HINT_LENGTH);
}
