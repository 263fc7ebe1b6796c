// Who may come in, and who waits at the door: so many requests at once of a key, of a user and in all, and so many calls to a provider. Knows no
// format. What is counted is counted by this process alone, unless it is given gates at which others stand, too.

import type { Caller } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Presence } from "../presence.ts";
import { type Gate, type GateRules, type MakeGate, NO_ROOM, createGate } from "./gate.ts";

export interface CapRules {
  total: GateRules;
  perKey: GateRules;
  perUser: GateRules;
  /** Of the calls to one provider. */
  of(provider: string): GateRules;
}

/** A request from the door on. */
export interface Stay {
  /** Comes in; a promise where it has to wait. Rejects with `rate_limited`, `overloaded` or `cancelled`. */
  enter(): Promise<void> | undefined;
  /** Whether a call to this provider would have to wait. */
  isFull(provider: string): boolean;
  /** A place at a provider, to be given back with the call's end; else likewise. */
  visit(provider: string): (() => void) | Promise<() => void>;
  /** It is over: whatever it still has is given back. */
  leave(): void;
}

/** For whoever watches. */
export interface AdmissionFigures {
  /** Requests that have come in. */
  running: number;
  /** Those that wait, at whichever cap. */
  waiting: number;
  /** Those that were turned away so far: nobody was to wait any more, or they had waited in vain. */
  refused: number;
}

export interface Admission {
  open(caller: Pick<Caller, "keyId" | "userId">, signal: Presence): Stay;
  figures(): AdmissionFigures;
}

interface AdmissionInit {
  clock: Clock;
  rules: () => CapRules;
  /** Unless given, each counts here alone. */
  makeGate?: MakeGate | undefined;
}

export function createAdmission({ clock, rules, makeGate }: AdmissionInit): Admission {
  const make: MakeGate = makeGate ?? ((_id, name, ruled) => createGate(name, ruled, clock));
  const total = make("total", { who: "This gateway", kind: "overloaded" }, () => rules().total);
  const keys = createGates((id) =>
    make(`key ${id}`, { who: "This API key", kind: "rate_limited" }, () => rules().perKey),
  );
  const users = createGates((id) =>
    make(`user ${id}`, { who: "The owner of this API key", kind: "rate_limited" }, () => rules().perUser),
  );
  const providers = new Map<string, Gate>();
  let waiting = 0;
  let refused = 0;
  const findProvider = (name: string): Gate => {
    let gate = providers.get(name);
    if (gate === undefined) {
      gate = make(`provider ${name}`, { who: `Provider "${name}"`, kind: "overloaded" }, () => rules().of(name));
      providers.set(name, gate);
    }
    return gate;
  };

  return {
    open({ keyId, userId }, signal) {
      const held = new Set<() => void>();
      let isOver = false;
      /** Spent in queues, all together: nobody waits at each door as long as at one. */
      let waitedMs = 0;
      const hold = (release: () => void): (() => void) => {
        // Who left while a place came free has no use for it.
        if (isOver) release();
        else held.add(release);
        return () => {
          held.delete(release);
          release();
        };
      };
      const pass = (gate: Gate, queueMs: number): (() => void) | Promise<() => void> => {
        const entered = gate.enter(signal, queueMs - waitedMs);
        return entered instanceof Promise ? wait(entered) : hold(entered);
      };
      const wait = async (entering: Promise<() => void>): Promise<() => void> => {
        const startedMs = clock.monotonicMs();
        waiting++;
        try {
          return hold(await entering);
        } catch (error) {
          if (error instanceof GatewayError && error.code === NO_ROOM) refused++;
          throw error;
        } finally {
          waiting--;
          waitedMs += clock.monotonicMs() - startedMs;
        }
      };
      const listDoors = (): { gate: Gate; queueMs: number }[] => {
        const { perKey, perUser, total: all } = rules();
        const doors = [{ gate: total, queueMs: all.queueMs }];
        if (perUser.atOnce !== null) doors.unshift({ gate: users.find(userId), queueMs: perUser.queueMs });
        // Who is over its own limit takes no place from others while it waits.
        if (perKey.atOnce !== null) doors.unshift({ gate: keys.find(keyId), queueMs: perKey.queueMs });
        return doors;
      };
      return {
        enter() {
          const doors = listDoors();
          if (doors.every(({ gate }) => gate.entersAtOnce())) {
            for (const { gate, queueMs } of doors) void pass(gate, queueMs);
            return undefined;
          }
          return enterOneByOne(doors, pass);
        },
        isFull: (provider) => findProvider(provider).isFull(),
        visit: (provider) => pass(findProvider(provider), rules().of(provider).queueMs),
        leave() {
          isOver = true;
          for (const release of held) release();
          held.clear();
        },
      };
    },
    figures: () => ({ running: total.running(), waiting, refused }),
  };
}

async function enterOneByOne(
  doors: readonly { gate: Gate; queueMs: number }[],
  pass: (gate: Gate, queueMs: number) => (() => void) | Promise<() => void>,
): Promise<void> {
  for (const { gate, queueMs } of doors) await pass(gate, queueMs);
}

/** More than that are not remembered once nobody is behind them. */
const MAX_IDLE = 1_000;

/** One gate for each who comes; those behind which nobody is are forgotten when there are many. */
function createGates(make: (id: string) => Gate): { find(id: string): Gate } {
  const gates = new Map<string, Gate>();
  return {
    find(id) {
      let gate = gates.get(id);
      if (gate === undefined) {
        if (gates.size >= MAX_IDLE) forgetIdle(gates);
        gate = make(id);
        gates.set(id, gate);
      }
      return gate;
    },
  };
}

function forgetIdle(gates: Map<string, Gate>): void {
  for (const [id, gate] of gates) if (gate.running() === 0 && gate.waiting() === 0) gates.delete(id);
}
