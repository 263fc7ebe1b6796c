// The office of a gateway with several workers: it begins them, begins those anew that die, and does for all of them what must be done once. It takes no
// requests from outside itself; those that are its business workers pass on.

import { randomBytes } from "node:crypto";
import type { AnswerShelf, Counters, KeyState, News, OpenSharing, PlaceState } from "../../gateway/index.ts";
import { shiftParked, shiftPlace } from "../../gateway/index.ts";
import type { Tries } from "../../identity/index.ts";
import type { Budgets, Payload } from "../../ledger/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { App, Crew } from "../../server/index.ts";
import type { BinderyState } from "../../store/index.ts";
import type { Log } from "../../telemetry/log.ts";
import { joinTallies, keepGrown, type Tally } from "../../telemetry/tally.ts";
import type { Books } from "../books.ts";
import { CliError, EXIT, type ExitCode } from "../error.ts";
import { createDesk, type Desk } from "./desk.ts";
import { openNewsDesk } from "./news.ts";
import { createRelay, openRelay, type Relay } from "./relay.ts";
import { createPatience } from "./patience.ts";
import { beginSeat, type Seat } from "./seat.ts";
import type { OfficeWords, Report, Trouble } from "./word.ts";

/** What of the gateway the office works with, once it is there. */
export interface OfficeParts {
  app: Pick<App, "fetch" | "resume">;
  books: Pick<Books, "adopt" | "guestLeaves" | "guestWrote" | "origin">;
  budgets: Budgets;
  counters: Counters;
  tries: Tries;
  shelf: AnswerShelf | null;
  capture: (payloads: readonly Payload[]) => Promise<void>;
  listControls: Parameters<typeof openNewsDesk>[0]["listControls"];
  /** Keeps a worker's line of the log. */
  keepLine: (line: string) => void;
}

export interface Office {
  crew: Crew;
  /** As the gateway's own, and heard by all workers. */
  share: OpenSharing;
  /** For the books: how far the workers' journals have come, and how far they are bound. */
  askEnds(): Promise<void>;
  tellState(state: BinderyState): void;
  listTallies(): Promise<readonly Tally[]>;
  /** All serve when it resolves. Rejects with a CliError where one cannot begin; then all are gone. */
  open(parts: OfficeParts, port: number): Promise<void>;
  /** Resolves where workers die again and again, and none serves. */
  failed: Promise<void>;
  countWorkers(): number;
  tellBudgets(): void;
  reload(): void;
  readPrices(): void;
  /** They take no new calls, and end when theirs have. */
  drain(): void;
  /** Cuts what still runs; all are gone when it resolves, and what they left is on the books. */
  stop(): Promise<void>;
}

interface OfficeInit {
  count: number;
  clock: Clock;
  log: Log;
  /** The way to other gateways, where there is one. */
  outside: OpenSharing | undefined;
}

interface Worker {
  seat: Seat;
  desk: ReturnType<Desk["open"]>;
  slot: number | null;
  report: Report | null;
  /** By our clock. */
  reportedMs: number;
  runs: Set<string>;
  isServing: boolean;
  trouble: Trouble | null;
}

/** For an answer of a worker, of whom nothing is needed at once. */
const ANSWER_MS = 1_000;
/** For workers that were told to end at once. */
const CUT_MS = 15_000;

export function createOffice(init: OfficeInit): Office {
  const { clock, log } = init;
  const workers = new Map<number, Worker>();
  const relayPlan = {
    name: `tokligence-${process.pid}-${randomBytes(8).toString("hex")}`,
    token: randomBytes(32).toString("hex"),
  };
  const relay = createRelay(relayPlan, log);
  const patience = createPatience(clock);
  const failed = Promise.withResolvers<void>();
  /** What those counted that are gone. */
  let past: Tally | null = null;
  let given: OfficeParts | null = null;
  let port = 0;
  let isOpen = false;
  let isStopping = false;
  let toldBudgets = -1;
  let stopRelay: () => Promise<void> = async () => undefined;

  const parts = (): OfficeParts => {
    if (given === null) throw new Error("The office is not open yet.");
    return given;
  };
  const each = (work: (worker: Worker) => void, but: number | null = null): void => {
    for (const [index, worker] of workers) if (index !== but) work(worker);
  };
  const news = openNewsDesk({
    clock,
    outside: init.outside,
    spread: (said: News, but) => each(({ seat }) => seat.line.tell("hear", said), but),
    listControls: () => parts().listControls(),
  });
  const desk = createDesk({
    clock,
    parts,
    tellFull: (id, isFull) => each(({ seat }) => seat.line.tell("adoptFull", id, isFull)),
  });

  const accept = (worker: Worker, report: Report): void => {
    worker.report = report;
    worker.reportedMs = clock.monotonicMs();
  };

  const askAll = async (work: (worker: Worker) => Promise<void>): Promise<void> => {
    const all = [...workers.values()].map((worker) => work(worker).catch(() => undefined));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const callOff = clock.after(ANSWER_MS, resolve);
    await Promise.race([Promise.all(all), late]);
    callOff();
  };
  const look = (): Promise<void> => askAll(async (worker) => accept(worker, await worker.seat.line.ask("askReport")));

  const tellBudgets = (): void => {
    const { budgets } = parts();
    if (budgets.version() === toldBudgets) return;
    toldBudgets = budgets.version();
    each(({ seat }) => seat.line.tell("adoptBudgets", budgets.list()));
  };

  const offer = (worker: () => Worker, { index, ready }: { index: number; ready: () => void }): OfficeWords => {
    const { words } = worker().desk;
    return {
      ...words,
      enrol() {
        if (isStopping) throw new Error("The gateway is about to end.");
        return {
          index,
          count: init.count,
          port,
          origin: parts().books.origin,
          relay: relayPlan,
          news: news.list(),
          budgets: parts().budgets.list(),
        };
      },
      ready() {
        worker().isServing = true;
        // What changed while it began.
        worker().seat.line.tell("adoptBudgets", parts().budgets.list());
        ready();
      },
      failed(trouble) {
        worker().trouble = trouble;
      },
      report: (report) => accept(worker(), report),
      log: (line) => parts().keepLine(line),
      wrote(slot, end) {
        worker().slot = slot;
        parts().books.guestWrote(slot, end);
      },
      leave: (slot, end, isSettled) => parts().books.guestLeaves(slot, end, isSettled),
      capture: (payloads) => parts().capture(payloads),
      tellNews: (said) => news.hearFrom(index, said),
      began: (id) => void worker().runs.add(id),
      ended: (id) => void worker().runs.delete(id),
    };
  };

  /** Resolves once it serves, or is gone. */
  const begin = (index: number): Promise<Trouble | null> => {
    const { promise, resolve } = Promise.withResolvers<Trouble | null>();
    const own: { worker: Worker | null } = { worker: null };
    const get = (): Worker => {
      if (own.worker === null) throw new Error("The worker has not begun.");
      return own.worker;
    };
    const opened = desk.open();
    const words: Record<string, unknown> = {};
    const seat = beginSeat({
      index,
      offer: words as OfficeWords,
      onFault: (error) => log.error("A worker asked for what could not be done", { worker: index, error }),
    });
    const worker: Worker = {
      seat,
      desk: opened,
      slot: null,
      report: null,
      reportedMs: 0,
      runs: new Set(),
      isServing: false,
      trouble: null,
    };
    own.worker = worker;
    Object.assign(words, offer(get, { index, ready: () => resolve(null) }));
    workers.set(index, worker);
    patience.begins(index);
    void seat.exited.then(async (ending) => {
      const trouble = worker.trouble ?? {
        message: `Worker ${index} ended before it could serve (${ending.signal ?? `exit code ${ending.code}`}).`,
        hint: "The log says why.",
        exitCode: EXIT.failed,
      };
      await leave(worker);
      resolve(trouble);
      if (!isStopping && (worker.isServing || isOpen)) await replace(worker, { ...ending, trouble: worker.trouble });
    });
    return promise;
  };

  /** What it held is free, and what it left is on the books. */
  const leave = async (worker: Worker): Promise<void> => {
    const { index } = worker.seat;
    if (workers.get(index) === worker) workers.delete(index);
    worker.desk.clear();
    const grown = worker.report === null ? null : keepGrown(worker.report.tally);
    past = past === null || grown === null ? (past ?? grown) : joinTallies(past, grown);
    await parts()
      .books.adopt()
      .catch((error: unknown) =>
        log.error("What a worker left could not be put on the books yet", { worker: index, error }),
      );
    parts().budgets.reopen();
  };

  const replace = async (
    worker: Worker,
    ending: { code: number | null; signal: string | null; trouble: Trouble | null },
  ): Promise<void> => {
    const { index, pid } = worker.seat;
    const reason = ending.trouble?.message ?? ending.signal ?? `exit code ${ending.code}`;
    const others = [...workers.values()].filter(({ isServing }) => isServing).map(({ seat }) => seat.index);
    const waitMs = patience.ended(index, others);
    if (waitMs === null) {
      log.error("Workers end again and again, and none serves: the gateway stops", { worker: index, reason });
      failed.resolve();
      return;
    }
    const level = ending.code === EXIT.ok ? "info" : "error";
    log[level]("A worker ended; another one takes its place", { worker: index, pid, reason, in_ms: waitMs });
    void parts().app.resume();
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(waitMs, resolve);
    await promise;
    if (isStopping) return;
    const trouble = await begin(index);
    if (trouble === null) log.info("A worker serves in the place of the one that ended", { worker: index });
  };

  return {
    share: news.share,
    failed: failed.promise,
    crew: makeCrew({ workers, relay, look, past: () => past }),
    async askEnds() {
      await askAll(async ({ seat }) => {
        const told = await seat.line.ask("askEnd");
        if (told !== null) parts().books.guestWrote(told.slot, told.end);
      });
    },
    tellState: gather(clock, (state) => each(({ seat }) => seat.line.tell("adoptState", state))),
    async listTallies() {
      await look();
      return [...listReports(workers, ({ tally }) => [tally]), ...(past === null ? [] : [past])];
    },
    async open(opened, listenOn) {
      given = opened;
      port = listenOn;
      stopRelay = openRelay(relayPlan, 0, opened.app, log).stop;
      const indexes = Array.from({ length: init.count }, (_, position) => position + 1);
      const troubles = await Promise.all(indexes.map(begin));
      const trouble = troubles.find((each) => each !== null);
      // Who was told to stop meanwhile need not serve.
      if (trouble !== undefined && trouble !== null && !isStopping) {
        isStopping = true;
        await cutAll();
        throw new CliError(trouble.message, { exitCode: trouble.exitCode as ExitCode, hint: trouble.hint });
      }
      isOpen = true;
      tend();
    },
    countWorkers: () => workers.size,
    tellBudgets,
    reload: () => each(({ seat }) => seat.line.tell("reload")),
    readPrices: () => each(({ seat }) => seat.line.tell("readPrices")),
    drain() {
      isStopping = true;
      each(({ seat }) => seat.line.tell("stop"));
    },
    async stop() {
      isStopping = true;
      await cutAll();
      // Nobody is left who could ask, and a connection of one that was killed must not hold up the end.
      void stopRelay();
    },
  };

  /** Budgets change by the hands of others, too. */
  function tend(): void {
    clock.after(TEND_MS, () => {
      if (isStopping) return;
      tellBudgets();
      tend();
    });
  }

  async function cutAll(): Promise<void> {
    const all = [...workers.values()];
    for (const { seat } of all) seat.line.tell("cut");
    const callOff = clock.after(CUT_MS, () => {
      for (const { seat } of all) seat.kill();
    });
    await Promise.all(all.map(({ seat }) => seat.exited));
    callOff();
    await given?.books
      .adopt()
      .catch((error: unknown) => log.error("What workers left could not be put on the books", { error }));
  }
}

const TEND_MS = 200;

const GATHER_MS = 100;

/** The newest of what comes in a while: who binds tells of each step, and nobody needs to know all of them. */
function gather<Told>(clock: Pick<Clock, "after">, tell: (told: Told) => void): (told: Told) => void {
  let newest: { told: Told } | null = null;
  return (told) => {
    const isWaiting = newest !== null;
    newest = { told };
    if (isWaiting) return;
    clock.after(GATHER_MS, () => {
      const due = newest;
      newest = null;
      if (due !== null) tell(due.told);
    });
  };
}

type Workers = ReadonlyMap<number, Worker>;

/** `read` is told how far our clock is ahead of the worker's. */
function listReports<T>(workers: Workers, read: (report: Report, aheadMs: number) => readonly T[]): T[] {
  return [...workers.values()].flatMap(({ report, reportedMs }) =>
    report === null ? [] : read(report, reportedMs - report.nowMs),
  );
}

interface CrewInit extends Pick<Crew, "look"> {
  workers: Workers;
  relay: Relay;
  past: () => Tally | null;
}

function makeCrew({ workers, relay, past, ...own }: CrewInit): Crew {
  return {
    ...own,
    isOffice: true,
    pass(part, request, listener) {
      const maker = part === "kept" ? findMaker(workers, request.url) : null;
      return maker === null ? null : relay.pass(maker, request, listener);
    },
    places: () =>
      listReports(workers, ({ places }, aheadMs): PlaceState[] => places.map((place) => shiftPlace(place, aheadMs))),
    keys: () =>
      listReports(workers, ({ keys }, aheadMs): KeyState[] =>
        keys.map((key) => ({ ...key, parked: shiftParked(key.parked, aheadMs) })),
      ),
    pending: () => listReports(workers, ({ pending }) => pending),
    count(name) {
      const gauges = [...listReports(workers, ({ tally }) => tally.gauges), ...(past()?.gauges ?? [])];
      return gauges.reduce((sum, gauge) => sum + (gauge.name === name ? (gauge.value ?? 0) : 0), 0);
    },
  };
}

/** Who makes the kept answer that the address names; null where nobody does. */
function findMaker(workers: Workers, url: string): number | null {
  const pieces = new URL(url).pathname.split("/");
  for (const [index, { runs }] of workers) if (pieces.some((piece) => runs.has(piece))) return index;
  return null;
}
