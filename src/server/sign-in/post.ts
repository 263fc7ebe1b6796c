// Links on their way by e-mail, none of which a request waits for: whoever asks is answered the same, as soon, whether an address is known or
// not, and whether the mail server is quick, slow or gone. Knows no HTTP.

import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../telemetry/log.ts";

/** Looks whether there is anything to be sent, and says how; null where nobody is to be sent anything. Both may reject, and are tried again. */
type Work = () => Promise<(() => Promise<void>) | null>;

export interface Post {
  /** At once, and nothing of it is done before the answer is out. */
  hand(work: Work): void;
  /** Resolves once nothing waits or is under way. */
  settled(): Promise<void>;
  /** Likewise, but waits no longer than that; nothing is begun or tried again any more. */
  close(graceMs: number): Promise<void>;
}

/** Mail servers take several at once; whoever knocks by the thousand fills no memory. */
const ABREAST = 4;
const MOST_PENDING = 500;
/** Between the answer and the first look at the address: by nothing that comes after it can be told what was found. */
const LEAST_MS = 20;
const SPREAD_MS = 200;
/**
 * A mail server that is away for a moment, or takes a stranger's mail only when he comes a second time, some minutes later: the browser waits for a
 * quarter of an hour.
 */
const AGAIN_MS = [5_000, 30_000, 120_000, 300_000] as const;
/** After such a pause the link is made anew: what the mail says of its time has to be so. */
const STALE_MS = 60_000;
/** From here on a server means it, as SMTP has it. https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1 */
const FIRST_FINAL_CODE = 500;

const LONGEST_MS = 60_000;

interface PostInit {
  clock: Pick<Clock, "after">;
  log: Log;
  /** From 0 to 1. */
  random: () => number;
}

interface Letter {
  work: Work;
  /** Once it is known: a second try soon afterwards sends the same. */
  send?: Awaited<ReturnType<Work>>;
  tries: number;
  /** It is sent, or given up. */
  done(): void;
}

export function createPost({ clock, log, random }: PostInit): Post {
  const waiting: Letter[] = [];
  const pending = new Set<Promise<void>>();
  let abreast = 0;
  let isClosed = false;

  /** A server that goes on saying something, and never takes it, gives its place to others. */
  const bound = async (sending: Promise<void>): Promise<void> => {
    const { promise, reject } = Promise.withResolvers<never>();
    const callOff = clock.after(LONGEST_MS, () => reject(new Error("the mail server did not take it in a minute")));
    try {
      await Promise.race([sending, promise]);
    } finally {
      callOff();
    }
  };

  const carry = async (letter: Letter): Promise<void> => {
    try {
      letter.send ??= await letter.work();
      if (letter.send !== null) await bound(letter.send());
    } catch (error) {
      const again = isClosed || isFinal(error) ? undefined : AGAIN_MS[letter.tries++];
      if (again !== undefined) {
        if (again > STALE_MS) delete letter.send;
        log.warn("A sign-in link could not be sent yet", { error, again_in_ms: again });
        // Meanwhile others have their turn.
        clock.after(again, () => enqueue(letter));
        return;
      }
      log.error("A sign-in link could not be sent; admin login-link makes one to hand over", { error });
    }
    letter.done();
  };

  const enqueue = (letter: Letter): void => {
    waiting.push(letter);
    next();
  };

  const next = (): void => {
    const letter = abreast < ABREAST ? waiting.shift() : undefined;
    if (letter === undefined) return;
    abreast++;
    void carry(letter).finally(() => {
      abreast--;
      next();
    });
  };

  const settled = async (): Promise<void> => {
    while (pending.size > 0) await Promise.all(pending);
  };

  return {
    hand(work) {
      if (isClosed) return;
      if (pending.size >= MOST_PENDING) {
        log.warn("Too many sign-in links wait for the mail server; one was not sent", { waiting: pending.size });
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      pending.add(promise);
      const done = (): void => {
        pending.delete(promise);
        resolve();
      };
      clock.after(LEAST_MS + random() * SPREAD_MS, () => enqueue({ work, tries: 0, done }));
    },
    settled,
    async close(graceMs) {
      isClosed = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, graceMs);
      await Promise.race([settled(), promise]);
      clearTimeout(timer);
    },
  };
}

/** What is no answer of a mail server, may pass. */
function isFinal(error: unknown): boolean {
  const { responseCode: code } = error as { responseCode?: unknown };
  return typeof code === "number" && code >= FIRST_FINAL_CODE;
}
