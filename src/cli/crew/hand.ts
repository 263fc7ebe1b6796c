// A worker of a gateway: takes requests at the address that it shares with others, calls the providers and writes a journal of its own. What must be one
// for all it leaves to the office.

import { createCapture, openControls } from "../../gateway/index.ts";
import { systemClock } from "../../lib/clock.ts";
import { createApp, type Crew, openReading, type Pass } from "../../server/index.ts";
import { openStore } from "../../store/index.ts";
import { createMetrics } from "../../telemetry/metric.ts";
import {
  type DaemonInit,
  endCalls,
  openDeclared,
  openMemory,
  openPeople,
  openRing,
  openSettings,
  pickParts,
} from "../assemble.ts";
import { openShelf } from "../cache.ts";
import { listen } from "../listen.ts";
import { openPriceDesk } from "../price-desk.ts";
import { openRecounter } from "../recounter.ts";
import { restAfterWork } from "../rest.ts";
import { createReload } from "../reload.ts";
import { stopOnSignal } from "../stop.ts";
import { openWorkerBooks } from "./books.ts";
import { keepAtOffice, tellRuns } from "./door-answer.ts";
import { reserveAtOffice } from "./door-budget.ts";
import { countAtOffice, countTriesAtOffice, makeGatesAtOffice } from "./door-limit.ts";
import type { Enlisted } from "./enlist.ts";
import { createPulse } from "./pulse.ts";
import { createRelay, isRelayed, openRelay, type Relay } from "./relay.ts";
import { choosePeer, OFFICE } from "./turn.ts";
import type { Order, Report } from "./word.ts";

type WorkerInit = Omit<DaemonInit, "keepLine">;

type Foundation = Awaited<ReturnType<typeof openFoundation>>;

/** All that it works with. */
async function openFoundation({ log, loaded: { config } }: WorkerInit, { order, office }: Enlisted) {
  const clock = systemClock;
  const prices = await openPriceDesk(config, (message, error) => log.warn(message, { error }), true);
  await prices.open();
  const store = await openStore({ ...config, isServer: true });
  const ring = await openRing(store, log);
  const metrics = createMetrics();
  const books = await openWorkerBooks({ config, store, order, office, clock, log, metrics });
  const pulse = createPulse({ clock, log });
  const memory = tellRuns(openMemory(store, config, log, true), office);
  const shelf = config.cache.store === "memory" ? keepAtOffice(office, pulse) : await openShelf(config, { clock, log });
  const door = reserveAtOffice({ office, pulse, budgets: order.budgets });
  const gates = makeGatesAtOffice({ office, pulse, count: order.count, clock });
  const relay = createRelay(order.relay, { log, pulse });
  const [people, controls] = [openPeople(store, config, log), await openControls(store.controls)];
  const reading = openReading({ ...store, after: clock.after });
  const own = { people, controls, pulse, relay, door, gates, reading };
  return { prices, store, ring, metrics, books, memory, shelf, ...own };
}

/** What it has of the office. */
function joinOffice({ store, door, gates, pulse, relay, reading }: Foundation, { office, share }: Enlisted) {
  return {
    books: reading,
    budgets: door.budgets,
    budgetStore: store.budgets,
    share,
    counters: countAtOffice({ office, pulse, clock: systemClock }),
    crew: { ...joinCrew(relay), makeGate: gates.makeGate, isSilent: pulse.isSilent },
    tries: countTriesAtOffice({ office, pulse }),
  };
}

/** Resolves once it has served to its end. */
export async function serveAsWorker(init: WorkerInit, enlisted: Enlisted): Promise<void> {
  const { log, loaded } = init;
  const { config } = loaded;
  const { order, office, words } = enlisted;
  const clock = systemClock;
  let current = config;
  const foundation = await openFoundation(init, enlisted);
  const { prices, store, ring, metrics, books, memory, shelf, door, gates, pulse, relay, reading } = foundation;
  const { ledger } = books;
  const recounter = openRecounter(config, { store, ledger, log, countInput: (question) => app.countInput(question) });
  const capture = createCapture({
    isOn: () => current.ledger.capture,
    write: (payloads) => office.ask("capture", payloads),
    onFault: (error, lost) => log.warn("Captured text could not be kept", { error, calls: lost }),
  });
  const settings = openSettings(init, store, (isStart) => reload(isStart));
  const app = createApp({
    ...pickParts(init, { ...foundation, ledger }, () => current),
    ...joinOffice(foundation, enlisted),
    settings,
    capture,
    recounter,
  });
  const { reload } = createReload(init, {
    settings,
    current: () => current,
    apply(next) {
      app.reload(next);
      current = next;
    },
    async settled() {
      init.adopt(app.config());
      await prices.adopt(app.config());
    },
    // The office records it.
    changes: null,
    hide: store.changes.hide,
    effective: app.config,
  });
  await openDeclared(settings, app);
  const report = (): Report => ({
    tally: metrics.tally(),
    places: app.fleet.list(),
    keys: app.fleet.listKeys(),
    pending: ledger.pending(),
    nowMs: clock.monotonicMs(),
  });
  // So that little of what it counted is lost with it.
  pulse.start(() => office.ask("report", report()));
  Object.assign(words, {
    ...books.words,
    askReport: report,
    reload: () => void reload(false),
    readPrices: () => void prices.follow(),
    adoptFull: gates.adoptFull,
    adoptBudgets: door.adopt,
  });
  const own = openRelay(order.relay, order.index, app, log);
  const server = listen(app, config, log, {
    port: order.port,
    pass: passNamed({ relay, order, isOn: () => current.idempotency.isOn }),
  });
  ring.start();
  restAfterWork({ after: clock.after, isBusy: () => server.pendingRequests > 0 });
  const close = async (): Promise<void> => {
    prices.stop();
    await endCalls({ app, memory, shelf, ledger, recounter });
    await capture.drain();
    await own.stop();
    pulse.stop();
    await office.ask("report", report()).catch(() => undefined);
    await books.close();
    await ring.stop();
    await reading.close();
    await store.close();
    await init.closeLog();
  };
  const deadlineMs = (): number => current.timeouts.shutdownMs;
  const stopReloading = async (): Promise<void> => settings.stop();
  const stopped = stopOnSignal({ app, server, log, deadlineMs, close, stopReloading, onWord: enlisted.onStop });
  office.tell("ready");
  await stopped;
}

/** Calls that name themselves meet those of the same name. */
function passNamed({
  relay,
  order: { count, index },
  isOn,
}: {
  relay: Relay;
  order: Order;
  isOn: () => boolean;
}): Pass {
  return (request, listener) => {
    const peer = choosePeer(request, { isOn: isOn(), count });
    return peer === null || peer === index ? null : relay.pass(peer, request, listener);
  };
}

function joinCrew(relay: Relay): Crew {
  return {
    isOffice: false,
    pass: (_part, request, listener) => (isRelayed(listener) ? null : relay.pass(OFFICE, request, listener)),
    places: () => [],
    keys: () => [],
    pending: () => [],
    look: async () => undefined,
    count: () => 0,
  };
}
