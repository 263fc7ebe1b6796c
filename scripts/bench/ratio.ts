// `bun scripts/bench/ratio.ts [--write]`: what a request and a streamed event cost the built executable, as a multiple of what they cost a bare
// proxy on the same runtime in the same run, beside what it was before. Processor time is counted, not speed, so that a busy machine says the same.
// It warns beyond +15 %, and ends with 1 only beyond +60 % on a quiet machine, or where a request failed or has no row. `--write` takes the figures
// for the next time to be held against.

import { join } from "node:path";
import { bunProxy } from "./peer/bun-proxy.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { makeTokligence } from "./peer/tokligence.ts";
import { describeMachine, readLoad } from "./report/machine.ts";
import { type Previous, judgeRatio, readPrevious, readRatios } from "./report/ratio.ts";
import { makeReport, measureNoise } from "./report/report.ts";
import { printTable } from "./report/table.ts";
import { buildGateway } from "./run/build.ts";
import { assignCores, keepAside } from "./run/core.ts";
import { aSwitch, readFlags } from "../flag.ts";
import { run } from "./run/run.ts";
import { SCENARIOS } from "./scenario/index.ts";
import type { Scenario } from "./scenario/type.ts";

const PREVIOUS = join(import.meta.dir, "previous.json");
const SETTLE_MS = 15_000;

/** So many of each, however long they take: of few, what a gateway does by the clock would be most. */
const COUNTED = {
  "chat-1k-c32": { ...SCENARIOS["chat-1k-c32"], pattern: { kind: "closed", connections: 32, requests: 5_000 } },
  "sse-burst": { ...SCENARIOS["sse-burst"], pattern: { kind: "closed", connections: 32, requests: 150 } },
} as const satisfies Record<string, Scenario>;

const { write: isToWrite } = readFlags({ write: aSwitch });
stopAllOnSignal();
if (process.platform === "linux") await measure();
else console.log("What processes take is read from /proc, which this system does not have: nothing is measured.");
process.exit();

/** What is unreadable is told before minutes go by. */
async function findPrevious(): Promise<Previous> {
  try {
    return readPrevious(await Bun.file(PREVIOUS).text());
  } catch (error) {
    if (isToWrite) return { commit: "", ratios: {} };
    console.error(`${PREVIOUS}: ${(error as Error).message} --write takes those of a run in their place.`);
    return process.exit(1);
  }
}

async function measure(): Promise<void> {
  const previous = await findPrevious();
  const scenarios = new Map<string, Scenario>(
    Object.entries(COUNTED).map(([id, scenario]) => [id, { ...scenario, peers: ["bun-proxy", "tokligence"] }]),
  );
  const tokligence = makeTokligence({
    about: "recount = off",
    executable: buildGateway,
    // How many are counted again depends on how much time there is.
    settings: ["recount = off"],
    engine: "sqlite",
    keepsBooks: true,
  });
  await buildGateway();
  const cores = assignCores();
  keepAside(cores);
  const outcome = await run({
    scenarios,
    peers: new Map(Object.entries({ "bun-proxy": bunProxy, tokligence })),
    usual: [],
    rounds: 6,
    seconds: 1,
    leastRequests: 0,
    warmUp: { seconds: 2, requests: 30_000 },
    starts: 1,
    upstreamPort: 0,
    cores,
    settleMs: SETTLE_MS,
    onProgress: () => undefined,
  });
  const machine = describeMachine(cores, readLoad(), new Date());
  const report = makeReport({ outcome, scenarios, machine, command: "bun scripts/bench/ratio.ts", binaryBytes: null });
  const ratios = readRatios(report);
  const { isQuiet } = measureNoise(report);
  const judged = Object.entries(ratios).map(([name, ratio]) => ({
    name,
    ratio,
    ...judgeRatio(ratio, previous.ratios[name], isQuiet),
  }));
  const rows = judged.map(({ name, ratio, before, said }) => [name, ratio.toFixed(2), before, said]);
  console.log(
    printTable(["processor time, as a multiple of a bare proxy's", "now", `at ${previous.commit}`, ""], rows),
  );
  if (!isQuiet) console.log("This machine did other things meanwhile: nothing of this fails.");
  for (const fault of report.faults) console.log(`✗ ${fault}`);
  const isWhole = report.faults.length === 0 && Object.values(ratios).every(Number.isFinite);
  if (!isToWrite) {
    if (!isWhole || judged.some(({ isFar }) => isFar)) process.exitCode = 1;
    return;
  }
  if (!isWhole) {
    console.log("These figures count for nothing, and are not written.");
    process.exitCode = 1;
    return;
  }
  const next: Previous = { commit: machine.commit, ratios };
  await Bun.write(PREVIOUS, `${JSON.stringify(next, null, 2)}\n`);
}
