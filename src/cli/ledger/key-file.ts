// The gateway's private key on disk: made once, read at each start, never overwritten. Nothing else of the program sees more of it than
// signatures. Knows no chain and no SQL.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { GatewayError } from "../../ir/index.ts";
import { encodeHead, fingerprint, type SigningKey, toRaw } from "../../ledger/index.ts";

/** Where there is none, it is made: folder 0700, file 0600. Throws a GatewayError that names the path, and nothing of the key. */
export function openKey(path: string): SigningKey & { isNew: boolean } {
  const found = readKey(path);
  if (found !== null) return { ...found, isNew: false };
  makeKey(path);
  const made = readKey(path);
  if (made === null) throw refuse(path, "it could not be made");
  return { ...made, isNew: true };
}

/** Null where there is none. */
export function readKey(path: string): SigningKey | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    // With another one a new chain would begin: it is there, and only kept from us.
    if (hasCode(error, "EACCES"))
      throw refuse(path, "it cannot be read (EACCES)", "Make it this user's own, for nobody else to read");
    throw refuse(path, `it cannot be read (${readCode(error)})`);
  }
  return toSigningKey(parse(path, text));
}

function parse(path: string, text: string): KeyObject {
  try {
    const key = text.trimStart().startsWith("{")
      ? createPrivateKey({ key: JSON.parse(text), format: "jwk" })
      : createPrivateKey(text);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // The parser's own words might quote the file.
  }
  throw refuse(path, "it holds no Ed25519 private key (PEM without a passphrase, or JWK)");
}

function toSigningKey(key: KeyObject): SigningKey {
  const publicKey = toRaw(createPublicKey(key));
  return {
    id: fingerprint(publicKey),
    publicKey,
    sign: (head, continues) => ({
      ...head,
      publicKey,
      signature: sign(null, Buffer.from(encodeHead(head, continues)), key).toString("base64url"),
    }),
    signText: (text) => sign(null, Buffer.from(text), key).toString("base64url"),
  };
}

/** Of two that start together one wins, and both read the same key afterwards. */
function makeKey(path: string): void {
  const draft = `${path}.${randomUUID()}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(draft, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx", flush: true });
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw refuse(path, `it could not be made (${readCode(error)})`);
  } finally {
    removeQuietly(draft);
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}

function refuse(
  path: string,
  reason: string,
  remedy = "Set ledger_key_file to another place, or put the right file there",
): GatewayError {
  return new GatewayError({
    kind: "not_configured",
    message: `The key of the books cannot be used: ${path}: ${reason}. ${remedy}.`,
  });
}

function hasCode(error: unknown, code: string): boolean {
  return readCode(error) === code;
}

function readCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown reason";
}
