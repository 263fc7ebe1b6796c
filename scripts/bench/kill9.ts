// `bun scripts/bench/kill9.ts [--seed N] [--kills 300] [--engine sqlite|postgres]`: kills the built executable at random moments under load, and
// says whether the books hold what clients and provider saw. Exit code 1 where they do not.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../test/e2e/binary.ts";
import { killAgainAndAgain } from "../../test/e2e/kill.ts";
import { createDatabase } from "../../test/postgres.ts";
import { ROOT } from "../compile.ts";
import { aChoice, aCount, readFlags } from "../flag.ts";

const {
  engine = "sqlite",
  kills,
  seed,
} = readFlags({
  engine: aChoice(["sqlite", "postgres"]),
  kills: aCount(300, { most: 10_000 }),
  seed: aCount(Date.now() % 1_000_000, { least: 0 }),
});
const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
  stdout: "ignore",
  stderr: "inherit",
});
if (!build.success) process.exit(1);

const folder = makeFolder();
const started = performance.now();
const report = await killAgainAndAgain({
  seed,
  kills,
  folder,
  dsn: engine === "postgres" ? await createDatabase() : null,
  onKill: (done) => void process.stderr.write(`\r${done} of ${kills} kills`),
});
process.stderr.write("\n");
rmSync(folder, { recursive: true, force: true });
console.log(JSON.stringify({ engine, seed, seconds: Math.round((performance.now() - started) / 1000), ...report }));
const { unsettled, unbooked, unlisted, doubled, openIntents, brokenChains } = report;
const isGood =
  [unsettled, unbooked, unlisted, doubled, brokenChains].every((list) => list.length === 0) && openIntents === 0;
process.exit(isGood ? 0 : 1);
