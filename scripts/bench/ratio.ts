// `bun scripts/bench/ratio.ts [--write]`: what a request and a streamed event cost the built executable, as a multiple of what they cost a bare
// proxy on the same runtime in the same run, beside what it was before. Processor time is counted, not speed, so that a busy machine says the same.
// It warns, and ends with 1 only far beyond: see `BANDS`. `--write` takes the figures for the next time to be held against.

import { join } from "node:path";
import { bunProxy } from "./peer/bun-proxy.ts";
import { makeTokligence } from "./peer/tokligence.ts";
import { describeMachine, readLoad } from "./report/machine.ts";
import { type Ratios, judgeRatio, readRatios } from "./report/ratio.ts";
import { makeReport } from "./report/report.ts";
import { printTable } from "./report/table.ts";
import { buildGateway } from "./run/build.ts";
import { assignCores, keepAside } from "./run/core.ts";
import { run } from "./run/run.ts";
import { SCENARIOS } from "./scenario/index.ts";

const PREVIOUS = join(import.meta.dir, "previous.json");
const SETTLE_MS = 15_000;

if (process.platform === "linux") await measure();
else console.log("What processes take is read from /proc, which this system does not have: nothing is measured.");
process.exit();

async function measure(): Promise<void> {
  const scenarios = new Map((["chat-1k-c32", "sse-burst"] as const).map((id) => [id, SCENARIOS[id]]));
  const about = "as installed";
  const tokligence = makeTokligence({
    about,
    executable: buildGateway,
    settings: [],
    engine: "sqlite",
    keepsBooks: true,
  });
  await buildGateway();
  const cores = assignCores();
  keepAside(cores);
  const outcome = await run({
    scenarios,
    peers: new Map(Object.entries({ "bun-proxy": bunProxy, tokligence })),
    usual: ["bun-proxy", "tokligence"],
    rounds: 5,
    seconds: 0.5,
    leastRequests: 0,
    starts: 1,
    upstreamPort: 0,
    cores,
    settleMs: SETTLE_MS,
    onProgress: () => undefined,
  });
  const machine = describeMachine(cores, readLoad(), new Date());
  const report = makeReport({ outcome, scenarios, machine, command: "bun scripts/bench/ratio.ts", binaryBytes: null });
  const ratios = readRatios(report);
  const previous: Ratios = await Bun.file(PREVIOUS).json();
  const judged = Object.entries(ratios).map(([name, ratio]) => ({ name, ratio, ...judgeRatio(ratio, previous[name]) }));
  const rows = judged.map(({ name, ratio, before, said }) => [name, ratio.toFixed(2), before, said]);
  console.log(printTable(["processor time, as a multiple of a bare proxy's", "now", "before", ""], rows));
  for (const fault of report.faults) console.log(`✗ ${fault}`);
  if (Bun.argv.includes("--write")) await Bun.write(PREVIOUS, `${JSON.stringify(ratios, null, 2)}\n`);
  else if (judged.some(({ isFar }) => isFar) || report.faults.length > 0) process.exitCode = 1;
}
