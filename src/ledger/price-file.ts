// Reads a file of prices that somebody supplies: checks who signed it, and makes a layer of what it holds. Reads no disk and no network.

import { type KeyObject, createHash, createPublicKey, verify } from "node:crypto";
import { compactVerify } from "jose";
import { z } from "zod";
import { wordIssue } from "../lib/issue.ts";
import { createCatalog } from "./price-catalog.ts";
import { readVendors } from "./price-data.ts";
import { type PriceOverride, createOverrideLayer, joinPrices } from "./price-override.ts";
import { type Decimal, type PriceLayer, nameTier } from "./price-tariff.ts";

export interface PriceFile {
  /** As it was configured: a path or an address. */
  location: string;
  bytes: Uint8Array;
  /** What stands beside it under its name with `.sig`; null where there is nothing. */
  signature: Uint8Array | null;
  /** When it was last changed; null where nobody says. */
  modifiedAt: Date | null;
}

export interface ReadPriceFile {
  layer: PriceLayer;
  /** For people: how many models or prices it holds. */
  size: number;
  isSigned: boolean;
  /**
   * The day of which it says that it is, under the same signature as its prices where it has one; null where it says none, as the public list does
   * not. That has the days from which single prices hold, of which later lists take some back, and nothing else that only grows.
   */
  date: string | null;
}

/** Why a file is not believed: a sentence that is safe to show. */
export class PriceFileError extends Error {
  override readonly name = "PriceFileError";
}

/** Rejects with a PriceFileError for what is not signed as it must be, or is no file of prices. */
export async function readPriceFile(file: PriceFile, publicKey: string | null): Promise<ReadPriceFile> {
  const payload = publicKey === null ? file.bytes : await checkSignature(file, readPublicKey(publicKey));
  const place = describePlace(file.location);
  const json = parse(payload, `The price file ${place}`);
  try {
    const made = Array.isArray(json) ? makeCatalog(json, file, payload) : makeOverrides(json, file, payload);
    return { ...made, isSigned: publicKey !== null };
  } catch (error) {
    if (error instanceof RangeError)
      throw new PriceFileError(`The price file ${place} cannot be used: ${error.message}. ${FORM}`);
    throw error;
  }
}

const FORM =
  'A price file is {"prices": [{"model": "NAME", "input": 2.50, "output": 10.00}, …]}, in US dollars for a million tokens, or a list as genai-prices has it.';

/** For people: a path as it is, an address without what may be secret in it. */
export function describePlace(location: string): string {
  const url = /^https?:/iu.test(location) ? URL.parse(location) : null;
  return url === null ? location : `${url.origin}${url.pathname}`;
}

/** Throws a PriceFileError about what is named so. */
export function parse(payload: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw new PriceFileError(`${what} is not JSON.`);
  }
}

/** Where the first thing is that a schema has against a value, and what would do there: `prices[2].model: …`. */
export function explainShape({ issues: [issue] }: z.ZodError, top: string): string {
  if (issue === undefined) return `${top}: unreadable`;
  const place = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return `${place.replace(/^\./u, "") || top}: ${wordIssue(issue)}`;
}

type Made = Pick<ReadPriceFile, "date" | "layer" | "size">;

function makeCatalog(json: unknown, file: PriceFile, payload: Uint8Array): Made {
  const vendors = readVendors(json);
  const layer = createCatalog({ vendors, source: nameFile(file, payload), date: printDate(file.modifiedAt) });
  return { layer, size: vendors.reduce((sum, { models }) => sum + models.length, 0), date: null };
}

/** The file's own name, and the beginning of its hash: two files that differ are never taken for one. */
function nameFile({ location }: PriceFile, payload: Uint8Array): string {
  const base = location.split(/[?#]/u, 1)[0]?.split(/[/\\]/u).at(-1) ?? "";
  return `${base === "" ? "prices" : base}@${createHash("sha256").update(payload).digest("hex").slice(0, 12)}`;
}

const date = z.iso.date();
/** Characters: no list has more to say of a price, and whoever gives one out may have anything in mind. */
export const MAX_AMOUNT = 60;
const price = z.union([z.string().max(MAX_AMOUNT), z.number()]);
const row = z
  .object({
    name: z.string().optional(),
    model: z.string().min(1),
    provider: z.string().nullish(),
    tier: z.string().optional(),
    from: z.union([date, z.iso.datetime({ offset: true })]).nullish(),
    to: z.union([date, z.iso.datetime({ offset: true })]).nullish(),
  })
  .catchall(price);
const document = z.object({
  name: z
    .string()
    .regex(/^[\w.@-]{1,60}$/u)
    .optional(),
  /** The list's own date. */
  date: date.optional(),
  prices: z.array(row).min(1),
});

/** Prices one by one, as an operator's sections have them. */
function makeOverrides(json: unknown, file: PriceFile, payload: Uint8Array): Made {
  const read = document.safeParse(json, { reportInput: true });
  if (!read.success) throw new RangeError(explainShape(read.error, "the whole"));
  const { name, date: said = null, prices } = read.data;
  const day = said ?? printDate(file.modifiedAt);
  const source = name === undefined ? nameFile(file, payload) : `${name}@${day ?? "undated"}`;
  const overrides = prices.map(({ name: label, model, provider, tier, from, to, ...named }, index): PriceOverride => ({
    name: label ?? name ?? "file",
    model,
    provider: provider ?? null,
    tier: nameTier(tier),
    from: readDate(from),
    to: readDate(to),
    prices: joinAt(`prices[${index}]`, named),
  }));
  const layer = createOverrideLayer({ name: source, source, date: day, overrides });
  return { layer, size: overrides.length, date: said };
}

function joinAt(place: string, named: Record<string, Decimal>): PriceOverride["prices"] {
  try {
    return joinPrices(Object.entries(named));
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${place}: ${error.message}`, { cause: error });
    throw error;
  }
}

function readDate(text: string | null | undefined): Date | null {
  return text === null || text === undefined ? null : new Date(text);
}

function printDate(at: Date | null): string | null {
  return at === null ? null : at.toISOString().slice(0, 10);
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/u;
const SIGNATURE_BYTES = 64;

/** What was signed: the file itself, or what a signed envelope (a compact JWS) holds. */
async function checkSignature({ bytes, signature }: PriceFile, key: KeyObject): Promise<Uint8Array> {
  const text = Buffer.from(bytes).toString("latin1").trim();
  if (signature === null && !COMPACT.test(text)) {
    throw new PriceFileError("The price file is not signed: there is no signature beside it (.sig), and it is no JWS.");
  }
  const isGood = "The price file's signature is not by the configured key, or the file was changed since.";
  if (signature !== null) {
    const raw = readSignature(signature);
    if (raw === null || !verify(null, bytes, key, raw)) throw new PriceFileError(isGood);
    return bytes;
  }
  try {
    const { payload } = await compactVerify(text, key, { algorithms: ["EdDSA", "Ed25519"] });
    return payload;
  } catch (cause) {
    throw new PriceFileError(isGood, { cause });
  }
}

/** 64 bytes as they are, or in base64 of either kind. */
function readSignature(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length === SIGNATURE_BYTES) return bytes;
  const text = Buffer.from(bytes).toString("latin1").trim();
  const raw = Buffer.from(text, text.includes("-") || text.includes("_") ? "base64url" : "base64");
  return raw.length === SIGNATURE_BYTES ? raw : null;
}

const RAW_KEY_BYTES = 32;

/** PEM, JWK, or base64 of the 32 bytes. Throws a PriceFileError for anything else. */
export function readPublicKey(text: string): KeyObject {
  const key = makeKey(text.trim());
  if (key?.asymmetricKeyType === "ed25519") return key;
  throw new PriceFileError(
    "price_file_public_key is no Ed25519 public key: give it as PEM, JWK or base64 of its 32 bytes.",
  );
}

function makeKey(text: string): KeyObject | null {
  try {
    if (text.startsWith("-----BEGIN")) return createPublicKey(text);
    if (text.startsWith("{"))
      return createPublicKey({ key: JSON.parse(text) as Record<string, unknown>, format: "jwk" });
    const raw = Buffer.from(text, /[-_]/u.test(text) ? "base64url" : "base64");
    const x = raw.subarray(-RAW_KEY_BYTES).toString("base64url");
    if (raw.length < RAW_KEY_BYTES) return null;
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  } catch {
    return null;
  }
}
