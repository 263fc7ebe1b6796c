// `bun scripts/bench/soak.ts [--minutes 30] [--warm-up 3] [--rate N] [--json]`: the built executable under a mix of requests for half an hour, at half of what it
// can take of them (which is measured first, unless --rate says it): chat, streams, embeddings, clients that leave, providers that fail, keys that
// open nothing. Its memory is read each second; ends with 1 where that does not stay within BAND, or a request that was answered has not
// exactly one row of the ledger. Linux.

import type { LoadResult } from "./load/type.ts";
import { BAND, type Flatness, judgeFlatness } from "./report/flat.ts";
import { describeMachine, printMachine, readLoad } from "./report/machine.ts";
import { printTable } from "./report/table.ts";
import { buildGateway } from "./run/build.ts";
import { assignCores, keepAside } from "./run/core.ts";
import { listGroup, readCpu, readRssBytes, spendCpuUs } from "./run/proc.ts";
import { type PartFigures, addResult, createFigures, listFaults } from "./soak/books.ts";
import { type Crew, type PartResults, listParts, startCrew } from "./soak/crew.ts";
import type { PartName } from "./soak/mix.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aSwitch, anAmount, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const SAMPLE_MS = 1_000;
/** So long all parts are asked without a look at what came of it: for less than connections may lie unused. */
const SLICE_SECONDS = 30;
/** What falls behind once may have been held up; twice, it does not keep up. */
const SEARCH = { fromPerSecond: 300, factor: 1.3, seconds: 4, tries: 2 };
/** Before it: who has just begun is slow. */
const WARM = { perSecond: 150, seconds: 20 };
const ROWS_WAIT_MS = 120_000;
const LOOK_MS = 200;
/** Longer than rows wait for one another. */
const SETTLE_MS = 500;

const {
  json: isJson,
  minutes,
  rate,
  "warm-up": warmUpMinutes,
} = readFlags({
  json: aSwitch,
  minutes: anAmount(30),
  rate: anAmount(undefined),
  "warm-up": anAmount(3, { least: 0 }),
});
stopAllOnSignal();

if (process.platform !== "linux") throw new Error("What processes take is read from /proc: this runs on Linux.");
const load = readLoad();
await buildGateway();
const cores = assignCores();
keepAside(cores);
const folder = makeScratch("soak");
const crew = await startCrew(folder, cores);
const figures = new Map<PartName, PartFigures>(listParts().map(([name]) => [name, createFigures()]));
const before = await settle(crew);
try {
  const saturated = rate === undefined ? await findSaturation(crew) : null;
  const perSecond = rate ?? (saturated ?? 0) / 2;
  tell(`${perSecond.toFixed(0)} requests a second for ${minutes} minutes`);
  const { samples, cpuShare } = await soak(crew, perSecond);
  await awaitRows(crew);
  report({ saturated, perSecond, samples, cpuShare });
} finally {
  await crew.stop();
}
process.exit();

/** Faster and faster, until requests that are due are not sent any more; how many a second were answered at most. */
async function findSaturation({ ask }: Crew): Promise<number> {
  note(await ask(WARM.perSecond, WARM.seconds));
  let most = 0;
  for (let perSecond = SEARCH.fromPerSecond; ; perSecond *= SEARCH.factor) {
    let keepsUp = false;
    for (let left = SEARCH.tries; left > 0 && !keepsUp; left--) {
      const results = await ask(perSecond, SEARCH.seconds);
      note(results);
      const reached = add(Object.values(results).map(countPerSecond));
      keepsUp = reached >= perSecond * 0.95 && Object.values(results).every(({ unsent }) => unsent === 0);
      most = Math.max(most, reached);
      tell(`asked ${perSecond.toFixed(0)} a second, answered ${reached.toFixed(0)}`);
    }
    if (!keepsUp) return most;
  }
}

/** A part that is answered late takes longer than it was asked. */
function countPerSecond({ requests, errors, seconds }: LoadResult): number {
  return (requests + add(Object.values(errors))) / Math.max(seconds, SEARCH.seconds);
}

async function soak({ ask, gateway }: Crew, perSecond: number): Promise<{ samples: number[]; cpuShare: number }> {
  const pids = gateway.pid === null ? [] : listGroup(gateway.pid);
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(readRssBytes(pids)), SAMPLE_MS);
  const [startedMs, cpu] = [performance.now(), readCpu(pids)];
  for (let left = minutes * 60; left > 0; left -= SLICE_SECONDS) {
    note(await ask(perSecond, Math.min(left, SLICE_SECONDS)));
    tell(`${Math.ceil((left - SLICE_SECONDS) / 60)} minutes to go, ${printMegabytes(samples.at(-1) ?? 0)} MB`);
  }
  clearInterval(timer);
  const tookUs = (performance.now() - startedMs) * 1e3;
  return { samples, cpuShare: spendCpuUs(cpu, readCpu(pids)) / tookUs };
}

function note(results: PartResults): void {
  for (const [name, part] of listParts()) addResult(figures.get(name) ?? createFigures(), part, results[name]);
}

/** What was asked while it started is on the books a moment later. */
async function settle({ countRows }: Crew): Promise<ReturnType<Crew["countRows"]>> {
  let rows = countRows();
  for (let last = -1; last !== addRows(rows); rows = countRows()) {
    last = addRows(rows);
    await Bun.sleep(SETTLE_MS);
  }
  return rows;
}

function addRows(parts: ReturnType<Crew["countRows"]>): number {
  return add(Object.values(parts).map(({ rows }) => rows));
}

/** They are written behind the answers. */
async function awaitRows({ countRows }: Crew): Promise<void> {
  const areThere = (): boolean => {
    const there = countRows();
    return listParts().every(([name, { rows }]) => {
      const { answered, refused } = figures.get(name) ?? createFigures();
      return there[name].rows - before[name].rows >= (answered + refused) * rows;
    });
  };
  const deadline = performance.now() + ROWS_WAIT_MS;
  while (performance.now() < deadline && !areThere()) await Bun.sleep(LOOK_MS);
}

interface Outcome {
  saturated: number | null;
  perSecond: number;
  samples: readonly number[];
  cpuShare: number;
}

function report({ saturated, perSecond, samples, cpuShare }: Outcome): void {
  const machine = describeMachine(cores, load, new Date());
  const memory = judgeFlatness(samples.slice((warmUpMinutes * 60_000) / SAMPLE_MS));
  const rows = crew.countRows();
  const parts = listParts().map(([name, part]) => {
    const own = figures.get(name) ?? createFigures();
    const faults = listFaults(name, part, own, { ...rows[name], before: before[name].rows });
    return { name, about: part.about, ...own, rows: rows[name].rows - before[name].rows, faults };
  });
  const faults = [...parts.flatMap((part) => part.faults), ...judgeMemory(memory)];
  if (isJson) {
    const told = { machine, minutes, warmUpMinutes, saturated, perSecond, cpuShare, memory, parts, faults, samples };
    console.log(JSON.stringify(told));
  } else {
    console.log(`${printMachine(machine)}\n`);
    if (saturated !== null) console.log(`It answered ${saturated.toFixed(0)} of the mix a second at most.`);
    console.log(
      `${perSecond.toFixed(0)} a second for ${minutes} minutes took ${(cpuShare * 100).toFixed(0)} % of a core.\n`,
    );
    const table = parts.map(({ name, about, answered, refused, unsent, rows: own }) => [
      `${name}: ${about}`,
      ...[answered, refused, own, unsent].map((count) => count.toLocaleString("en-US")),
    ]);
    console.log(printTable(["", "answered", "refused, as meant", "rows", "not sent"], table));
    if (memory !== null) console.log(`\n${printMemory(memory, samples)}`);
  }
  for (const fault of faults) console.error(`✗ ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

function judgeMemory(memory: Flatness | null): string[] {
  if (memory === null) return ["It did not last long enough to say anything of its memory."];
  return memory.isFlat ? [] : [`Its memory does not stay within ±${BAND * 100} %: ${printMemory(memory, [])}`];
}

function printMemory({ first, last, change, drift }: Flatness, samples: readonly number[]): string {
  const percent = (share: number): string => `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(1)} %`;
  const most = samples.length === 0 ? "" : `, at most ${printMegabytes(Math.max(...samples))} MB`;
  return (
    `RSS after the first ${warmUpMinutes} minutes: ${printMegabytes(first)} MB in the first fifth, ${printMegabytes(last)} MB ` +
    `in the last (${percent(change)}), by its slope ${percent(drift)}${most}.`
  );
}

function printMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function add(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
