// `bun scripts/bench/workers.ts [--workers 1,2] [--rate N] [--scenario A,B] [--rounds N] [--seconds N] [--json]`: what a request costs the processors where
// several workers serve one port, against one process, by turns in the same run, with a row of the ledger for each request. Each process that serves is asked
// at the same rate, so that two are asked twice as much as one. The load needs a core, so that on two of them nobody sees two workers that have one each. What
// can be seen is what a request takes then: the one process has a core for itself; so has one of the workers, with the process in front, whose work for all of
// them is in its way there. The other workers, the provider and the load share the other core. Counted are all threads of that worker and of the process in
// front. A cost that does not grow (see MOST) means that on cores of their own they serve as many times more, up to the number at which the process in front
// has no time left. Ends with 1 where it grows more, a row is missing, or one did not keep up. Linux.

import type { Pattern } from "./load/type.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { makeTokligence } from "./peer/tokligence.ts";
import type { Peer } from "./peer/type.ts";
import { type Bearing, type Share, bear, costOf, share } from "./report/crew.ts";
import { describeMachine, printMachine, readLoad } from "./report/machine.ts";
import { median, type Spread, spread } from "./report/statistic.ts";
import { assignCores, keepAside } from "./run/core.ts";
import { buildGateway } from "./run/build.ts";
import { listGroup } from "./run/proc.ts";
import type { Round } from "./run/round.ts";
import { run } from "./run/run.ts";
import { SCENARIOS } from "./scenario/index.ts";
import type { Scenario } from "./scenario/type.ts";
import { aCount, aList, aSwitch, anAmount, readCount, readFlags, someOf } from "../flag.ts";

/** How much more of a processor a request may take with several workers than with one process: then two serve 1.74 times as many on two free cores. */
const MOST = 1.15;
const SETTLE_MS = 30_000;
/** For each worker. */
const CONNECTIONS = 32;
/** Each worker compiles what it runs by itself. */
const WARM_UP_REQUESTS = 40_000;
const WARM_UP_SECONDS = 60;
const USUAL = "chat-1k-c32";
/** Requests a second, for each process that serves: what two cores bear with the load and the provider beside them. */
const USUAL_RATE = 1_000;
/** As the gateway has it. */
const MOST_WORKERS = 48;

const {
  json: isJson,
  rate,
  rounds: ROUNDS,
  scenario: names,
  seconds,
  workers: counts,
} = readFlags({
  json: aSwitch,
  rate: anAmount(USUAL_RATE),
  rounds: aCount(7),
  scenario: someOf(Object.keys(SCENARIOS), [USUAL]),
  seconds: anAmount(4),
  workers: aList([1, 2], (text) => readCount(text, { most: MOST_WORKERS })),
});
const peers = new Map(counts.map((count): [string, Peer] => [nameWorkers(count), makePeer(count)]));
const scenarios = new Map(names.map((name) => [name, pickScenario(name)]));
const cores = assignCores();

stopAllOnSignal();
if (process.platform !== "linux") throw new Error("What processes take is read from /proc: this runs on Linux.");
await buildGateway();
keepAside(cores);
const machine = describeMachine(cores, readLoad(), new Date());
const { rounds } = await run({
  scenarios,
  peers,
  usual: [...peers.keys()],
  adapt: (name, scenario) => ({ ...scenario, pattern: makePattern(name) }),
  rounds: ROUNDS,
  seconds,
  leastRequests: 0,
  starts: 1,
  warmUp: { seconds: WARM_UP_SECONDS, requests: WARM_UP_REQUESTS * Math.max(...counts) },
  upstreamPort: 0,
  cores,
  settleMs: SETTLE_MS,
  onProgress: (line) => void (process.stderr.isTTY && process.stderr.write(`\r\u001B[K${line}`)),
});
if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");

const figures = [...rounds].flatMap(([scenario, byPeer]) => summarize(scenario, byPeer));
if (isJson) console.log(JSON.stringify({ machine, rate, most: MOST, figures }));
else print();
const bad = figures.filter(
  ({ ratio, errors, missingRows, unsent }) => ratio.median > MOST || errors + missingRows + unsent > 0,
);
for (const { scenario, workers } of bad) console.error(`${scenario}: ${workers} is beyond what is allowed.`);
process.exit(bad.length === 0 ? 0 : 1);

interface Figure {
  scenario: string;
  workers: string;
  cpuUs: Spread;
  /** Against the first of the same round. */
  ratio: Spread;
  /** How many times as much they serve on as many free cores, as far as the cost of a request goes; no more than they are. */
  scaling: number;
  /** Where the time of a request goes. */
  shares: Share[];
  /** Null where no process stands in front. */
  bearing: Bearing | null;
  perSecond: number;
  p50Us: number;
  p99Us: number;
  rssMegabytes: number;
  errors: number;
  missingRows: number;
  /** Due, and not sent: whoever does not keep up with the rate is not measured at it. */
  unsent: number;
}

function summarize(scenario: string, byPeer: ReadonlyMap<string, readonly Round[]>): Figure[] {
  const own = [...byPeer].filter(([name]) => peers.has(name));
  const first = own[0]?.[1] ?? [];
  return own.map(([workers, all], index): Figure => {
    const sum = (read: (round: Round) => number): number => all.reduce((total, round) => total + read(round), 0);
    const ratio = measure(all.map((each, round) => costOf(each) / costOf(first[round] ?? each)));
    const shares = share(all);
    return {
      scenario,
      workers,
      cpuUs: measure(all.map(costOf)),
      ratio,
      scaling: (counts[index] ?? 1) / Math.max(1, ratio.median),
      shares,
      bearing: bear(shares),
      perSecond: median(all.map(({ requests, seconds }) => requests / seconds)),
      p50Us: median(all.map(({ latency }) => latency.p50)),
      p99Us: median(all.map(({ latency }) => latency.p99)),
      rssMegabytes: Math.max(...all.map(({ rssBytes }) => rssBytes)) / 1e6,
      errors: sum(({ errors }) => Object.values(errors).reduce((total, count) => total + count, 0)),
      missingRows: sum(({ missingRows }) => Math.abs(missingRows ?? 0)),
      unsent: sum(({ unsent }) => unsent),
    };
  });
}

function measure(values: readonly number[]): Spread {
  return spread(values) ?? { median: Number.NaN, least: Number.NaN, most: Number.NaN };
}

function print(): void {
  console.log(`${printMachine(machine)}\nMedians of rounds by turns, the least and the most in parentheses.\n`);
  const show = ({ median: middle, least, most }: Spread, digits: number): string =>
    `${middle.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
  for (const name of rounds.keys()) {
    console.log(`${name}: ${scenarios.get(name)?.about}`);
    for (const figure of figures.filter(({ scenario }) => scenario === name)) {
      const { workers, cpuUs, ratio, scaling, shares, bearing, perSecond, ...rest } = figure;
      console.log(
        `  ${workers.padEnd(10)} ${show(cpuUs, 1)} us CPU/request, ×${show(ratio, 2)}: ${scaling.toFixed(2)} times one process on as many free cores; ` +
          `${perSecond.toFixed(0)} req/s, p50 ${rest.p50Us.toFixed(0)} us, p99 ${rest.p99Us.toFixed(0)} us; ` +
          `${rest.rssMegabytes.toFixed(0)} MB, ${rest.errors} errors, ${rest.missingRows} rows missing, ${rest.unsent} not sent`,
      );
      console.log(`    ${shares.map(({ where, cpuUs: us }) => `${where} ${us.toFixed(1)}`).join(", ")}`);
      if (bearing === null) continue;
      console.log(
        `    The thread in front that does most (${bearing.where}, ${bearing.cpuUs.toFixed(1)} us a request) is full at ${bearing.perSecond.toFixed(0)} req/s: ` +
          `what ${bearing.workers.toFixed(1)} workers serve whose first threads are full.`,
      );
    }
  }
}

function makePeer(workers: number): Peer {
  const settings = [`workers = ${workers}`];
  const peer = makeTokligence({
    about: nameWorkers(workers),
    executable: buildGateway,
    settings,
    engine: "sqlite",
    keepsBooks: true,
  });
  return {
    ...peer,
    async start(place) {
      const running = await peer.start(place);
      if (running.pid !== null && cores !== null && workers > 1) leaveAlone(running.pid, cores.load);
      return running;
    },
  };
}

/** The worker that was begun first keeps the core, with the process in front, which is in its way there as its own threads are in that of one process. */
function leaveAlone(leader: number, core: string): void {
  const [, ...others] = listGroup(leader)
    .filter((pid) => pid !== leader)
    .toSorted((left, right) => left - right);
  for (const pid of others)
    Bun.spawnSync(["taskset", "-a", "-c", "-p", core, String(pid)], { stdout: "ignore", stderr: "ignore" });
}

function nameWorkers(count: number): string {
  return count === 1 ? "1 process" : `${count} workers`;
}

function pickScenario(name: string): Scenario {
  const found = (SCENARIOS as Readonly<Record<string, Scenario>>)[name];
  if (found === undefined) throw new Error(`There is no scenario "${name}": ${Object.keys(SCENARIOS).join(", ")}`);
  return { ...found, peers: [...peers.keys()] };
}

/** Each process that serves is asked alike; the connections each in its turn, so that each worker has its part. */
function makePattern(name: string): Pattern {
  const count = counts.find((each) => nameWorkers(each) === name) ?? 1;
  return {
    kind: "rate",
    connections: CONNECTIONS * count,
    perSecond: rate * count,
    inTurn: true,
  };
}
