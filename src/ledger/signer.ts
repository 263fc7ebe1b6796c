// Signs the heads of one chain: when it begins, at intervals while rows come, after a crash, when rows are cut, and at the end.
// Knows no disk and no SQL; where heads are kept is somebody else's business.

import type { Clock } from "../lib/clock.ts";
import type { ChainHead } from "./chain.ts";
import { type Head, type HeadReason, nameHead, type Unsigned } from "./head.ts";

/** A private key that never leaves its holder. */
export interface SigningKey {
  /** Fingerprint of the public key: the gateway's id. */
  id: string;
  /** Raw, base64url. */
  publicKey: string;
  sign(head: Unsigned, continues: string | null): Head;
  /** Ed25519 over the text's UTF-8, base64url; for what is no head, and must not look like one. */
  signText(text: string): string;
}

export interface HeadSigner {
  /** Rows up to and with this link, of this chain or another, are about to be removed, or their hashes: the signed word that says so. Must be kept before they are. */
  retire(reason: "cut" | "forget", link: ChainHead): Promise<void>;
  /** Signs what is not signed yet, and nothing more after it. */
  stop(): Promise<void>;
}

/** For people: when what is not signed yet will be. */
export const SIGNED_WHEN =
  "a gateway signs every ledger_sign_interval (1m unless set), and at once when it is stopped or started";

interface HeadSignerInit {
  key: SigningKey;
  clock: Clock;
  intervalMs: number;
  chain: string;
  /** The last link that is in the books. */
  position: () => Promise<ChainHead>;
  /** Where the chain comes from, by its own word. */
  continues: string | null;
  /** The newest head of the chain that anybody remembers. */
  last: Pick<Head, "chain" | "reason" | "seq"> | null;
  keep: (head: Head) => Promise<void>;
  /** A head that could not be kept is signed anew, later. */
  onFault: (error: unknown) => void;
}

/** What a crash left unsigned is signed when it resolves. */
export async function createHeadSigner(init: HeadSignerInit): Promise<HeadSigner> {
  let previous = init.last === null ? null : nameHead(init.last);
  let signedSeq = init.last?.seq ?? -1;
  let callOff: () => void = () => undefined;
  let isStopped = false;
  let running: Promise<unknown> = Promise.resolve();

  /** One at a time, for each names the one before. */
  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const next = running.then(work);
    running = next.catch(() => undefined);
    return next;
  };

  /** False where it could not be kept. */
  const sign = async ({ chain, hash, seq }: ChainHead, reason: HeadReason): Promise<boolean> => {
    // Another chain's heads are another's to put in a row.
    const isOwn = chain === init.chain;
    const signedAt = new Date(init.clock.wallMs());
    const unsigned = { chain, hash, seq, reason, previous: isOwn ? previous : null, signedAt };
    try {
      await init.keep(init.key.sign(unsigned, init.continues));
    } catch (error) {
      init.onFault(error);
      return false;
    }
    if (!isOwn) return true;
    previous = nameHead(unsigned);
    signedSeq = Math.max(signedSeq, seq);
    return true;
  };

  const signNew = (reason: HeadReason): Promise<void> =>
    enqueue(async () => {
      const link = await init.position();
      if (link.seq > signedSeq) await sign(link, link.seq === 0 ? "start" : reason);
    });

  const arm = (): void => {
    callOff = init.clock.after(init.intervalMs, () => {
      void signNew("interval").then(() => {
        if (!isStopped) arm();
      });
    });
  };

  await signNew("crash");
  arm();
  return {
    async retire(reason, link) {
      const isKept = await enqueue(() => sign(link, reason));
      if (!isKept) throw new Error("What is to be removed could not be signed.");
    },
    stop() {
      isStopped = true;
      callOff();
      return signNew("shutdown");
    },
  };
}
