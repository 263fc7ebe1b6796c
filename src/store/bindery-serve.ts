// What a thread does that binds: obeys the one that started it, and tells it how far it has come. Knows no SQL.

import type { BookRules, Head } from "../ledger/index.ts";
import { type Bindery, type BinderyState, createBindery, explain, type Tiding } from "./bindery.ts";
import type { EngineOptions } from "./engine.ts";
import type { Place } from "./journal/disk.ts";
import { openDelivery } from "./open.ts";
import { type BinderInit, openBinder } from "./sqlite/binder.ts";

export interface BinderyOrder extends Pick<BinderInit, "checkpoints" | "durability" | "location"> {
  slot: number;
  chain: string;
  /** The database that rows go on to; null where the file is the ledger itself. */
  ledger: EngineOptions | null;
}

export type BinderyAsk =
  | { type: "adopt"; id: number }
  | { type: "close"; id: number; end: Place | null; limitMs: number; isSettled: boolean }
  | { type: "flush"; id: number; end: Place | null; limitMs: number }
  | { type: "keepHead"; id: number; head: Head & { id: string } }
  | { type: "guestLeaves"; id: number; slot: number; end: Place | null; isSettled: boolean }
  | { type: "guestWrote"; slot: number; end: Place }
  | { type: "open"; order: BinderyOrder }
  | { type: "wrote"; end: Place };

export type BinderyWord =
  | { type: "answer"; id: number; failure: string | null }
  | { type: "state"; state: BinderyState }
  | { type: "tiding"; tiding: Tiding };

export function serveBindery(self: Worker, rules: BookRules): void {
  let bindery: Bindery | null = null;
  const say = (word: BinderyWord): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    self.postMessage(word);
  };
  const answer = async (asked: Asked): Promise<void> => {
    const { id } = asked;
    try {
      if (bindery !== null) await obey(bindery, asked);
      say({ type: "answer", id, failure: null });
    } catch (error) {
      say({ type: "answer", id, failure: explain(error) });
    }
  };
  self.addEventListener("message", ({ data }: MessageEvent<BinderyAsk>) => {
    if (data.type === "open") bindery = open(data.order, rules, say);
    else if (data.type === "wrote") bindery?.wrote(data.end);
    else if (data.type === "guestWrote") bindery?.guestWrote(data.slot, data.end);
    else void answer(data);
  });
}

type Asked = Exclude<BinderyAsk, { type: "guestWrote" | "open" | "wrote" }>;

function open(
  { slot, chain, ledger, ...file }: BinderyOrder,
  rules: BookRules,
  say: (word: BinderyWord) => void,
): Bindery {
  const delivery = ledger === null ? null : openDelivery(ledger);
  const now = (): Date => new Date();
  const opened = createBindery({
    binder: openBinder({ ...file, rules, now }),
    slot,
    chain,
    deliver: delivery?.deliver ?? null,
    after(delayMs, action) {
      const timer = setTimeout(action, delayMs);
      return () => clearTimeout(timer);
    },
    now,
    onTiding: (tiding) => say({ type: "tiding", tiding }),
    onState: (state) => say({ type: "state", state }),
  });
  return {
    ...opened,
    async close(...asked: Parameters<typeof opened.close>) {
      await opened.close(...asked);
      await delivery?.close();
    },
  };
}

function obey(bindery: Bindery, ask: Asked): Promise<void> {
  switch (ask.type) {
    case "adopt":
      return bindery.adopt();
    case "close":
      return bindery.close(ask.end, ask.limitMs, ask.isSettled);
    case "flush":
      return bindery.flush(ask.end, ask.limitMs);
    case "guestLeaves":
      return bindery.guestLeaves(ask.slot, ask.end, ask.isSettled);
    case "keepHead":
      return bindery.keepHead(ask.head);
    default:
      return ask satisfies never;
  }
}
