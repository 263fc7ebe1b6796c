// What the office counts and holds for its workers: limits, caps, budgets, answers. What one of them held is free again when it is gone. Knows no process
// and no line.

import {
  type AnswerShelf,
  type Counters,
  createGate,
  type Gate,
  type GateRules,
  type Need,
} from "../../gateway/index.ts";
import type { Tries } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import type { Budgets, Reservation } from "../../ledger/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { OfficeWords } from "./word.ts";

/** What the office itself works with, and its workers through it. */
export interface DeskParts {
  budgets: Pick<Budgets, "book" | "reserve">;
  counters: Counters;
  tries: Tries;
  shelf: AnswerShelf | null;
}

type DeskWords = Pick<
  OfficeWords,
  | "adjust"
  | "book"
  | "countTry"
  | "enter"
  | "exit"
  | "findAnswer"
  | "forgiveTry"
  | "giveBack"
  | "keep"
  | "keepAnswer"
  | "reserve"
  | "settle"
  | "take"
>;

export interface Desk {
  /** For one worker, until it is gone. */
  open(): { words: DeskWords; clear(): void };
}

interface DeskInit {
  clock: Clock;
  parts: () => DeskParts;
  /** All places behind a gate are taken, or are no more. */
  tellFull: (gateId: string, isFull: boolean) => void;
}

export function createDesk({ clock, parts, tellFull }: DeskInit): Desk {
  const gates = createGates(clock, tellFull);
  return {
    open() {
      const slots: Need[] = [];
      let isGone = false;
      const reservations = new Map<number, Reservation>();
      const own = gates.open();
      return {
        words: {
          ...own.words,
          async take(needs) {
            const verdict = await parts().counters.take(needs);
            const taken = verdict.isTaken ? needs.filter(({ unit }) => unit === "slots") : [];
            if (isGone) for (const need of taken) parts().counters.leave(need);
            else slots.push(...taken);
            return verdict;
          },
          adjust: (seen, by, isShared) => parts().counters.adjust(seen, by, isShared),
          giveBack(need) {
            const index = slots.findIndex(({ limit, subject }) => limit === need.limit && subject === need.subject);
            if (index === -1) return;
            slots.splice(index, 1);
            parts().counters.leave(need);
          },
          countTry: (rule, subject) => parts().tries.count(rule, subject),
          forgiveTry: (rule, subject) => parts().tries.forgive(rule, subject),
          async reserve(ticket, facts, amount) {
            const made = await parts().budgets.reserve(facts, () => amount);
            if (made === null) return null;
            if (isGone) made.settle({ costNanos: 0, tokens: 0 });
            else reservations.set(ticket, made);
            return { headers: made.headers };
          },
          keep: (ticket, amount) => reservations.get(ticket)?.keep(amount),
          settle(ticket, amount) {
            reservations.get(ticket)?.settle(amount);
            reservations.delete(ticket);
          },
          book: (facts, amount) => parts().budgets.book(facts, amount),
          findAnswer: async (key) => (await parts().shelf?.get(key)) ?? null,
          keepAnswer: (key, answer, ttlMs) => parts().shelf?.put(key, answer, ttlMs),
        },
        clear() {
          isGone = true;
          own.clear();
          for (const need of slots.splice(0)) parts().counters.leave(need);
          for (const reservation of reservations.values()) reservation.settle({ costNanos: 0, tokens: 0 });
          reservations.clear();
        },
      };
    },
  };
}

interface Guarded {
  gate: Gate;
  rules: GateRules;
  wasFull: boolean;
}

/** More than that are not remembered once nobody is behind them. */
const MAX_IDLE = 1_000;

function createGates(clock: Clock, tellFull: DeskInit["tellFull"]) {
  const gates = new Map<string, Guarded>();

  const find = (id: string, name: Parameters<typeof createGate>[0], rules: GateRules): Guarded => {
    const known = gates.get(id);
    if (known !== undefined) return Object.assign(known, { rules });
    if (gates.size >= MAX_IDLE) {
      for (const [idle, { gate }] of gates) if (gate.running() + gate.waiting() === 0) gates.delete(idle);
    }
    const made: Guarded = { rules, wasFull: false, gate: createGate(name, () => made.rules, clock) };
    gates.set(id, made);
    return made;
  };

  const look = (id: string, guarded: Guarded): void => {
    const isFull = guarded.gate.isFull();
    if (isFull === guarded.wasFull) return;
    guarded.wasFull = isFull;
    tellFull(id, isFull);
  };

  return {
    open() {
      const places = new Map<number, { presence: AbortController; release: (() => void) | null }>();
      const exit = (ticket: number): void => {
        const place = places.get(ticket);
        places.delete(ticket);
        if (place?.release) place.release();
        else place?.presence.abort();
      };
      return {
        words: {
          exit,
          async enter(ticket, { id, name, rules, waitMs }) {
            const guarded = find(id, name, rules);
            const place = { presence: new AbortController(), release: null as (() => void) | null };
            places.set(ticket, place);
            try {
              const entering = guarded.gate.enter(place.presence.signal, waitMs);
              look(id, guarded);
              const leave = await entering;
              place.release = () => {
                leave();
                look(id, guarded);
              };
              // Who left while a place came free has no use for it.
              if (!places.has(ticket)) {
                place.release();
                throw new GatewayError({ kind: "cancelled", message: "The client closed the connection." });
              }
            } catch (error) {
              places.delete(ticket);
              throw error;
            } finally {
              look(id, guarded);
            }
          },
        } satisfies Pick<OfficeWords, "enter" | "exit">,
        clear() {
          for (const ticket of places.keys()) exit(ticket);
        },
      };
    },
  };
}
