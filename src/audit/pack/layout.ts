// What is in a pack: its files, its manifest and its seal. Knows neither how they are made nor how they are checked.

/** In the order in which they lie in the archive; keys come before the manifest, and only those that are needed. */
export const FILES = {
  heads: "heads.jsonl",
  identities: "identities.csv",
  manifest: "manifest.json",
  manifestSignature: "manifest.sig",
  prices: "prices.csv",
  proof: "proof.jsonl",
  readme: "README.txt",
  recounts: "recounts.jsonl",
  recountsCsv: "recounts.csv",
  rows: "rows.jsonl",
  rowsCsv: "rows.csv",
  seal: "seal.json",
  summaryCsv: "summary.csv",
  summaryHtml: "summary.html",
  usage: "usage.jsonl",
} as const satisfies Record<string, string>;

export const FORMAT = "tokligence-dispute-pack/1";

/** The public key of a gateway, as PEM. */
export function nameKeyFile(fingerprint: string): string {
  return `keys/${fingerprint}.pem`;
}

export function isKeyFile(name: string): boolean {
  return /^keys\/[0-9a-f]{64}\.pem$/u.test(name);
}

/** These are not listed in the manifest: they are about it. */
export const UNLISTED: readonly string[] = [FILES.manifest, FILES.manifestSignature, FILES.seal];

/** Sums over what of the rows concerns the pack's providers, corrections counted in. */
export interface PackTotals {
  calls: number;
  corrections: number;
  recounts: number;
  input_tokens: number;
  output_tokens: number;
  /** Exact, as text. */
  cost_nanos: string;
}

export interface ManifestChain {
  chain: string;
  /** Raw Ed25519, base64url: the key that signs its heads. */
  public_key: string;
  rows: number;
  recounts: number;
  /** Rows in between, of which only the digest is in the pack. */
  foreign: number;
  /** How far the pack attests the chain by itself, where no signed head of it comes after the last row. */
  end: { seq: number; hash: string } | null;
}

export interface Manifest {
  format: typeof FORMAT;
  /** Version of the program that wrote it. */
  writer: string;
  providers: string[];
  model: string | null;
  from: string;
  to: string;
  chains: ManifestChain[];
  totals: PackTotals;
  files: { name: string; bytes: number; sha256: string }[];
  notes: string[];
  /** Number of the printers that made the summary and the tables; earlier packs do not say. */
  printer?: number;
  /** What the units of each price of the summary cost, in its order: no row says. */
  rates?: (string | null)[];
  /** Of the gateway that wrote the pack: it signs this manifest and the seal. */
  public_key: string;
}

export interface Seal {
  format: typeof FORMAT;
  /** SHA-256 of all bytes of the archive before the seal, base64url. */
  archive: string;
  public_key: string;
}

/** First line of a stretch of a chain; then of each row in it the digest, or the hash where the pack shows it. */
export interface ProofSegment {
  chain: string;
  from: number;
  /** Place of the head; null where the manifest attests the end. */
  to: number | null;
  /** Hash of the row before `from`; empty where that is the first. */
  previous: string;
  /** Id of the head that signs its end; null where the manifest does. */
  head: string | null;
}
