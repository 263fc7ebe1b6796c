// Keeps the price lists that are in force: a bundled one, and above it a file that may be renewed. A file that is bad or cannot be
// had never takes away the prices that were there before, nor does an old one that comes again. Knows no disk and no network: both are given.

import { createHash } from "node:crypto";
import { describePlace, type PriceFile, PriceFileError, type ReadPriceFile } from "./price-file.ts";
import type { PriceLayer } from "./price-tariff.ts";

export interface PriceSource {
  /** A path or an address; null: the bundled list alone. */
  file: string | null;
  publicKey: string | null;
}

export interface PriceKeeper {
  /** Those in force, the newest first. */
  layers(): readonly PriceLayer[];
  /**
   * Looks at the file again. Rejects where it cannot be used; what was in force stays. Null where no file is configured. `takesOlder`: a file is taken
   * although it is older than the one in use.
   */
  refresh(how?: { takesOlder?: boolean }): Promise<ReadPriceFile | null>;
  /** Another file or key. What came from the old one stays until the new one was read. */
  point(source: PriceSource): void;
  /** As `refresh`, but tells what is wrong and never rejects. */
  renew(): Promise<void>;
  /** The copy of the last good file, where there is one and nothing newer is in force. Never rejects. */
  recall(): Promise<void>;
}

interface PriceKeeperInit {
  /** In force beside the file; null where there is nothing but it. */
  bundled: PriceLayer | null;
  source: PriceSource;
  /** Checks a file and makes a layer of it. Rejects with a PriceFileError. */
  parse(file: PriceFile, publicKey: string | null): Promise<ReadPriceFile>;
  /** Reads the file, and its signature where one is asked for; rejects where it cannot. */
  read(location: string, isSigned: boolean): Promise<PriceFile>;
  /** The last good file, so that a restart does not lose it. */
  copy: { load(location: string): Promise<PriceFile | null>; save(file: PriceFile): Promise<void> };
  /** Told after the layers have changed. */
  onChange(): void;
  onFault(message: string, error: unknown): void;
}

export function createPriceKeeper(init: PriceKeeperInit): PriceKeeper {
  let { source } = init;
  let current: ReadPriceFile | null = null;
  /** What `current` was read from, and checked with. */
  let origin: PriceSource | null = null;
  /** The fingerprint of what `current` was read from. */
  let known = "";
  /** Whether the copy is of what was taken last, here or elsewhere. */
  let isCopied = true;

  const adopt = (read: ReadPriceFile | null, from: PriceSource): void => {
    current = read;
    origin = from;
    init.onChange();
  };

  /** A good signature does not say that a file is the latest one: who kept an old one with its own could serve it again. */
  const refuseOlder = async (read: ReadPriceFile, file: PriceFile, from: PriceSource): Promise<void> => {
    const isComparable = origin?.file === from.file && origin.publicKey === from.publicKey;
    const inUse = isComparable ? (current?.date ?? null) : null;
    // Days as they are written, 2026-12-31.
    if (inUse === null || (read.date !== null && read.date >= inUse)) return;
    // What has no date may be of any: whoever signs dates signs all of them, and of others it cannot be told.
    if (read.date === null && !read.isSigned) return;
    // By hand it was taken in another process, which left it there.
    const kept = isCopied ? await init.copy.load(file.location).catch(() => null) : null;
    if (kept !== null && Buffer.from(kept.bytes).equals(file.bytes)) return;
    const own = read.date === null ? "has no date" : `is of ${read.date}`;
    throw new PriceFileError(
      `The price file ${describePlace(file.location)} ${own}, and the one in use is of ${inUse}: prices are not set back by a file that is older. ` +
        "If they are to be: tokligence prices refresh --older",
    );
  };

  const refresh: PriceKeeper["refresh"] = async ({ takesOlder = false } = {}) => {
    const from = source;
    const { file: location, publicKey } = from;
    if (location === null) {
      if (current !== null) adopt(null, from);
      return null;
    }
    const file = await init.read(location, publicKey !== null);
    const print = fingerprint(file, publicKey);
    // Read once, it is not read again before it changes.
    if (current !== null && print === known) return current;
    const read = await init.parse(file, publicKey);
    if (!takesOlder) await refuseOlder(read, file, from);
    known = print;
    // First, for whoever is told of new prices may look there.
    isCopied = await init.copy.save(file).then(
      () => true,
      (error: unknown) => {
        init.onFault("The price file could not be kept for the next start", error);
        return false;
      },
    );
    adopt(read, from);
    return read;
  };

  return {
    layers: () => [current?.layer, init.bundled].filter((layer) => layer !== null && layer !== undefined),
    refresh,
    point(next) {
      source = next;
    },
    async renew() {
      try {
        await refresh();
      } catch (error) {
        init.onFault("The price file cannot be used; the prices before it stay in force", error);
      }
    },
    async recall() {
      try {
        const from = source;
        if (from.file === null) return;
        const kept = await init.copy.load(from.file);
        // Only of the same file, and checked as if it had come just now.
        if (kept === null || kept.location !== from.file) return;
        const { publicKey } = from;
        const read = await init.parse(kept, publicKey);
        if (current !== null) return;
        // The same file read again says nothing new.
        known = fingerprint(kept, publicKey);
        adopt(read, from);
      } catch (error) {
        init.onFault("The copy of the last good price file cannot be used", error);
      }
    },
  };
}

function fingerprint({ location, bytes, signature, modifiedAt }: PriceFile, publicKey: string | null): string {
  const hash = createHash("sha256")
    .update(bytes)
    .update(signature ?? "");
  return [location, publicKey ?? "", modifiedAt?.getTime() ?? "", hash.digest("base64url")].join("\n");
}
