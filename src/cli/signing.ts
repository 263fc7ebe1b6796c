// Signs the books of a running gateway: keeps heads in the database, beside the key and off the machine. Knows no rule of signing.

import type { Config } from "../config/index.ts";
import {
  type ChainHead,
  createHeadSigner,
  type Head,
  type HeadSigner,
  nameHead,
  type SigningKey,
} from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Notifier } from "../notice/index.ts";
import type { OpenJournal } from "../store/index.ts";
import { createAnchors } from "./anchor.ts";
import { appendHead, placeHeads } from "./ledger/head-file.ts";
import type { Log } from "../telemetry/log.ts";

export interface Signing {
  /** Before rows are removed whose time is over, or hashes in them: the signed word that says so. Throws where it cannot be kept. */
  retire: HeadSigner["retire"];
  /** After the last row: signs it, and hands it to those who put it off the machine. */
  stop(): Promise<void>;
}

interface SigningInit {
  config: Pick<Config, "ledger">;
  key: SigningKey;
  books: Pick<OpenJournal, "continues" | "flush" | "head" | "keepHead" | "lastHead">;
  clock: Clock;
  notifier: Pick<Notifier, "deliver">;
  log: Log;
}

/** Rows that a crash left unsigned are signed when it resolves. */
export async function startSigning({ config, key, books, clock, notifier, log }: SigningInit): Promise<Signing> {
  const { keyFile, signIntervalMs } = config.ledger;
  const { continues } = books;
  const path = placeHeads(keyFile);
  const about = { name: "books", rows: "row", command: "tokligence ledger verify" };
  const anchors = createAnchors({ config: config.ledger, notifier, clock, about });

  const position = async (): Promise<ChainHead> => {
    await books.flush(FLUSH_MS);
    return books.head();
  };

  const signer = await createHeadSigner({
    key,
    clock,
    intervalMs: signIntervalMs,
    chain: books.head().chain,
    position,
    continues,
    last: books.lastHead,
    async keep(head) {
      // In this order: one that is in the file and not in the database would be taken for a removed one.
      await books.keepHead({ id: nameHead(head), ...head });
      keepBeside(path, head, continues, log);
      anchors.put(head, continues);
    },
    onFault: (error) => log.error("A head of the books could not be signed and kept; it is tried again", { error }),
  });
  return {
    retire: signer.retire,
    async stop() {
      await signer.stop();
      anchors.flush();
    },
  };
}

/** For rows on their way into the books; those that are late are signed the next time. */
const FLUSH_MS = 2_000;

/** The database has it; the file is one more witness. */
function keepBeside(path: string, head: Head, continues: string | null, log: Log): void {
  try {
    appendHead(path, head, continues);
  } catch (error) {
    log.error("A signed head could not be written beside the key", { path, error });
  }
}
