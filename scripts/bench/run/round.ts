// One peer under one scenario for some seconds: how long its callers waited, what it took of the machine, and whether its books have exactly one row
// for each request that was answered. Knows no other round.

import { DIALECTS } from "../dialect/index.ts";
import type { Talker } from "../http/talk.ts";
import type { Aim, LoadResult, Pattern } from "../load/type.ts";
import type { Script } from "../mock/script.ts";
import type { RunningPeer } from "../peer/type.ts";
import type { Scenario } from "../scenario/type.ts";
import {
  type CpuReading,
  type MachineTime,
  type ThreadSpent,
  countConnections,
  listGroup,
  readCpu,
  readMachineTime,
  readRssBytes,
  spendByThread,
  spendCpuUs,
} from "./proc.ts";

export interface Round extends LoadResult {
  /** What the peer took for a request, and for a piece of a stream; NaN where it runs elsewhere. Microseconds. */
  cpuUs: number;
  pieceCpuUs: number;
  /** The same by threads, for a request. */
  threads: readonly ThreadSpent[];
  /** How many of the load's connections each of its processes took. */
  connections: ReadonlyMap<number, number>;
  /** What the load and the provider took for a request: what the bench itself costs. Microseconds. */
  loadUs: number;
  upstreamUs: number;
  /** How much of one processor each took while it was measured. */
  busy: { peer: number; load: number; upstream: number };
  /** How many processors were at work for others meanwhile, and how many this machine was denied: what it takes to believe a figure. */
  foreign: { others: number; stolen: number };
  /** The most that was seen; NaN where it runs elsewhere. */
  rssBytes: number;
  /** Requests that were answered and have no row; below 0: rows of no such request. Null where there are no books. */
  missingRows: number | null;
  /** Calls that came to the provider beyond, or short of, those that were answered. */
  strayCalls: number;
}

interface Bench {
  load: Talker;
  mock: Talker;
}

interface Given extends Bench {
  peer: RunningPeer;
  scenario: Scenario;
  seconds: number;
  /** Of asking before anything is measured. */
  warmSeconds: number;
  settleMs: number;
}

const SAMPLE_MS = 200;
const QUIET_MS = 50;
/** Less than this much of a processor is what any server takes that has nothing to do. */
const QUIET_SHARE = 0.04;

type Trial = Omit<Given, "seconds" | "warmSeconds">;

/** Who cannot do it at all says so here, with one request. Null: it can. */
export async function tryOnce({ load, mock, peer, scenario, settleMs }: Trial): Promise<string | null> {
  await follow(mock, { ...scenario, answer: soften(scenario.answer) });
  const rowsBefore = (await peer.countRows?.()) ?? 0;
  const aim = makeAim(peer, { ...scenario, answer: soften(scenario.answer) });
  if (!(await open(load, aim, { kind: "once", connections: 1, rampMs: 0 }))) return "cannot be reached";
  const result = await load.ask<LoadResult>({ measure: { seconds: 1 } });
  await load.ask({ close: true });
  const fault = Object.keys(result.errors)[0] ?? (result.requests === 1 ? null : "no answer");
  // Its row must not be taken for one of those that are measured.
  if (fault === null && peer.countRows !== null) await awaitRows(peer.countRows, rowsBefore + 1, settleMs);
  return fault;
}

/** Whether somebody is there. */
function open(load: Talker, aim: Aim, pattern: Pattern): Promise<boolean> {
  return load.ask({ open: { aim, pattern } }).then(
    () => true,
    () => false,
  );
}

/** Asks for so long, and waits until it has nothing more to do; what comes of it does not matter. */
export async function warm({
  load,
  mock,
  peer,
  scenario,
  seconds,
  settleMs,
}: Omit<Given, "warmSeconds">): Promise<void> {
  await follow(mock, scenario);
  const rowsBefore = (await peer.countRows?.()) ?? 0;
  if (!(await open(load, makeAim(peer, scenario), scenario.pattern))) return;
  const { requests } = await load.ask<LoadResult>({ measure: { seconds } });
  await load.ask({ close: true });
  await settle(peer.pid === null ? [] : listGroup(peer.pid), settleMs);
  if (peer.countRows !== null) await awaitRows(peer.countRows, rowsBefore + requests, settleMs);
}

/** Whether it can is not a question of pace. */
function soften(answer: Script["answer"]): Script["answer"] {
  return answer.kind === "stream" ? { ...answer, gapMs: 0 } : answer;
}

export async function measureRound(given: Given): Promise<Round> {
  const { load, mock, peer, scenario, seconds, warmSeconds, settleMs } = given;
  await follow(mock, scenario);
  const rowsBefore = (await peer.countRows?.()) ?? 0;
  const callsBefore = await countCalls(mock);
  await load.ask({ open: { aim: makeAim(peer, scenario), pattern: scenario.pattern } });
  // Streams that are all open at once are warm after the first of them.
  const warm =
    scenario.pattern.kind === "once" ? null : await load.ask<LoadResult>({ measure: { seconds: warmSeconds } });
  const pids = peer.pid === null ? [] : listGroup(peer.pid);
  await settle(pids, settleMs);
  const before = readAll(given, pids);
  let rssBytes = 0;
  const sample = (): void => void (rssBytes = Math.max(rssBytes, readRssBytes(pids)));
  const timer = setInterval(sample, SAMPLE_MS);
  const result = await load.ask<LoadResult>({ measure: { seconds } });
  const during = readAll(given, pids);
  sample();
  clearInterval(timer);
  const connections = countConnections(pids, makeAim(peer, scenario).port);
  await load.ask({ close: true });
  await settle(pids, settleMs);
  const answered = result.requests + (warm?.requests ?? 0);
  const expected = rowsBefore + answered;
  const missingRows = peer.countRows === null ? null : await awaitRows(peer.countRows, expected, settleMs);
  const after = readAll(given, pids);
  const threads = peer.pid === null ? [] : spendByThread({ before: before.peer, after: after.peer }, peer.pid);
  const calls = (await countCalls(mock)) - callsBefore;
  const [inTime, inAll] = [spendAll(before, during), spendAll(before, after)];
  const share = (role: keyof Spent): number => inTime[role] / (result.seconds * 1e6);
  const perRequest = (role: keyof Spent): number => inAll[role] / result.requests;
  const cpuUs = pids.length === 0 ? Number.NaN : perRequest("peer");
  return {
    ...result,
    errors: add(result.errors, warm?.errors ?? {}),
    cpuUs,
    pieceCpuUs: result.pieces === 0 ? Number.NaN : (cpuUs * result.requests) / result.pieces,
    threads: threads.map((each) => ({ ...each, cpuUs: each.cpuUs / result.requests })),
    connections,
    loadUs: perRequest("load"),
    upstreamUs: perRequest("upstream"),
    busy: { peer: share("peer"), load: share("load"), upstream: share("upstream") },
    foreign: { others: share("others"), stolen: share("stolen") },
    rssBytes: pids.length === 0 ? Number.NaN : rssBytes,
    missingRows,
    strayCalls: calls - (scenario.upstream === "loopback" ? 0 : answered),
  };
}

function follow(mock: Talker, { model, answer, delayMs = 0 }: Scenario): Promise<unknown> {
  const script: Script = { model, delayMs, answer };
  return mock.ask({ script });
}

async function countCalls(mock: Talker): Promise<number> {
  return (await mock.ask<{ calls: number }>({})).calls;
}

function makeAim(peer: RunningPeer, { client, upstream, model, models, bytes, answer }: Scenario): Aim {
  const dialect = DIALECTS[client];
  const isStream = answer.kind === "stream";
  const question = { model, bytes, stream: isStream };
  const {
    hostname,
    port,
    headers,
    prefix = "",
    fills = [],
  } = peer.address({
    client,
    upstream: upstream === "loopback" ? client : upstream,
  });
  return {
    hostname,
    port,
    path: prefix + dialect.path(question),
    headers: { ...dialect.headers("bench"), ...headers },
    body: JSON.stringify(dialect.request(question)),
    pieces: isStream ? answer.pieces : 0,
    fills: models === undefined ? fills : [...fills, { blank: model, values: models }],
  };
}

interface Reading {
  peer: CpuReading;
  load: CpuReading;
  upstream: CpuReading;
  own: CpuReading;
  machine: MachineTime;
}

function readAll({ load, mock }: Bench, pids: readonly number[]): Reading {
  return {
    peer: readCpu(pids),
    load: readCpu([load.pid]),
    upstream: readCpu([mock.pid]),
    own: readCpu([process.pid]),
    machine: readMachineTime(),
  };
}

/** Microseconds. */
interface Spent {
  peer: number;
  load: number;
  upstream: number;
  others: number;
  stolen: number;
}

function spendAll(before: Reading, after: Reading): Spent {
  const spend = (role: Exclude<keyof Reading, "machine">): number => spendCpuUs(before[role], after[role]);
  const [peer, load, upstream] = [spend("peer"), spend("load"), spend("upstream")];
  const busyUs = after.machine.busyUs - before.machine.busyUs;
  const stolen = after.machine.stolenUs - before.machine.stolenUs;
  return { peer, load, upstream, others: busyUs - peer - load - upstream - spend("own"), stolen };
}

/** What it still does for requests that it has answered is theirs, too. */
export async function settle(pids: readonly number[], patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let last = readCpu(pids); performance.now() < deadline;) {
    await Bun.sleep(QUIET_MS);
    const now = readCpu(pids);
    if (spendCpuUs(last, now) < QUIET_MS * 1e3 * QUIET_SHARE) return;
    last = now;
  }
}

/** How many are missing once no more come. */
async function awaitRows(count: () => Promise<number>, expected: number, patienceMs: number): Promise<number> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const rows = await count();
    if (rows >= expected || performance.now() > deadline) return expected - rows;
    await Bun.sleep(QUIET_MS);
  }
}

function add(left: Readonly<Record<string, number>>, right: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...left };
  for (const [name, count] of Object.entries(right)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
