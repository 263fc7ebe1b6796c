// The office of a gateway with several workers: the doors at which they have done what must be done once for all of them, and through which it tells
// them what all must know. It takes no requests from outside itself; those that are its business workers pass on. Knows no process.

import { randomBytes } from "node:crypto";
import type { AnswerShelf, Counters, News, OpenSharing } from "../../gateway/index.ts";
import type { Tries } from "../../identity/index.ts";
import type { Budgets, Payload } from "../../ledger/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { App, Crew } from "../../server/index.ts";
import type { BinderyState } from "../../store/index.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Gauge } from "../../telemetry/metric.ts";
import { joinTallies, keepGrown, type Tally } from "../../telemetry/tally.ts";
import type { Books } from "../books.ts";
import { createDesk } from "./desk.ts";
import { gather } from "./gather.ts";
import { openNewsDesk } from "./news.ts";
import { createRelay, openRelay } from "./relay.ts";
import type { BeginSeat } from "./seat.ts";
import { makeCrew, type Told } from "./sight.ts";
import { type Host, openWatch } from "./watch.ts";
import { within } from "./within.ts";
import type { Order } from "./word.ts";

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
  /** Resolves where workers die again and again, and none serves for long. */
  failed: Promise<void>;
  countWorkers(): number;
  /** How many there are to be. */
  size: number;
  gauges: readonly Gauge[];
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
  beginSeat: BeginSeat;
}

/** One worker, as the office has it. */
type Guest = Host & Told;

/** For the books, when all workers are gone. */
const ADOPT_MS = 10_000;
/** Budgets change by the hands of others, too. */
const TEND_MS = 200;

export function createOffice(init: OfficeInit): Office {
  const { clock, log } = init;
  const relayPlan = {
    name: `tokligence-${process.pid}-${randomBytes(8).toString("hex")}`,
    token: randomBytes(32).toString("hex"),
  };
  const relay = createRelay(relayPlan, { log });
  /** What those counted that are gone. */
  let past: Tally | null = null;
  let given: OfficeParts | null = null;
  let port = 0;
  let toldBudgets = -1;
  let isTelling = false;
  /** How often workers were told to read what lies in files again. */
  const told = { reload: 0, readPrices: 0 };
  let stopRelay: () => Promise<void> = async () => undefined;

  const parts = (): OfficeParts => {
    if (given === null) throw new Error("The office is not open yet.");
    return given;
  };
  const news = openNewsDesk({
    clock,
    outside: init.outside,
    spread: (said: News, but) => watch.each((line) => line.tell("hear", said), but),
    listControls: () => parts().listControls(),
  });
  const desk = createDesk({
    clock,
    parts,
    tellFull: (id, isFull) => watch.each((line) => line.tell("adoptFull", id, isFull)),
  });
  const enrol = (index: number): Order => {
    if (watch.isStopping()) throw new Error("The gateway is about to end.");
    const { books, budgets } = parts();
    const { origin } = books;
    return { index, count: init.count, port, origin, relay: relayPlan, news: news.list(), budgets: budgets.list() };
  };
  const accept = (guest: Told, report: NonNullable<Told["report"]>): void => {
    guest.report = report;
    guest.reportedMs = clock.monotonicMs();
  };
  const adopt = async (why: string, facts: Record<string, unknown> = {}): Promise<void> => {
    await given?.books.adopt().catch((error: unknown) => log.error(why, { ...facts, error }));
  };

  const tellToRead = (word: keyof typeof told): void => {
    told[word]++;
    watch.each((line) => line.tell(word));
  };

  const host = (index: number): Guest => {
    const opened = desk.open();
    const runs = new Set<string>();
    let known = { ...told };
    const guest: Guest = {
      report: null,
      reportedMs: 0,
      runs,
      words: {
        ...opened.words,
        enrol() {
          known = { ...told };
          return enrol(index);
        },
        report: (report) => accept(guest, report),
        log: (text) => parts().keepLine(text),
        wrote: (slot, end) => parts().books.guestWrote(slot, end),
        leave: (slot, end, isSettled) => parts().books.guestLeaves(slot, end, isSettled),
        capture: (payloads) => parts().capture(payloads),
        tellNews: (said) => news.hearFrom(index, said),
        began: (id) => void runs.add(id),
        ended: (id) => void runs.delete(id),
      },
      /** What changed while it began: it could do nothing then of what it was told. */
      serves(line) {
        for (const word of ["reload", "readPrices"] as const) if (known[word] !== told[word]) line.tell(word);
        void tellBudgets(true);
      },
      /** What it held is free, and what it left is on the books. */
      async leaves() {
        opened.clear();
        const grown = guest.report === null ? null : keepGrown(guest.report.tally);
        past = past === null || grown === null ? (past ?? grown) : joinTallies(past, grown);
        await adopt("What a worker left could not be put on the books yet", { worker: index });
        parts().budgets.reopen();
      },
    };
    return guest;
  };
  const watch = openWatch<Guest>({ ...init, host, onLoss: () => void parts().app.resume() });
  const look = (): Promise<void> => watch.askAll(async (line, guest) => accept(guest, await line.ask("askReport")));
  const { tallies, ...crew } = makeCrew({ workers: watch.hosts, relay, look, past: () => past });

  /**
   * Workers book at the office what a budget concerns that they know of. Once all know the same, what they wrote before, and did not book, is read from the rows.
   */
  const tellBudgets = async (isNew = false): Promise<void> => {
    const { budgets } = parts();
    if (isNew) toldBudgets = -1;
    if (isTelling || budgets.version() === toldBudgets) return;
    isTelling = true;
    toldBudgets = budgets.version();
    let isLate = false;
    await watch.askAll(async (line) => {
      await line.ask("adoptBudgets", budgets.list());
      // Until now it booked by what it knew before.
      if (isLate) budgets.reopen();
    });
    isLate = true;
    isTelling = false;
    budgets.reopen();
  };
  const tend = (): void => {
    clock.after(TEND_MS, () => {
      if (watch.isStopping()) return;
      void tellBudgets();
      tend();
    });
  };

  return {
    share: news.share,
    failed: watch.failed,
    crew,
    askEnds: () =>
      watch.askAll(async (line) => {
        const told = await line.ask("askEnd");
        if (told !== null) parts().books.guestWrote(told.slot, told.end);
      }),
    tellState: gather(clock, (state) => watch.each((line) => line.tell("adoptState", state))),
    async listTallies() {
      await look();
      return tallies();
    },
    async open(opened, listenOn) {
      given = opened;
      port = listenOn;
      stopRelay = openRelay(relayPlan, 0, opened.app, log).stop;
      await watch.open();
      tend();
    },
    countWorkers: () => watch.hosts().size,
    size: init.count,
    gauges: [
      {
        name: "tokligence_workers",
        about: "Processes that serve the address",
        read: () => watch.count().serving,
      },
      {
        name: "tokligence_workers_ended_total",
        about: "Such processes that ended or hung, and were replaced",
        isCounter: true,
        read: () => watch.count().ended,
      },
    ],
    tellBudgets: () => void tellBudgets(),
    reload: () => tellToRead("reload"),
    readPrices: () => tellToRead("readPrices"),
    drain: watch.drain,
    async stop() {
      await watch.stop();
      await within(adopt("What workers left could not be put on the books"), ADOPT_MS, clock);
      // Nobody is left who could ask, and a connection of one that was killed must not hold up the end.
      void stopRelay();
    },
  };
}
