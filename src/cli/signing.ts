// Signs the books of a running gateway: keeps heads in the database, beside the key and off the machine. Knows no rule of signing.

import type { Config } from "../config/index.ts";
import {
  type ChainHead,
  createHeadSigner,
  type Head,
  type HeadSigner,
  nameHead,
  printHead,
  type SigningKey,
} from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { createNotifier } from "../notice/index.ts";
import type { OpenJournal } from "../store/index.ts";
import { appendHead, placeHeads } from "./ledger/head-file.ts";
import type { Log } from "../telemetry/log.ts";

export interface Signing {
  /** Before rows are removed whose time is over, or hashes in them: the signed word that says so. Throws where it cannot be kept. */
  retire: HeadSigner["retire"];
  /** After the last row: signs it, and waits until it is off the machine, `limitMs` at most. */
  stop(limitMs: number): Promise<void>;
}

interface SigningInit {
  config: Pick<Config, "ledger" | "smtp">;
  key: SigningKey;
  books: Pick<OpenJournal, "continues" | "flush" | "head" | "keepHead" | "lastHead">;
  clock: Clock;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  log: Log;
}

/** Rows that a crash left unsigned are signed when it resolves. */
export async function startSigning({ config, key, books, clock, fetch, log }: SigningInit): Promise<Signing> {
  const { anchors, anchorIntervalMs, keyFile, signIntervalMs } = config.ledger;
  const { continues } = books;
  const path = placeHeads(keyFile);
  const notifier = createNotifier({ targets: anchors, smtp: config.smtp, clock, fetch, log });
  let anchoredMs = Number.NEGATIVE_INFINITY;
  /** The newest head that waits for its interval: it goes then, or at the stop, even where no other comes after it. */
  let withheld: Head | null = null;
  let callOff: (() => void) | null = null;

  const send = (head: Head): void =>
    notifier.deliver({
      subject: `Tokligence: signed head ${head.seq} of the books`,
      text: describeHead(head),
      data: { ...printHead(head, continues) },
      level: "info",
    });

  const sendNewest = (head: Head | null): void => {
    callOff?.();
    [callOff, withheld] = [null, null];
    if (head === null) return;
    anchoredMs = clock.monotonicMs();
    send(head);
  };

  const anchor = (head: Head): void => {
    if (anchors.length === 0) return;
    // It is not the newest.
    if (head.reason === "cut" || head.reason === "forget") return send(head);
    const restMs = head.reason === "interval" ? anchoredMs + anchorIntervalMs - clock.monotonicMs() : 0;
    if (restMs <= 0) return sendNewest(head);
    withheld = head;
    // If rows go on, there is a newer one by then.
    callOff ??= clock.after(restMs + signIntervalMs, () => sendNewest(withheld));
  };

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
      anchor(head);
    },
    onFault: (error) => log.error("A head of the books could not be signed and kept; it is tried again", { error }),
  });
  return {
    retire: signer.retire,
    async stop(limitMs) {
      await signer.stop();
      sendNewest(withheld);
      await notifier.stop(limitMs);
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

function describeHead({ chain, seq, hash, signedAt }: Head): string {
  return `At ${signedAt.toISOString()} chain ${chain} of the books had come to row ${seq}, whose hash is ${hash === "" ? "empty, for it begins" : hash}.

Keep this: the attached data is signed, and proves later that nothing up to that row was altered or removed.

    tokligence ledger verify --head notice.json
`;
}
