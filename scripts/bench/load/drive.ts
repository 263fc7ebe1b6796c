// Has connections ask by a pattern for some seconds, and takes down how long they waited: from when a request was due, so that what an answer keeps
// from being sent counts too. Knows no process.

import { readClockUs } from "../http/stamp.ts";
import { type Answer, type Connection, connect, printRequest } from "./connection.ts";
import { connectLeaving } from "./leave.ts";
import { type Samples, createSamples } from "./samples.ts";
import { openSleep } from "./sleep.ts";
import type { Aim, LoadResult, Pattern, Quantiles } from "./type.ts";
import { varyRequests } from "./vary.ts";

/** After the end: then whoever has not answered is taken to have failed. */
const PATIENCE_MS = 60_000;
const CONNECT_AT_ONCE = 64;

export interface Driver {
  measure(seconds: number): Promise<LoadResult>;
  close(): void;
}

interface Measurement {
  requests: number;
  errors: Record<string, number>;
  latency: Samples;
  first: Samples;
  piece: Samples;
  late: Samples;
  pieces: number;
  lastUs: number;
}

export async function openDriver(aim: Aim, pattern: Pattern): Promise<Driver> {
  const requests = varyRequests(printRequest(aim), aim.fills);
  let current = startMeasurement();
  let onFree: (connection: Connection) => void = () => undefined;
  const onAnswer = (connection: Connection, answer: Answer): void => {
    note(current, answer);
    onFree(connection);
  };
  const onPiece = (us: number): void => {
    current.pieces++;
    current.piece.add(us);
  };
  const open = async (): Promise<Connection> => {
    const given = { aim, next: requests.open(), onAnswer, onPiece };
    return aim.leaves === true ? connectLeaving(given) : connect(given);
  };
  const connections: Connection[] = [];
  while (connections.length < pattern.connections) {
    const count = Math.min(CONNECT_AT_ONCE, pattern.connections - connections.length);
    connections.push(...(await Promise.all(Array.from({ length: count }, open))));
  }
  return {
    async measure(seconds) {
      current = startMeasurement();
      // Who closed a connection between two rounds did no wrong; one that is gone is opened again.
      for (const [index, each] of connections.entries()) if (!each.isOpen()) connections[index] = await open();
      const startedUs = readClockUs();
      const flow = makeFlow(pattern, { connections, seconds, startedUs, late: current.late });
      const { wake, ended } = run(flow, seconds);
      onFree = (connection) => {
        flow.onFree(connection);
        wake();
      };
      wake();
      const unsent = await ended;
      onFree = () => undefined;
      const silent = connections.length - flow.free();
      if (silent > 0) current.errors["no answer"] = silent;
      return summarize(current, { startedUs, unsent });
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

function startMeasurement(): Measurement {
  return {
    requests: 0,
    errors: {},
    latency: createSamples(),
    first: createSamples(),
    piece: createSamples(),
    late: createSamples(),
    pieces: 0,
    lastUs: 0,
  };
}

function note(measurement: Measurement, { dueUs, firstUs, endUs, fault }: Answer): void {
  measurement.lastUs = endUs;
  if (fault !== null) {
    measurement.errors[fault] = (measurement.errors[fault] ?? 0) + 1;
    return;
  }
  measurement.requests++;
  measurement.latency.add(endUs - dueUs);
  if (firstUs > 0) measurement.first.add(firstUs - dueUs);
}

interface Flow {
  /** Sends what is due; of a loop, its beginning. */
  act(): void;
  onFree(connection: Connection): void;
  /** When `act` has something to do again; null: nothing until somebody is answered. */
  nextUs(): number | null;
  isOver(): boolean;
  free(): number;
  /** Nothing more is sent; how much was due. */
  stop(): number;
}

interface Ground {
  connections: readonly Connection[];
  seconds: number;
  startedUs: number;
  late: Samples;
}

function makeFlow(pattern: Pattern, ground: Ground): Flow {
  return pattern.kind === "closed" ? makeLoop(pattern, ground) : makeSchedule(pattern, ground);
}

function makeLoop(
  { requests }: Extract<Pattern, { kind: "closed" }>,
  { connections, seconds, startedUs }: Ground,
): Flow {
  const endUs = requests === undefined ? startedUs + seconds * 1e6 : Number.POSITIVE_INFINITY;
  const most = requests ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  let free = connections.length;
  let isBegun = false;
  let isStopped = false;
  return {
    act() {
      if (isBegun) return;
      isBegun = true;
      for (const connection of connections.slice(0, most)) {
        free--;
        sent++;
        connection.ask(readClockUs());
      }
    },
    onFree(connection) {
      const now = readClockUs();
      if (!isStopped && now < endUs && sent < most && connection.isOpen()) {
        sent++;
        connection.ask(now);
      } else free++;
    },
    nextUs: () => null,
    isOver: () => isBegun && free === connections.length,
    free: () => free,
    stop() {
      isStopped = true;
      return 0;
    },
  };
}

function makeSchedule(
  pattern: Exclude<Pattern, { kind: "closed" }>,
  { connections, seconds, startedUs, late }: Ground,
): Flow {
  const isOnce = pattern.kind === "once";
  const isInTurn = pattern.kind === "rate" && pattern.inTurn === true;
  const total = isOnce ? connections.length : Math.round(seconds * pattern.perSecond);
  const gapUs = isOnce ? (pattern.rampMs * 1e3) / total : 1e6 / pattern.perSecond;
  const endUs = startedUs + total * gapUs;
  const idle = [...connections];
  let open = connections.length;
  let sent = 0;
  let isStopped = false;
  const dueUs = (): number => startedUs + sent * gapUs;
  const pick = (): Connection | undefined => (isInTurn ? idle.shift() : idle.pop());
  /** Servers close connections on which nothing was asked for long: whoever asked there would wait for ever. */
  const takeOpen = (): Connection | undefined => {
    for (let next = pick(); next !== undefined; next = pick()) {
      if (next.isOpen()) return next;
      open--;
    }
    return undefined;
  };
  const act = (): void => {
    for (const now = readClockUs(); sent < total && !isStopped && dueUs() <= now; sent++) {
      const connection = takeOpen();
      if (connection === undefined) break;
      late.add(now - dueUs());
      connection.ask(dueUs());
    }
  };
  return {
    act,
    onFree(connection) {
      if (connection.isOpen()) idle.push(connection);
      else open--;
      act();
      // Whoever falls behind until the end does not keep up: what is due then is not sent any more.
      if (readClockUs() > endUs) isStopped = true;
    },
    nextUs: () => (isStopped || sent >= total || idle.length === 0 ? null : dueUs()),
    isOver: () => (isStopped || sent >= total || open === 0) && idle.length === open,
    free: () => idle.length + (connections.length - open),
    stop() {
      isStopped = true;
      return total - sent;
    },
  };
}

interface Run {
  /** To be told of after each answer. */
  wake(): void;
  /** Resolves when all is answered, or patience is at its end, with how many requests were due and not sent. */
  ended: Promise<number>;
}

/** Between what is due it sleeps; where nothing will be until somebody is answered, it is woken. */
function run(flow: Flow, seconds: number): Run {
  const sleep = openSleep();
  const { promise, resolve } = Promise.withResolvers<void>();
  const patience = setTimeout(resolve, seconds * 1e3 + PATIENCE_MS);
  let isAwake = false;
  const turn = (): void => {
    flow.act();
    if (flow.isOver()) resolve();
    const next = flow.nextUs();
    isAwake = next !== null;
    if (next === null) return;
    sleep?.(next - readClockUs());
    setImmediate(turn);
  };
  const wake = (): void => {
    if (flow.isOver()) resolve();
    else if (!isAwake) turn();
  };
  const ended = promise.then(() => {
    clearTimeout(patience);
    return flow.stop();
  });
  return { wake, ended };
}

function summarize(
  { requests, errors, latency, first, piece, late, pieces, lastUs }: Measurement,
  { startedUs, unsent }: { startedUs: number; unsent: number },
): LoadResult {
  const none: Quantiles = { count: 0, p50: Number.NaN, p90: Number.NaN, p99: Number.NaN, p999: Number.NaN };
  return {
    requests,
    errors,
    unsent,
    seconds: Math.max(1, lastUs - startedUs) / 1e6,
    latency: latency.quantiles() ?? none,
    first: first.quantiles(),
    piece: piece.quantiles(),
    pieces,
    late: late.quantiles(),
  };
}
