// Text of calls for those who may look at it later, where the operator asked for it: collected up to a bound, and given away after the
// call is settled, so that nobody waits for it. Knows no SQL.

import type { Payload } from "../ledger/index.ts";
import type { Redact } from "../lib/redact.ts";

export interface Capture {
  isOn(): boolean;
  /**
   * Written when there is time, without the secrets that `redact` knows: a provider may repeat the key that it was asked with. What is too much
   * at once is not written at all.
   */
  keep(payload: Payload, redact: Redact): void;
}

/** Of each of the two texts. */
const MAX_LENGTH = 256 * 1024;
const CUT = "\n[cut here: what follows was not captured]";

/** The text of one body, as far as it is captured. */
export function collectText(): { add(piece: string | Uint8Array): void; text(): string | null } {
  const decoder = new TextDecoder();
  let text: string | null = null;
  let isCut = false;
  return {
    add(piece) {
      if (isCut) return;
      text = (text ?? "") + (typeof piece === "string" ? piece : decoder.decode(piece, { stream: true }));
      if (text.length <= MAX_LENGTH) return;
      text = text.slice(0, MAX_LENGTH).toWellFormed() + CUT;
      isCut = true;
    },
    text: () => text,
  };
}

interface CaptureInit {
  isOn: () => boolean;
  write: (payloads: readonly Payload[]) => Promise<void>;
  onFault: (error: unknown, lost: number) => void;
}

const MAX_WAITING_LENGTH = 32 * 1024 * 1024;
const MOST_AT_ONCE = 50;

/** `drain` resolves once nothing waits. */
export function createCapture({ isOn, write, onFault }: CaptureInit): Capture & { drain(): Promise<void> } {
  const waiting: { payload: Payload; redact: Redact }[] = [];
  let length = 0;
  let running: Promise<void> | null = null;

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const some = waiting.splice(0, MOST_AT_ONCE);
      for (const { payload } of some) length -= measure(payload);
      await write(some.map(clean)).catch((error: unknown) => onFault(error, some.length));
    }
    running = null;
  };

  return {
    isOn,
    keep(payload, redact) {
      if (length + measure(payload) > MAX_WAITING_LENGTH) {
        onFault(new Error("More text is captured than can be written."), 1);
        return;
      }
      length += measure(payload);
      waiting.push({ payload, redact });
      // After the caller is done, for looking through text takes a while.
      running ??= Promise.resolve().then(run);
    },
    drain: async () => running ?? undefined,
  };
}

function clean({ payload, redact }: { payload: Payload; redact: Redact }): Payload {
  const { request, response } = payload;
  return {
    ...payload,
    request: request === null ? null : redact(request),
    response: response === null ? null : redact(response),
  };
}

function measure({ request, response }: Payload): number {
  return (request?.length ?? 0) + (response?.length ?? 0);
}
