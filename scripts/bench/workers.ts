// `bun scripts/bench/workers.ts [--workers 1,2,4] [--scenario A,B] [--rounds N] [--seconds N] [--json]`: what a request costs the processors where several
// workers serve one port, against one process, by turns in the same run, with a row of the ledger for each request. What it costs does not grow with the
// workers (see MOST), so that on cores of their own they serve as many times more. Ends with 1 where it grows more, or a row is missing. Linux.

import { availableParallelism } from "node:os";
import { makeTokligence } from "./peer/tokligence.ts";
import type { Peer } from "./peer/type.ts";
import { median, spread } from "./report/statistic.ts";
import { buildGateway } from "./run/build.ts";
import type { Round } from "./run/round.ts";
import { run } from "./run/run.ts";
import { SCENARIOS } from "./scenario/index.ts";
import type { Scenario } from "./scenario/type.ts";

/** How much more of a processor a request may take with several workers than with one process. */
const MOST = 1.15;
const SETTLE_MS = 30_000;
/** For each worker. */
const CONNECTIONS = 32;
/** Each worker compiles what it runs by itself. */
const WARM_UP_REQUESTS = 40_000;
const WARM_UP_SECONDS = 60;
const USUAL = "chat-1k-c32";

const counts = read("--workers", "1,2,4").split(",").map(Number);
const names = read("--scenario", USUAL).split(",");
const peers = new Map(counts.map((count): [string, Peer] => [nameWorkers(count), makePeer(count)]));

const scenarios = new Map(names.map((name) => [name, pickScenario(name)]));

await buildGateway();
const { rounds } = await run({
  scenarios,
  peers,
  usual: [...peers.keys()],
  rounds: Number(read("--rounds", "3")),
  seconds: Number(read("--seconds", "4")),
  leastRequests: 0,
  starts: 1,
  warmUp: { seconds: WARM_UP_SECONDS, requests: WARM_UP_REQUESTS * Math.max(...counts) },
  upstreamPort: 0,
  // The load and the provider take what the workers leave: what is counted is the time on processors, wherever it was spent.
  cores: null,
  settleMs: SETTLE_MS,
  onProgress: (line) => void (process.stderr.isTTY && process.stderr.write(`\r\u001B[K${line}`)),
});
if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");

const figures = [...rounds].flatMap(([scenario, byPeer]) => summarize(scenario, byPeer));
if (Bun.argv.includes("--json")) console.log(JSON.stringify({ cores: availableParallelism(), most: MOST, figures }));
else print();
const bad = figures.filter(({ ratio, errors, missingRows }) => ratio > MOST || errors > 0 || missingRows !== 0);
for (const { scenario, workers } of bad) console.error(`${scenario}: ${workers} is beyond what is allowed.`);
process.exit(bad.length === 0 ? 0 : 1);

interface Figure {
  scenario: string;
  workers: string;
  cpuUs: number;
  /** Against the first. */
  ratio: number;
  perSecond: number;
  p50Us: number;
  p99Us: number;
  rssMegabytes: number;
  errors: number;
  missingRows: number;
}

function summarize(scenario: string, byPeer: ReadonlyMap<string, readonly Round[]>): Figure[] {
  const own = [...byPeer].filter(([name]) => peers.has(name));
  const first = median((own[0]?.[1] ?? []).map(({ cpuUs }) => cpuUs));
  return own.map(([workers, all]): Figure => {
    const cpuUs = median(all.map((round) => round.cpuUs));
    const sum = (read: (round: Round) => number): number => all.reduce((total, round) => total + read(round), 0);
    return {
      scenario,
      workers,
      cpuUs,
      ratio: cpuUs / first,
      perSecond: median(all.map(({ requests, seconds }) => requests / seconds)),
      p50Us: median(all.map(({ latency }) => latency.p50)),
      p99Us: median(all.map(({ latency }) => latency.p99)),
      rssMegabytes: Math.max(...all.map(({ rssBytes }) => rssBytes)) / 1e6,
      errors: sum(({ errors }) => Object.values(errors).reduce((total, count) => total + count, 0)),
      missingRows: sum(({ missingRows }) => Math.abs(missingRows ?? 0)),
    };
  });
}

function print(): void {
  console.log(`${availableParallelism()} cores, shared with the load and the provider; medians of rounds by turns\n`);
  for (const name of rounds.keys()) {
    console.log(`${name}: ${scenarios.get(name)?.about}`);
    for (const { workers, ratio, cpuUs, perSecond, ...rest } of figures.filter(({ scenario }) => scenario === name)) {
      const range = spread((rounds.get(name)?.get(workers) ?? []).map((round) => round.cpuUs));
      console.log(
        `  ${workers.padEnd(10)} ${cpuUs.toFixed(1).padStart(7)} us CPU/request (${range?.least.toFixed(1)} to ${range?.most.toFixed(1)}), ×${ratio.toFixed(2)}; ` +
          `${perSecond.toFixed(0).padStart(6)} req/s, p50 ${rest.p50Us.toFixed(0)} us, p99 ${rest.p99Us.toFixed(0)} us; ` +
          `${rest.rssMegabytes.toFixed(0)} MB, ${rest.errors} errors, ${rest.missingRows} rows missing`,
      );
    }
  }
}

function makePeer(workers: number): Peer {
  const settings = [`workers = ${workers}`];
  return makeTokligence({
    about: nameWorkers(workers),
    executable: buildGateway,
    settings,
    engine: "sqlite",
    keepsBooks: true,
  });
}

function nameWorkers(count: number): string {
  return count === 1 ? "1 process" : `${count} workers`;
}

function pickScenario(name: string): Scenario {
  const found = (SCENARIOS as Readonly<Record<string, Scenario>>)[name];
  if (found === undefined) throw new Error(`There is no scenario "${name}": ${Object.keys(SCENARIOS).join(", ")}`);
  // As many as keep all of them busy.
  const connections = CONNECTIONS * Math.max(...counts);
  return { ...found, pattern: { kind: "closed", connections }, peers: [...peers.keys()] };
}

function read(name: string, usual: string): string {
  const at = Bun.argv.indexOf(name);
  return (at === -1 ? undefined : Bun.argv[at + 1]) ?? usual;
}
