// `bun run bench [--quick] [--scenario A,B] [--only A,B] [--json FILE]`: the built executable beside other gateways and proxies, all in front of one
// provider on this machine, by turns: how much they take, add and need. `--help` says more. Exit code 1 where a request failed or a row is missing, 2 for words that it does not know.

import { statSync } from "node:fs";
import { stopAllOnSignal } from "./bench/peer/launch.ts";
import { printDigest } from "./bench/report/digest.ts";
import { describeMachine, readLoad } from "./bench/report/machine.ts";
import { makeReport, printReport } from "./bench/report/report.ts";
import { assignCores, keepAside } from "./bench/run/core.ts";
import { EXIT_USAGE } from "./flag.ts";
import { HELP, type Options, readOptions } from "./bench/run/option.ts";
import { buildExecutables, run } from "./bench/run/run.ts";

/** Rows of a PostgreSQL ledger are delivered after they are safe. */
const SETTLE_MS = 30_000;
const LEAST_REQUESTS = 1_000;

const words = Bun.argv.slice(2);
stopAllOnSignal();
const options = understand();
try {
  if (options.isHelp) console.log(HELP);
  else await bench(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
process.exit();

function understand(): Options {
  try {
    return readOptions(words);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return process.exit(EXIT_USAGE);
  }
}

async function bench({ json, isReadme, scenarios, ...options }: Options): Promise<void> {
  if (process.platform !== "linux")
    throw new Error("The bench reads what processes take from /proc: it runs on Linux.");
  const load = readLoad();
  const executable = await buildExecutables(options.peers.keys());
  const cores = assignCores();
  keepAside(cores);
  const outcome = await run({
    ...options,
    scenarios,
    cores,
    leastRequests: LEAST_REQUESTS,
    settleMs: SETTLE_MS,
    onProgress: tellProgress,
  });
  tellProgress("");
  const report = makeReport({
    outcome,
    scenarios,
    machine: describeMachine(cores, load, new Date()),
    command: ["bun run bench", ...words].join(" "),
    binaryBytes: executable === null ? null : statSync(executable).size,
  });
  console.log(isReadme ? printDigest(report) : printReport(report));
  if (json !== null) await Bun.write(json, `${JSON.stringify(report, null, 1)}\n`);
  if (report.faults.length > 0) process.exitCode = 1;
}

/** One line that is written over, on a terminal; a line for each step elsewhere would drown what is said at the end. */
function tellProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${line}`);
}
