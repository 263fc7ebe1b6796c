// `bun scripts/bench/day.ts [--hours 24] [--from 2] [--plant entry,timer] [--json]`: a day of a whole gateway in this process, whose time passes as fast as it can
// work: timers, expiries, roll-ups, probes, signing, mails, and users, keys and models that come once and never again. Each hour what is alive after a
// collection is counted, compiled code apart; ends with 1 where the last hour is not within BAND of hour `from`, or more objects or timers are there. `--plant`
// leaves something behind for each minute, so that one sees that it is found. Rate limits and caches are given shorter times than a day.

import { type DayGateway, startGateway } from "./day/gateway.ts";
import { ASKED_A_MINUTE, type Traffic, createTraffic } from "./day/traffic.ts";
import { type Living, countLiving } from "./day/heap.ts";
import { type SimulatedTime, simulateTime, waitReally } from "./day/time.ts";
import { BAND } from "./report/flat.ts";
import { printTable } from "./report/table.ts";
import { aCount, aSwitch, failUsage, readFlags, someOf } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Nobody asks in these last minutes of an hour: what lasts for minutes is over when it is counted. */
const CALM_MINUTES = 32;
/** So much passes at once while an answer waits for a timer. */
const STEP_MS = 200;
const PATIENCE_MS = 60_000;
/** For what threads and sockets answer, in real time. */
const REST_MS = 3;
const SETTLE_MS = 300;
/** Of a kind, to be told of. */
const WORTH_BYTES = 50_000;
/** Timers that are set for a moment may be there once, and not another time. */
const MORE_TIMERS = 5;

interface Count extends Living {
  hour: number;
  timers: number;
  rssBytes: number;
}

const {
  from,
  hours,
  json: isJson,
  plant,
} = readFlags({
  from: aCount(2),
  hours: aCount(24),
  json: aSwitch,
  plant: someOf(["entry", "timer"], []),
});
if (from >= hours) failUsage("--from is an hour before the last.");
const planted: object[] = [];

const folder = makeScratch("day");
// The gateway, which is in this process, is ended as by the other one.
process.on("SIGINT", () => process.exit(130));
const startedAt = performance.now();
const realNow = Date.now();
// Its end is now: threads go by real time, and rows are of the past.
const time = simulateTime(realNow - hours * HOUR_MS);
const gateway = await startGateway(folder, hours * 60 * ASKED_A_MINUTE);
const traffic = createTraffic(gateway);
const counts: Count[] = [];
for (let hour = 1; hour <= hours; hour++) {
  await passHour(hour, { time, traffic });
  counts.push(await count(hour, time));
  const last = counts.at(-1);
  process.stderr.write(`hour ${hour}: ${printMegabytes(last?.bytes ?? 0)} MB, ${last?.timers} timers\n`);
}
await stop({ time, gateway });
report(counts, { traffic, gateway });
process.exit();

async function passHour(hour: number, day: { time: SimulatedTime; traffic: Traffic }): Promise<void> {
  for (let minute = (hour - 1) * 60; minute < hour * 60; minute++) {
    if (minute % 60 < 60 - CALM_MINUTES) await serve(day, minute);
    await day.time.pass(MINUTE_MS);
    await waitReally(REST_MS);
    leaveBehind();
  }
}

/** Time stands still while requests are answered, unless one waits for it. */
async function serve({ time, traffic }: { time: SimulatedTime; traffic: Traffic }, minute: number): Promise<void> {
  let isOver = false;
  const asked = traffic.ask(minute).finally(() => {
    isOver = true;
  });
  const untilMs = time.nowMs() + PATIENCE_MS;
  for (let turn = 0; !isOver; turn++) {
    await waitReally(1);
    if (turn % 10 === 9) await time.pass(STEP_MS);
    if (time.nowMs() > untilMs) throw new Error(`Minute ${minute} has no end.`);
  }
  await asked;
}

/** What a leak would be. */
function leaveBehind(): void {
  if (plant.includes("timer")) setTimeout(() => undefined, 1_000 * HOUR_MS);
  if (plant.includes("entry")) planted.push(Array.from({ length: 2_000 }, (_, index) => ({ index })));
}

async function count(hour: number, time: SimulatedTime): Promise<Count> {
  for (let turn = 0; turn < 4; turn++) {
    await time.pass(STEP_MS);
    await waitReally(SETTLE_MS / 4);
    Bun.gc(true);
  }
  return { hour, ...countLiving(), timers: time.pending(), rssBytes: process.memoryUsage.rss() };
}

/** It waits for what it ends, and that may wait for time. */
async function stop({ time, gateway }: { time: SimulatedTime; gateway: DayGateway }): Promise<void> {
  let isOver = false;
  const stopped = gateway.stop().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await waitReally(2);
    await time.pass(STEP_MS);
  }
  await stopped;
  time.end();
}

function report(all: readonly Count[], { traffic, gateway }: { traffic: Traffic; gateway: DayGateway }): void {
  const [first, last] = [all[from - 1], all.at(-1)];
  if (first === undefined || last === undefined || first === last)
    throw new Error("--from is an hour before the last.");
  const change = last.bytes / first.bytes - 1;
  const grown = Object.entries(last.byKind)
    .map(([kind, now]) => ({ kind, before: first.byKind[kind] ?? { count: 0, bytes: 0 }, now }))
    .filter(({ before, now }) => now.bytes - before.bytes > WORTH_BYTES)
    .toSorted((left, right) => right.now.bytes - right.before.bytes - (left.now.bytes - left.before.bytes));
  const objects = last.objects / first.objects - 1;
  const since = `from hour ${from} to hour ${last.hour}`;
  const faults = [
    ...(Math.abs(change) <= BAND ? [] : [`The heap changed by ${printPercent(change)} ${since}.`]),
    ...(objects <= BAND ? [] : [`There are ${printPercent(objects)} objects, ${since}.`]),
    ...(last.timers <= first.timers + MORE_TIMERS ? [] : [`${last.timers - first.timers} more timers are set.`]),
  ];
  const seconds = (performance.now() - startedAt) / 1000;
  if (isJson)
    console.log(
      JSON.stringify({
        hours,
        from,
        seconds,
        change,
        objects,
        counts: all.map((each) => ({ ...each, byKind: undefined })),
        grown,
        asked: traffic.counts,
        complaints: [...gateway.complaints],
        faults,
      }),
    );
  else {
    const rows = all.map(({ hour, bytes, objects: alive, codeBytes, timers, rssBytes }) => [
      String(hour),
      printMegabytes(bytes),
      alive.toLocaleString("en-US"),
      String(timers),
      printMegabytes(codeBytes),
      printMegabytes(rssBytes),
    ]);
    console.log(
      printTable(["hour", "heap, MB", "objects", "timers", "compiled code, MB", "RSS with threads, MB"], rows),
    );
    for (const { kind, before, now } of grown)
      console.log(
        `${kind}: ${before.count} → ${now.count}, ${printMegabytes(before.bytes)} → ${printMegabytes(now.bytes)} MB`,
      );
    for (const [name, times] of Object.entries(traffic.counts)) console.log(`${String(times).padStart(8)} ${name}`);
    console.log(`${seconds.toFixed(0)} s. The heap changed by ${printPercent(change)}.`);
    for (const complaint of gateway.complaints) console.log(`log: ${complaint}`);
  }
  for (const fault of faults) console.error(`✗ ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

function printPercent(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(1)} %`;
}

function printMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
