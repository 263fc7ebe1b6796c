// `bun scripts/bench/kill9.ts [--seed N] [--kills 300] [--engine sqlite|postgres]`: kills the built executable at random moments under load, and
// says whether the books hold what clients and provider saw. Exit code 1 where they do not.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder } from "../../test/e2e/binary.ts";
import { killAgainAndAgain } from "../../test/e2e/kill.ts";
import { createDatabase } from "../../test/postgres.ts";
import { ROOT } from "../compile.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    kills: { type: "string", default: "300" },
    engine: { type: "string", default: "sqlite" },
  },
});
const seed = Number(values.seed);
const kills = Number(values.kills);
if (!(Number.isInteger(seed) && kills >= 1 && kills <= 10_000))
  throw new Error("--seed and --kills (1 to 10000) are whole numbers.");
if (values.engine !== "sqlite" && values.engine !== "postgres") throw new Error("--engine is sqlite or postgres.");
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
  dsn: values.engine === "postgres" ? await createDatabase() : null,
  onKill: (done) => void process.stderr.write(`\r${done} of ${kills} kills`),
});
process.stderr.write("\n");
rmSync(folder, { recursive: true, force: true });
console.log(
  JSON.stringify({ engine: values.engine, seed, seconds: Math.round((performance.now() - started) / 1000), ...report }),
);
const { unsettled, unbooked, unlisted, doubled, openIntents, brokenChains } = report;
const isGood =
  [unsettled, unbooked, unlisted, doubled, brokenChains].every((list) => list.length === 0) && openIntents === 0;
process.exit(isGood ? 0 : 1);
