// Rate limits, caps and the count of tries to get in as a worker asks for them: the office counts for all. Knows no limit.

import {
  type Counters,
  createGate,
  createMemoryCounters,
  type Gate,
  type GateRules,
  type MakeGate,
  type Need,
  type Seen,
} from "../../gateway/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { GatewayError } from "../../ir/index.ts";
import { createMemoryTries, type Tries } from "../../identity/index.ts";
import type { Line } from "./line.ts";
import type { Pulse } from "./pulse.ts";
import { within } from "./within.ts";
import type { LimitVerdict, OfficeWords } from "./word.ts";

type Office = Pick<Line<OfficeWords>, "ask" | "tell">;

/** An office that does not answer by then is busy, and the worker counts by itself. */
const DEADLINE_MS = 1_000;

/** What stands between a worker and what it asks of the office. */
interface Desk {
  office: Office;
  pulse: Pick<Pulse, "heed" | "isSilent">;
}

export function countAtOffice({ office, pulse, clock }: Desk & { clock: Pick<Clock, "after"> }): Counters {
  const memory = createMemoryCounters();
  /** How many places this process alone gave, by limit and subject. */
  const own = new Map<string, number>();
  /** What this process alone counted, and the office knows nothing of. */
  const ownSeen = new WeakSet<Seen>();

  const countOwn = (need: Need, by: -1 | 1): void => {
    const name = nameSlot(need);
    const count = (own.get(name) ?? 0) + by;
    if (count > 0) own.set(name, count);
    else own.delete(name);
  };

  const giveBack = (needs: readonly Need[], verdict: LimitVerdict): void => {
    if (!verdict.isTaken) return;
    for (const [index, need] of needs.entries()) {
      const seen = verdict.seen[index];
      if (need.unit === "slots") office.tell("giveBack", need);
      else if (seen !== undefined) office.tell("adjust", seen, -need.amount, verdict.isShared);
    }
  };

  return {
    async take(needs) {
      if (!pulse.isSilent()) {
        const answer = office.ask("take", needs);
        const verdict = await within(answer, DEADLINE_MS, clock);
        if (verdict !== null) return verdict;
        // What comes too late was counted by us.
        answer.then((late) => giveBack(needs, late)).catch(() => undefined);
      }
      const decided = await memory.take(needs);
      if (decided.isTaken) for (const need of needs) if (need.unit === "slots") countOwn(need, 1);
      for (const seen of decided.seen) ownSeen.add(seen);
      return decided;
    },
    adjust(seen, by, isShared) {
      if (ownSeen.has(seen)) memory.adjust(seen, by, isShared);
      else office.tell("adjust", seen, by, isShared);
    },
    leave(need) {
      if (!own.has(nameSlot(need))) return office.tell("giveBack", need);
      countOwn(need, -1);
      memory.leave(need);
    },
    look: async () => [],
    keep: memory.keep,
    stop: memory.stop,
  };
}

function nameSlot({ limit, subject }: Need): string {
  return `${limit} ${subject}`;
}

/** While the office hangs, each worker counts by itself. */
export function countTriesAtOffice({ office, pulse }: Desk): Tries {
  const own = createMemoryTries();
  return {
    count: (rule, subject) =>
      pulse.heed(() => office.ask("countTry", rule, subject)).catch(() => own.count(rule, subject)),
    forgive: (rule, subject) =>
      pulse.heed(() => office.ask("forgiveTry", rule, subject)).catch(() => own.forgive(rule, subject)),
    stop: own.stop,
  };
}

/** From so many at once on each worker has its part: nobody asks the office for a place among thousands. */
const DIVIDED_FROM = 1_000;

export interface GateDoor {
  makeGate: MakeGate;
  /** What the office said of one. */
  adoptFull(id: string, isFull: boolean): void;
}

/** Places that are few are the office's to give; of many, each worker gives its part. */
export function makeGatesAtOffice({ office, pulse, count, clock }: Desk & { count: number; clock: Clock }): GateDoor {
  let lastTicket = 0;
  const full = new Set<string>();
  const makeGate: MakeGate = (id, name, rules) => {
    const divided = createGate(name, () => divide(rules(), count), clock);
    let held = 0;
    let waiting = 0;
    const isFew = (): boolean => isShared(rules());

    const ask = async (signal: Parameters<Gate["enter"]>[0], waitMs: number): Promise<() => void> => {
      const ticket = ++lastTicket;
      const leave = (): void => office.tell("exit", ticket);
      const gate = { id, name, rules: rules(), waitMs };
      const asked = pulse.heed(() => office.ask("enter", ticket, gate), leave);
      waiting++;
      await heed(asked, signal, leave).finally(() => waiting--);
      held++;
      let isOut = false;
      return () => {
        if (isOut) return;
        isOut = true;
        held--;
        leave();
      };
    };

    return {
      enter(signal, waitMs) {
        return isFew() ? ask(signal, Math.min(rules().queueMs, waitMs ?? Infinity)) : divided.enter(signal, waitMs);
      },
      isFull: () => (isFew() ? full.has(id) : divided.isFull()),
      entersAtOnce: () => !isFew() && divided.entersAtOnce(),
      running: () => held + divided.running(),
      waiting: () => waiting + divided.waiting(),
    } satisfies Gate;
  };
  return {
    makeGate,
    adoptFull(id, isFull) {
      if (isFull) full.add(id);
      else full.delete(id);
    },
  };
}

function isShared({ atOnce }: GateRules): boolean {
  return atOnce !== null && atOnce < DIVIDED_FROM;
}

function divide(rules: GateRules, count: number): GateRules {
  return rules.atOnce === null ? rules : { ...rules, atOnce: Math.ceil(rules.atOnce / count) };
}

/** Rejects at once where the caller leaves; the place that is then given is given back. */
async function heed(asked: Promise<void>, signal: Parameters<Gate["enter"]>[0], leave: () => void): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    leave();
    reject(new GatewayError({ kind: "cancelled", message: "The client closed the connection." }));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  asked.catch(() => undefined);
  try {
    await Promise.race([asked, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
