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

  const doors: Doors = {
    clock,
    rules,
    listDoors({ keyId, userId }) {
      const { perKey, perUser, total: all } = rules();
      const open = [{ gate: total, queueMs: all.queueMs }];
      if (perUser.atOnce !== null) open.unshift({ gate: users.find(userId), queueMs: perUser.queueMs });
      // Who is over its own limit takes no place from others while it waits.
      if (perKey.atOnce !== null) open.unshift({ gate: keys.find(keyId), queueMs: perKey.queueMs });
      return open;
    },
    findProvider,
    waits: (more) => (waiting += more),
    refuses: () => refused++,
  };
  return {
    open: (caller, signal) => new OpenStay(doors, caller, signal),
    figures: () => ({ running: total.running(), waiting, refused }),
  };
}

interface Door {
  gate: Gate;
  queueMs: number;
}

/** What all stays have in common. */
interface Doors extends AdmissionInit {
  listDoors(caller: Pick<Caller, "keyId" | "userId">): Door[];
  findProvider(name: string): Gate;
  waits(more: number): void;
  refuses(): void;
}

/** A class, for every request has one. */
class OpenStay implements Stay {
  readonly #doors: Doors;
  readonly #caller: Pick<Caller, "keyId" | "userId">;
  readonly #signal: Presence;
  readonly #held = new Set<() => void>();
  #isOver = false;
  /** Spent in queues, all together: nobody waits at each door as long as at one. */
  #waitedMs = 0;

  constructor(doors: Doors, caller: Pick<Caller, "keyId" | "userId">, signal: Presence) {
    this.#doors = doors;
    this.#caller = caller;
    this.#signal = signal;
  }

  enter(): Promise<void> | undefined {
    const open = this.#doors.listDoors(this.#caller);
    if (!open.every(({ gate }) => gate.entersAtOnce())) return this.#enterOneByOne(open);
    for (const { gate, queueMs } of open) void this.#pass(gate, queueMs);
    return undefined;
  }

  isFull(provider: string): boolean {
    return this.#doors.findProvider(provider).isFull();
  }

  visit(provider: string): (() => void) | Promise<() => void> {
    return this.#pass(this.#doors.findProvider(provider), this.#doors.rules().of(provider).queueMs);
  }

  /** A method would lose its stay where it is handed on. */
  readonly leave = (): void => {
    this.#isOver = true;
    for (const release of this.#held) release();
    this.#held.clear();
  };

  #hold(release: () => void): () => void {
    // Who left while a place came free has no use for it.
    if (this.#isOver) release();
    else this.#held.add(release);
    return () => {
      this.#held.delete(release);
      release();
    };
  }

  #pass(gate: Gate, queueMs: number): (() => void) | Promise<() => void> {
    const entered = gate.enter(this.#signal, queueMs - this.#waitedMs);
    return entered instanceof Promise ? this.#wait(entered) : this.#hold(entered);
  }

  async #wait(entering: Promise<() => void>): Promise<() => void> {
    const { clock, waits, refuses } = this.#doors;
    const startedMs = clock.monotonicMs();
    waits(1);
    try {
      return this.#hold(await entering);
    } catch (error) {
      if (error instanceof GatewayError && error.code === NO_ROOM) refuses();
      throw error;
    } finally {
      waits(-1);
      this.#waitedMs += clock.monotonicMs() - startedMs;
    }
  }

  async #enterOneByOne(open: readonly Door[]): Promise<void> {
    for (const { gate, queueMs } of open) await this.#pass(gate, queueMs);
  }
}

/** More than that are not remembered once nobody is behind them. */
const MAX_IDLE = 1_000;

/** One gate for each who comes; those behind which nobody is are forgotten when there are many. */
function createGates(make: (id: string) => Gate): { find(id: string): Gate } {
  const gates = new Map<string, Gate>();
  let most = MAX_IDLE;
  return {
    find(id) {
      let gate = gates.get(id);
      if (gate === undefined) {
        if (gates.size >= most) {
          forgetIdle(gates);
          // Where that left many, they are not all looked at again for the next one.
          most = Math.max(MAX_IDLE, gates.size * 2);
        }
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
