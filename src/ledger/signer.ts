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
  /** Rows up to and with this link are about to be removed: the signed word that says so. Must be kept before they are. */
  cut(link: Pick<ChainHead, "hash" | "seq">): void;
  /** Signs what is not signed yet, and nothing more after it. */
  stop(): void;
}

interface HeadSignerInit {
  key: SigningKey;
  clock: Clock;
  intervalMs: number;
  /** The last durable link. */
  position: () => ChainHead;
  /** Where the chain comes from, by its own word. */
  continues: string | null;
  /** The newest head of the chain that anybody remembers. */
  last: Pick<Head, "chain" | "reason" | "seq"> | null;
  keep: (head: Head) => void;
  /** A head that could not be kept is signed anew, later. */
  onFault: (error: unknown) => void;
}

export function createHeadSigner(init: HeadSignerInit): HeadSigner {
  let previous = init.last === null ? null : nameHead(init.last);
  let signedSeq = init.last?.seq ?? -1;
  let callOff: () => void = () => undefined;

  /** False where it could not be kept. */
  const sign = (link: ChainHead, reason: HeadReason): boolean => {
    const unsigned = { ...link, reason, previous, signedAt: new Date(init.clock.wallMs()) };
    try {
      init.keep(init.key.sign(unsigned, init.continues));
    } catch (error) {
      init.onFault(error);
      return false;
    }
    previous = nameHead(unsigned);
    signedSeq = Math.max(signedSeq, link.seq);
    return true;
  };

  const signNew = (reason: HeadReason): void => {
    const link = init.position();
    if (link.seq > signedSeq) sign(link, link.seq === 0 ? "start" : reason);
  };

  const arm = (): void => {
    callOff = init.clock.after(init.intervalMs, () => {
      signNew("interval");
      arm();
    });
  };

  signNew("crash");
  arm();
  return {
    cut({ seq, hash }) {
      if (!sign({ chain: init.position().chain, seq, hash }, "cut")) throw new Error("The cut could not be signed.");
    },
    stop() {
      callOff();
      signNew("shutdown");
    },
  };
}
