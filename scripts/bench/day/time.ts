// Time that passes when it is told to, in the place of this process's own: its dates, its clock that never runs backwards and its timers, whoever asks for
// them, libraries too. Threads and sockets go by the real one. Knows nothing of what waits.

export interface SimulatedTime {
  nowMs(): number;
  /** How many timers are set. */
  pending(): number;
  /** Passes so much of it, and runs what falls due, in order; who is woken has a turn before time goes on. */
  pass(ms: number): Promise<void>;
  /** Real time again. */
  end(): void;
}

interface Timer {
  atMs: number;
  id: number;
  delayMs: number;
  everyMs: number | null;
  action: () => void;
  isSet: boolean;
}

/** What whoever sets a timer holds of it. */
class Handle {
  readonly timer: Timer;
  readonly #again: (timer: Timer) => void;
  constructor(timer: Timer, again: (timer: Timer) => void) {
    this.timer = timer;
    this.#again = again;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return false;
  }
  /** As long again as at first, from now on. */
  refresh(): this {
    this.#again(this.timer);
    return this;
  }
  close(): this {
    clearTimeout(this.timer.id);
    return this;
  }
  [Symbol.toPrimitive](): number {
    return this.timer.id;
  }
}

const real = {
  Date: globalThis.Date,
  clearInterval: globalThis.clearInterval,
  clearTimeout: globalThis.clearTimeout,
  now: performance.now.bind(performance),
  setInterval: globalThis.setInterval,
  setTimeout: globalThis.setTimeout,
};

/** So long, in real time. */
export function waitReally(ms: number): Promise<void> {
  return new Promise((resolve) => real.setTimeout(resolve, ms));
}

/** Turns of the event loop for those who are woken: what they begin may take several. */
const TURNS = 4;

export function simulateTime(startMs: number): SimulatedTime {
  let nowMs = startMs;
  let lastId = 0;
  const byId = new Map<number, Timer>();
  const queue = createQueue();

  const set = (action: () => void, delayMs: number | undefined, everyMs: number | null): Handle => {
    const own = { delayMs: Math.max(1, delayMs ?? 1), everyMs };
    const timer = { ...own, atMs: nowMs + own.delayMs, id: ++lastId, action, isSet: true };
    arm(timer);
    return new Handle(timer, refresh);
  };
  const arm = (timer: Timer): void => {
    timer.isSet = true;
    byId.set(timer.id, timer);
    queue.push({ atMs: timer.atMs, timer });
  };
  const refresh = (timer: Timer): void => {
    timer.atMs = nowMs + timer.delayMs;
    arm(timer);
  };
  const clear = (given: unknown): void => {
    const timer = given instanceof Handle ? given.timer : byId.get(Number(given));
    if (timer === undefined) {
      // It was set before.
      if (given !== undefined && given !== null) real.clearTimeout(given as number);
      return;
    }
    timer.isSet = false;
    byId.delete(timer.id);
  };
  const run = (timer: Timer): void => {
    if (timer.everyMs === null) {
      timer.isSet = false;
      byId.delete(timer.id);
    } else {
      timer.atMs = nowMs + timer.everyMs;
      arm(timer);
    }
    timer.action();
  };

  class SimulatedDate extends real.Date {
    constructor(...parts: [] | ConstructorParameters<typeof Date>) {
      if (parts.length === 0) super(nowMs);
      else super(...parts);
    }
    static override now(): number {
      return Math.floor(nowMs);
    }
    /** Threads give dates of the other kind. */
    static override [Symbol.hasInstance](value: unknown): boolean {
      return Object.prototype.toString.call(value) === "[object Date]";
    }
  }
  const bind = (action: (...given: unknown[]) => void, given: unknown[]): (() => void) =>
    given.length === 0 ? action : () => action(...given);
  Object.assign(globalThis, {
    Date: SimulatedDate,
    clearInterval: clear,
    clearTimeout: clear,
    setInterval: (action: () => void, ms?: number, ...given: unknown[]) => set(bind(action, given), ms, ms ?? 1),
    setTimeout: (action: () => void, ms?: number, ...given: unknown[]) => set(bind(action, given), ms, null),
  });
  performance.now = () => nowMs - startMs;

  return {
    nowMs: () => nowMs,
    pending: () => byId.size,
    async pass(ms) {
      const untilMs = nowMs + ms;
      for (let next = queue.first(); next !== null && next.atMs <= untilMs; next = queue.first()) {
        queue.pop();
        const { atMs, timer } = next;
        // It was called off, or put off.
        if (!timer.isSet || timer.atMs !== atMs) continue;
        nowMs = Math.max(nowMs, atMs);
        run(timer);
        for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = untilMs;
    },
    end() {
      const { now, ...globals } = real;
      Object.assign(globalThis, globals);
      performance.now = now;
    },
  };
}

interface Due {
  atMs: number;
  timer: Timer;
}

/** A heap: what falls due first is on top. https://en.wikipedia.org/wiki/Binary_heap */
function createQueue() {
  const heap: Due[] = [];
  const isBefore = (left: number, right: number): boolean => {
    const [one, other] = [heap[left], heap[right]];
    if (one === undefined || other === undefined) return one !== undefined;
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.timer.id < other.timer.id);
  };
  const swap = (left: number, right: number): void => {
    const [one, other] = [heap[left], heap[right]];
    if (one !== undefined && other !== undefined) [heap[left], heap[right]] = [other, one];
  };
  return {
    first: (): Due | null => heap[0] ?? null,
    push(due: Due): void {
      let at = heap.push(due) - 1;
      for (let up = (at - 1) >> 1; at > 0 && isBefore(at, up); at = up, up = (at - 1) >> 1) swap(at, up);
    },
    pop(): void {
      swap(0, heap.length - 1);
      heap.pop();
      for (let at = 0; ;) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        const least = isBefore(right, left) ? right : left;
        if (!isBefore(least, at)) return;
        swap(at, least);
        at = least;
      }
    },
  };
}
