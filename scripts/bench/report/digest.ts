// The one table of a run that README shows: a scenario a line, and all who took part beside each other. Knows no process.

import { DIRECT } from "../run/run.ts";
import { printMachine } from "./machine.ts";
import { type Report, printNoise, printProcesses, printVerdict } from "./report.ts";
import type { Spread } from "./statistic.ts";
import type { Note, Summary } from "./summary.ts";
import { printCount, printTable } from "./table.ts";

const OURS = "tokligence";

export function printDigest(report: Report): string {
  const { scenarios } = report;
  const names = [...new Set(scenarios.flatMap(({ results }) => Object.keys(results)))].filter(
    (name) => name !== DIRECT,
  );
  const variants = names.filter((name) => name.startsWith(`${OURS}-`));
  const others = names.filter((name) => name !== OURS && !variants.includes(name));
  const isOfBooks = ({ id }: Report["scenarios"][number]): boolean => id.startsWith("ledger-");
  const plain = scenarios.filter((scenario) => !isOfBooks(scenario));
  const head = ["", "Tokligence: req/s", "added p50 / p99, ms", "CPU, µs", ...others.flatMap(nameColumns)];
  const rows = plain.map(({ id, results }) => [
    id,
    ...printOurs(results[OURS]),
    ...others.flatMap((name) => printOther(results[name])),
  ]);
  return [
    printMachine(report.machine),
    printNoise(report),
    `\`${report.command}\``,
    printTable(head, rows),
    "Medians of all rounds, ± half of what these lie apart. * The bench itself was the limit: CPU tells more. † Does not keep up with the rate.",
    printAbsent(report),
    ...scenarios.filter(isOfBooks).map(({ id, results }) => printBooks(id, results)),
    printProcesses(report),
    printVerdict(report),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Why a place of the table is blank; of whoever is no such thing nothing is said. */
function printAbsent({ scenarios }: Report): string {
  const all = scenarios.flatMap(({ id, absent }) =>
    Object.entries(absent).map(([name, why]) => `${name} in ${id} (${why})`),
  );
  return all.length === 0 ? "" : `Tried, and could not do it: ${all.join(", ")}.`;
}

function nameColumns(name: string): string[] {
  return [`${name}: req/s`, "CPU, µs"];
}

function printOurs(summary: Summary | undefined): string[] {
  if (summary === undefined) return ["", "", ""];
  return [printRate(summary), printAdded(summary), printCost(summary)];
}

function printOther(summary: Summary | undefined): string[] {
  return summary === undefined ? ["", ""] : [printRate(summary), printCost(summary)];
}

/** Of a stream: to its first event, and to each once it was sent. */
function printAdded({ added, addedFirst, addedPiece }: Summary): string {
  if (addedPiece.p50 === null) return `${printMs(added.p50)} / ${printMs(added.p99)}`;
  return `first ${printMs(addedFirst.p50)} / ${printMs(addedFirst.p99)}, event ${printMs(addedPiece.p50)} / ${printMs(addedPiece.p99)}`;
}

function printCost({ cpuUs, pieceCpuUs }: Summary): string {
  if (pieceCpuUs !== null) return `${pieceCpuUs.median.toFixed(1)} an event`;
  return cpuUs === null ? "" : cpuUs.median.toFixed(1);
}

function printBooks(id: string, results: Readonly<Record<string, Summary>>): string {
  const rows = Object.entries(results)
    .filter(([name]) => name !== DIRECT)
    .map(([name, summary]) => [
      name,
      printRate(summary),
      printMs(summary.added.p50),
      printMs(summary.added.p99),
      printCost(summary),
    ]);
  return printTable([id, "req/s", "added p50, ms", "p99", "CPU, µs"], rows);
}

const MARKS: Readonly<Record<Note, string>> = { "does not keep up": " †", "the bench was the limit": " *" };

function printRate({ perSecond, notes }: Summary): string {
  return printCount(perSecond) + notes.map((note) => MARKS[note]).join("");
}

function printMs(value: Spread | null): string {
  return value === null ? "–" : (value.median / 1e3).toFixed(2);
}
