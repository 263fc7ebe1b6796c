// Puts signed heads off the machine: of each chain the newest, no more often than the operator wishes, and the last one at the stop. Knows no
// channel, and no rule of signing.

import type { Config } from "../config/index.ts";
import { type Head, printHead } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Notifier, Target } from "../notice/index.ts";

export interface Anchors {
  /** It was kept here: now it may go. */
  put(head: Head, continues: string | null): void;
  /** What waits for its interval goes now. */
  flush(): void;
}

interface AnchorInit {
  config: Pick<Config["ledger"], "anchorIntervalMs" | "anchors" | "signIntervalMs">;
  notifier: Pick<Notifier, "deliver">;
  clock: Clock;
  /** What the chains are of, for people, and the command that a head is kept for. */
  about: { name: string; rows: string; command: string };
}

/** Of one chain. */
interface Line {
  sentMs: number;
  /** The newest head that waits for its interval: it goes then, or at the stop, even where no other comes after it. */
  withheld: Kept | null;
  callOff: (() => void) | null;
}

interface Kept {
  head: Head;
  continues: string | null;
}

export function createAnchors({ config, notifier, clock, about }: AnchorInit): Anchors {
  const { anchors, anchorIntervalMs, signIntervalMs } = config;
  const lines = new Map<string, Line>();

  const send = ({ head, continues }: Kept): void =>
    notifier.deliver({
      subject: `Tokligence: signed head ${head.seq} of the ${about.name}`,
      text: describeHead(head, about),
      data: { ...printHead(head, continues) },
      level: "info",
    });

  const sendNewest = (line: Line, kept: Kept | null): void => {
    line.callOff?.();
    [line.callOff, line.withheld] = [null, null];
    if (kept === null) return;
    line.sentMs = clock.monotonicMs();
    send(kept);
  };

  const open = (chain: string): Line => {
    const line: Line = lines.get(chain) ?? { sentMs: Number.NEGATIVE_INFINITY, withheld: null, callOff: null };
    lines.set(chain, line);
    return line;
  };

  return {
    put(head, continues) {
      if (anchors.length === 0) return;
      const kept = { head, continues };
      // It is not the newest.
      if (head.reason === "cut" || head.reason === "forget") return send(kept);
      const line = open(head.chain);
      const restMs = head.reason === "interval" ? line.sentMs + anchorIntervalMs - clock.monotonicMs() : 0;
      if (restMs <= 0) return sendNewest(line, kept);
      line.withheld = kept;
      // If rows go on, there is a newer one by then.
      line.callOff ??= clock.after(restMs + signIntervalMs, () => sendNewest(line, line.withheld));
    },
    flush() {
      for (const line of lines.values()) sendNewest(line, line.withheld);
    },
  };
}

/** Where objects are named by the place alone, heads of another chain would take the names of the books' own. */
export function nameApart(targets: readonly Target[]): Target[] {
  return targets.map((target) =>
    target.kind === "object" && !target.url.includes("{chain}")
      ? { ...target, url: target.url.replaceAll("{seq}", "{chain}-{seq}") }
      : target,
  );
}

function describeHead({ chain, seq, hash, signedAt }: Head, { name, rows, command }: AnchorInit["about"]): string {
  return `At ${signedAt.toISOString()} chain ${chain} of the ${name} had come to ${rows} ${seq}, whose hash is ${hash === "" ? "empty, for it begins" : hash}.

Keep this: the attached data is signed, and proves later that nothing up to that ${rows} was altered or removed.

    ${command} --head notice.json
`;
}
