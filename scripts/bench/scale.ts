// `bun scripts/bench/scale.ts [--only routes|keys] [--rounds N] [--requests N] [--json]`: what a request costs the built executable with 1, 100 and 10,000
// routes, and with 10, 1,000 and 200,000 keys, by turns in the same run: the time of its threads on processors, with a row of the ledger for each
// request; apart from it that of the thread which adds the books up. Ends with 1 where it grows beyond BAND, or a row is missing. Linux.

import { stopAllOnSignal } from "./peer/launch.ts";
import { makeTokligence } from "./peer/tokligence.ts";
import type { Peer } from "./peer/type.ts";
import { BAND, type Growth, judgeGrowth } from "./report/growth.ts";
import { describeMachine, printMachine, readLoad } from "./report/machine.ts";
import { measureNoise } from "./report/report.ts";
import { median } from "./report/statistic.ts";
import { printTable, printUs } from "./report/table.ts";
import { buildGateway } from "./run/build.ts";
import { assignCores, keepAside } from "./run/core.ts";
import type { Round } from "./run/round.ts";
import { run } from "./run/run.ts";
import { SCENARIOS } from "./scenario/index.ts";
import { EACH, FIRST, LAST, MIDDLE, SHARED, STRANGERS, printRoutes } from "./scenario/many-routes.ts";
import type { Scenario } from "./scenario/type.ts";
import { openStore } from "../../src/store/index.ts";
import { fill, makeToken } from "./crowd.ts";
import { aChoice, aCount, aSwitch, readFlags } from "../flag.ts";

const ROUTES = [1, 100, 10_000];
const KEYS = [10, 1_000, 200_000];
const SETTLE_MS = 30_000;
/** It reads the books and adds them up. Of requests that differ there are as many sums as rows, of those that do not one for all. */
const SUMS_THREAD = "reader";
/** So many of each: a runtime that compiles as it goes takes some ten thousand to be as quick as it gets. */
const WARM_UP_REQUESTS = 40_000;
const WARM_UP_SECONDS = 120;

const {
  requests,
  rounds: ROUNDS,
  only,
  json: isJson,
} = readFlags({
  json: aSwitch,
  only: aChoice(["routes", "keys"]),
  requests: aCount(5_000),
  rounds: aCount(6),
});
const groups = { routes: makeRouteGroup(), keys: makeKeyGroup() };
const chosen = Object.entries(groups).flatMap(([name, group]) => (only === undefined || only === name ? [group] : []));

stopAllOnSignal();
if (process.platform !== "linux") throw new Error("What processes take is read from /proc: this runs on Linux.");
const load = readLoad();
await buildGateway();
const cores = assignCores();
keepAside(cores);
const { rounds } = await run({
  scenarios: new Map(chosen.flatMap(({ scenarios }) => [...scenarios])),
  peers: new Map(chosen.flatMap(({ peers }) => [...peers])),
  usual: [],
  rounds: ROUNDS,
  seconds: 1,
  leastRequests: 0,
  starts: 1,
  warmUp: { seconds: WARM_UP_SECONDS, requests: Math.min(WARM_UP_REQUESTS, requests * 8) },
  upstreamPort: 0,
  cores,
  settleMs: SETTLE_MS,
  onProgress: (line) => void (process.stderr.isTTY && process.stderr.write(`\r\u001B[K${line}`)),
});
if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");

const machine = describeMachine(cores, load, new Date());
const results = [...rounds].map(([id, byPeer]) => summarize(id, byPeer));
const noise = measureNoise({ scenarios: [...rounds].map(([, byPeer]) => ({ rounds: Object.fromEntries(byPeer) })) });
const faults = results.flatMap(({ id, growths, faults: own }) => [
  ...own,
  ...growths.filter(({ isConstant }) => !isConstant).map(({ name }) => `${id}: with ${name} a request costs more`),
]);
if (isJson) console.log(JSON.stringify({ machine, noise, band: BAND, requests, results, faults }));
else print();
process.exit(faults.length === 0 ? 0 : 1);

interface Group {
  peers: ReadonlyMap<string, Peer>;
  scenarios: ReadonlyMap<string, Scenario>;
}

function makeRouteGroup(): Group {
  const peers = new Map(
    ROUTES.map((count) => [nameCount(count, "route"), makePeer({ sections: printRoutes(count) })] as const),
  );
  const of = (about: string, model: string, models?: readonly string[]): Scenario =>
    makeScenario(about, peers, models === undefined ? { model } : { model, models });
  return {
    peers,
    scenarios: new Map([
      ["route-first", of("the route that comes first", FIRST)],
      ["route-middle", of("one in the middle", MIDDLE)],
      ["route-last", of("the last one", LAST)],
      ["route-built-in", of("none of them, but a built-in one", "gpt-4o-mini")],
      ["route-user", of("one of those that share a model, for a user each", SHARED)],
      ["route-each", of(`each of them, ${EACH.length.toLocaleString("en-US")} models by turns`, FIRST, EACH)],
      ["route-stranger", of("a built-in one, 10,000 models by turns", STRANGERS[0] ?? "", STRANGERS)],
    ]),
  };
}

function makeKeyGroup(): Group {
  const peers = new Map(
    KEYS.map((count) => [nameCount(count, "key"), makePeer({ seed: (paths) => seedKeys(paths, count) })] as const),
  );
  return { peers, scenarios: new Map([["keys", makeScenario("each key by turns", peers, { model: "gpt-4o-mini" })]]) };
}

async function seedKeys(paths: { identityPath: string; ledgerPath: string }, keys: number): Promise<string[]> {
  const database = { maxConnections: 1, maxIdleMs: 60_000, maxLifetimeMs: 600_000 };
  await (await openStore({ ...paths, database })).close();
  await fill({ engine: "sqlite", location: paths.identityPath, users: Math.ceil(keys / 2), keys });
  return Array.from({ length: keys }, (_, index) => makeToken(index));
}

function makePeer(own: Pick<Parameters<typeof makeTokligence>[0], "sections" | "seed">): Peer {
  return makeTokligence({
    about: "recount = off",
    executable: buildGateway,
    // How many are counted again depends on how much time there is.
    settings: ["recount = off"],
    engine: "sqlite",
    keepsBooks: true,
    ...own,
  });
}

function makeScenario(
  about: string,
  peers: ReadonlyMap<string, Peer>,
  asked: Pick<Scenario, "model" | "models">,
): Scenario {
  const pattern = { kind: "closed", connections: 32, requests } as const;
  return { ...SCENARIOS["chat-1k-c32"], ...asked, about, pattern, peers: [...peers.keys()] };
}

interface Result {
  id: string;
  about: string;
  growths: Growth[];
  /** Beside that, what adding up the books took for a request. */
  sumsUs: Record<string, number>;
  rssMegabytes: Record<string, number>;
  faults: string[];
}

function summarize(id: string, byPeer: ReadonlyMap<string, readonly Round[]>): Result {
  const scenario = chosen.flatMap(({ scenarios }) => scenarios.get(id) ?? [])[0];
  const names = scenario?.peers ?? [];
  const of = (name: string): readonly Round[] => byPeer.get(name) ?? [];
  return {
    id,
    about: scenario?.about ?? "",
    growths: judgeGrowth(
      new Map(names.map((name) => [name, of(name).map((round) => round.cpuUs - spendOnSums(round))])),
    ),
    sumsUs: Object.fromEntries(names.map((name) => [name, median(of(name).map(spendOnSums))])),
    rssMegabytes: Object.fromEntries(
      names.map((name) => [name, Math.round(Math.max(...of(name).map(({ rssBytes }) => rssBytes)) / 1e6)]),
    ),
    faults: names.flatMap((name) => listFaults(`${id}, ${name}`, of(name))),
  };
}

function spendOnSums({ threads }: Round): number {
  return threads.reduce((sum, { name, cpuUs }) => sum + (name === SUMS_THREAD ? cpuUs : 0), 0);
}

function listFaults(where: string, all: readonly Round[]): string[] {
  if (all.length === 0) return [`${where}: it was not measured`];
  const errors = all.flatMap((round) => Object.entries(round.errors).map(([name, count]) => `${count} × ${name}`));
  const missing = all.reduce((sum, { missingRows }) => sum + Math.abs(missingRows ?? 0), 0);
  return [
    ...errors.map((error) => `${where}: ${error}`),
    ...(missing > 0 ? [`${where}: ${missing} rows of the ledger are missing, or too many`] : []),
  ];
}

function print(): void {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  console.log(`${printMachine(machine)}\n`);
  console.log(`Meanwhile others took ${percent(noise.others)} of a processor, and the host ${percent(noise.stolen)}.`);
  console.log(
    `Microseconds of all processors for a request, sums of the books apart: these are added up behind it, as many as rows differ. Times the first, turn by turn, and by the least of all turns: up to ×${BAND} is constant.\n`,
  );
  const rows = results.flatMap(({ id, about, growths, sumsUs, rssMegabytes }) =>
    growths.map(({ name, cpuUs, ratio, leastRatio, isConstant }, index) => [
      index === 0 ? `${id}: ${about}` : "",
      name,
      printUs(cpuUs),
      ratio === null ? "" : `×${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)})`,
      `×${leastRatio.toFixed(2)}`,
      isConstant ? "" : "GROWS",
      (sumsUs[name] ?? 0).toFixed(1),
      String(rssMegabytes[name] ?? ""),
    ]),
  );
  console.log(
    printTable(["", "with", "CPU, µs/request", "times", "by the least", "", "sums, µs/request", "RSS, MB"], rows),
  );
  for (const fault of faults) console.log(`✗ ${fault}`);
}

function nameCount(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}
