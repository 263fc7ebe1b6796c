// What a run says to people, and to programs. Knows no process.

import type { Scenario } from "../scenario/type.ts";
import { DIRECT, type Outcome, type PeerFigures } from "../run/run.ts";
import type { Round } from "../run/round.ts";
import { type Machine, printMachine } from "./machine.ts";
import { spread } from "./statistic.ts";
import { type Summary, listFaults, summarize } from "./summary.ts";
import { printCount, printMegabytes, printMs, printTable, printUs } from "./table.ts";

export interface Report {
  machine: Machine;
  command: string;
  /** Bytes of the executable; null where it took no part. */
  binaryBytes: number | null;
  peers: Record<string, PeerFigures>;
  scenarios: ScenarioReport[];
  /** In words; a run with any is void. */
  faults: string[];
}

interface ScenarioReport {
  id: string;
  about: string;
  pattern: Scenario["pattern"];
  results: Record<string, Summary>;
  absent: Record<string, string>;
  /** All that was measured, for whoever wants to reckon otherwise. */
  rounds: Record<string, readonly Round[]>;
}

interface Given {
  outcome: Outcome;
  scenarios: ReadonlyMap<string, Scenario>;
  machine: Machine;
  command: string;
  binaryBytes: number | null;
}

export function makeReport({ outcome, scenarios, machine, command, binaryBytes }: Given): Report {
  const reports = [...scenarios].map(([id, { about, pattern }]) => {
    const rounds: ReadonlyMap<string, readonly Round[]> = outcome.rounds.get(id) ?? new Map();
    const direct = rounds.get(DIRECT) ?? [];
    const results = Object.fromEntries([...rounds].map(([name, each]) => [name, summarize(each, direct)]));
    const absent = Object.fromEntries(outcome.absent.get(id) ?? []);
    return { id, about, pattern, results, absent, rounds: Object.fromEntries(rounds) };
  });
  const faults = reports.flatMap(({ id, results, absent }) => [
    ...Object.entries(results).flatMap(([name, { faults: own }]) =>
      listFaults(own).map((fault) => `${id}, ${name}: ${fault}`),
    ),
    // Of others it is told; that the gateway itself cannot do what it is there for is a fault.
    ...Object.entries(absent)
      .filter(([name]) => name === DIRECT || name.startsWith("tokligence"))
      .map(([name, why]) => `${id}, ${name}: ${why}`),
  ]);
  for (const [name, { doubleRows }] of outcome.peers) {
    if (doubleRows > 0) faults.push(`${name}: ${doubleRows} rows of the ledger are of a request that has another one`);
  }
  return { machine, command, binaryBytes, peers: Object.fromEntries(outcome.peers), scenarios: reports, faults };
}

export function printReport(report: Report): string {
  return [
    printMachine(report.machine),
    printNoise(report),
    `\`${report.command}\``,
    ...report.scenarios.map(printScenario),
    printProcesses(report),
    printFloor(report),
    printVerdict(report),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Whether the figures count for anything. */
export function printVerdict(report: Report): string {
  if (report.faults.length > 0)
    return ["VOID: these figures count for nothing.", ...report.faults.map((fault) => `✗ ${fault}`)].join("\n");
  return `No request failed${keepsBooks(report) ? ", and each that was answered has exactly one row in the ledger" : ""}.`;
}

/** How much of a processor others took; while the provider alone is asked, nobody who takes part has anything to do. */
export function measureNoise({
  scenarios,
}: {
  scenarios: readonly Pick<ScenarioReport, "rounds">[];
}): Round["foreign"] & {
  isQuiet: boolean;
} {
  const direct = scenarios.flatMap(({ rounds }) => rounds[DIRECT] ?? []);
  const of = (pick: (round: Round) => number): number => Math.max(0, spread(direct.map(pick))?.median ?? 0);
  const [others, stolen] = [of(({ foreign }) => foreign.others), of(({ foreign }) => foreign.stolen)];
  return { others, stolen, isQuiet: others + stolen <= NOISY };
}

export function printNoise(report: Report): string {
  const { others, stolen, isQuiet } = measureNoise(report);
  const percent = (share: number): string => `${Math.round(share * 100)}%`;
  const said = `Meanwhile other processes took ${percent(others)} of a processor, and the host of this machine ${percent(stolen)}.`;
  return isQuiet ? said : `${said} NOT QUIET: these figures say little.`;
}

/** Of a processor; beyond it, what is measured waits for others. */
const NOISY = 0.15;

function keepsBooks({ scenarios }: Report): boolean {
  const rounds = scenarios.flatMap((scenario) => Object.values(scenario.rounds).flat());
  return rounds.some(({ missingRows }) => missingRows !== null);
}

const HEAD = [
  "",
  "req/s",
  "added p50, ms",
  "p90",
  "p99",
  "p99.9",
  "first event added p50, ms",
  "p99",
  "each event added p50, ms",
  "p99",
  "CPU, µs/request",
  "µs/event",
  "RSS, MB",
  "",
];

function printScenario({ id, about, pattern, results, absent }: ScenarioReport): string {
  const rows = Object.entries(results).map(([name, result]) => printRow(name, result));
  const missing = Object.entries(absent).map(([name, why]) => `${name} cannot: ${why}.`);
  return [`**${id}**: ${about}; ${describePattern(pattern)}`, printTable(HEAD, rows), ...missing].join("\n\n");
}

function printRow(name: string, result: Summary): string[] {
  const isBase = name === DIRECT;
  const ms = (values: Summary["added"], quantile: keyof Summary["added"]): string =>
    isBase ? "" : printMs(values[quantile]);
  return [
    name,
    printCount(result.perSecond),
    ...(["p50", "p90", "p99", "p999"] as const).map((quantile) =>
      isBase ? inAll(printMs(result.latency[quantile])) : ms(result.added, quantile),
    ),
    ms(result.addedFirst, "p50"),
    ms(result.addedFirst, "p99"),
    ms(result.addedPiece, "p50"),
    ms(result.addedPiece, "p99"),
    printUs(result.cpuUs),
    printUs(result.pieceCpuUs),
    result.rssBytes === null ? "" : printMegabytes(result.rssBytes.most),
    isBase ? "" : result.notes.join(", "),
  ];
}

/** The provider itself adds nothing: what stands there is how long it takes. */
function inAll(text: string): string {
  return text === "" ? "" : `(${text})`;
}

function describePattern(pattern: Scenario["pattern"]): string {
  switch (pattern.kind) {
    case "closed":
      return `${pattern.connections} ${pattern.connections === 1 ? "connection asks" : "connections ask"} as soon as answered`;
    case "once":
      return `${pattern.connections} connections, begun within ${pattern.rampMs} ms`;
    case "rate":
      return `${pattern.perSecond} requests a second, whether or not answered`;
    default:
      return pattern satisfies never;
  }
}

export function printProcesses({ peers, binaryBytes }: Report): string {
  const rows = Object.entries(peers).map(([name, { version, about, startMs, rssBytes }]) => [
    name,
    about,
    version,
    printStart(startMs),
    printMegabytes(rssBytes.start),
    printMegabytes(rssBytes.load),
    printMegabytes(rssBytes.after),
  ]);
  const head = ["", "what", "version", "start to first 200, ms", "RSS at start, MB", "under load", "after"];
  const size = binaryBytes === null ? [] : [`The executable has ${printMegabytes(binaryBytes)} MB.`];
  return [printTable(head, rows), ...size].join("\n\n");
}

function printStart(startMs: readonly number[]): string {
  const value = spread(startMs);
  return value === null ? "" : `${value.median.toFixed(0)} ±${((value.most - value.least) / 2).toFixed(0)}`;
}

/** What the bench itself needs, by which it can be judged whether it was the limit. */
function printFloor({ scenarios }: Report): string {
  const rows = scenarios.flatMap(({ id, results }) => {
    const direct = results[DIRECT];
    if (direct === undefined) return [];
    return [[id, printCount(direct.perSecond), printUs(direct.loadUs), printUs(direct.upstreamUs)]];
  });
  const head = [
    "the bench's own floor: the load straight at the provider",
    "req/s",
    "load, µs/request",
    "provider, µs/request",
  ];
  return rows.length === 0 ? "" : printTable(head, rows);
}
