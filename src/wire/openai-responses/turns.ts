// Puts the items of a conversation in the order that other formats demand: results directly behind the turn that called for them. Knows no item.

import type { Message, Part, ToolResultPart } from "../../ir/index.ts";

export interface Turns {
  /** In order. */
  list(): Message[];
  /** Of anybody but the model. */
  say(message: Message): void;
  /** What the model said without a word between is one message. */
  answer(parts: Part[]): void;
  /**
   * Behind its call and the other results of that turn, also where a client said something in between; what a client says later of the same
   * call is more of its one result.
   */
  bring(result: ToolResultPart): void;
}

/** A message and the results behind it. */
interface Turn {
  head: Message | null;
  results: Message[];
  /** By the call's id, the first of each. */
  known: Map<string, ToolResultPart>;
}

/** `onNew` is told of each message that did not join another one. */
export function openTurns(onNew: (message: Message) => void): Turns {
  const turns: Turn[] = [];
  /** The last turn in which that call stands: conversations are long, and nobody looks through them for each result. */
  const byCall = new Map<string, Turn>();

  const open = (head: Message | null): Turn => {
    const turn: Turn = { head, results: [], known: new Map() };
    turns.push(turn);
    if (head !== null) onNew(head);
    return turn;
  };

  return {
    list: () => turns.flatMap(({ head, results }) => (head === null ? results : [head, ...results])),
    say: (message) => void open(message),
    answer(parts) {
      const last = turns.at(-1);
      const joins = last?.head?.role === "assistant" && last.results.length === 0;
      if (joins) for (const part of parts) last.head?.parts.push(part);
      const turn = joins ? last : open({ role: "assistant", parts });
      for (const part of parts) if (part.type === "tool-call") byCall.set(part.id, turn);
    },
    bring(result) {
      const called = byCall.get(result.callId);
      const known = called?.known.get(result.callId);
      if (known !== undefined) {
        for (const part of result.content) known.content.push(part);
        return;
      }
      const turn = called ?? turns.at(-1) ?? open(null);
      const message: Message = { role: "tool", parts: [result] };
      turn.results.push(message);
      if (!turn.known.has(result.callId)) turn.known.set(result.callId, result);
      onNew(message);
    },
  };
}
