// Keeps the price lists that are in force: a bundled one, and above it a file that may be renewed. A file that is bad or cannot be
// had never takes away the prices that were there before. Knows no disk and no network: both are given.

import { createHash } from "node:crypto";
import type { PriceFile, ReadPriceFile } from "./price-file.ts";
import type { PriceLayer } from "./price-tariff.ts";

export interface PriceSource {
  /** A path or an address; null: the bundled list alone. */
  file: string | null;
  publicKey: string | null;
}

export interface PriceKeeper {
  /** Those in force, the newest first. */
  layers(): readonly PriceLayer[];
  /** Looks at the file again. Rejects where it cannot be used; what was in force stays. Null where no file is configured. */
  refresh(): Promise<ReadPriceFile | null>;
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
  /** The fingerprint of what `current` was read from. */
  let known = "";

  const adopt = (read: ReadPriceFile | null): void => {
    current = read;
    init.onChange();
  };

  const refresh = async (): Promise<ReadPriceFile | null> => {
    const { file: location, publicKey } = source;
    if (location === null) {
      if (current !== null) adopt(null);
      return null;
    }
    const file = await init.read(location, publicKey !== null);
    const print = fingerprint(file, publicKey);
    // Read once, it is not read again before it changes.
    if (current !== null && print === known) return current;
    const read = await init.parse(file, publicKey);
    known = print;
    // First, for whoever is told of new prices may look there.
    await init.copy.save(file).catch((error: unknown) => {
      init.onFault("The price file could not be kept for the next start", error);
    });
    adopt(read);
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
        if (source.file === null) return;
        const kept = await init.copy.load(source.file);
        // Only of the same file, and checked as if it had come just now.
        if (kept === null || kept.location !== source.file) return;
        const { publicKey } = source;
        const read = await init.parse(kept, publicKey);
        if (current !== null) return;
        // The same file read again says nothing new.
        known = fingerprint(kept, publicKey);
        adopt(read);
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
