// `bun run chaos [--seed N] [--seconds 120] [--clients 24]`: three providers that fail at random under load, with the built executable and its real
// books; prints a table and one line of JSON. Exit code 1 where a request was lost that a provider could have served, where books and calls differ,
// or where something is left behind.

import { join } from "node:path";
import { runChaos } from "../../test/e2e/chaos.ts";
import { ROOT } from "../compile.ts";
import { aCount, readFlags } from "../flag.ts";

const { clients, seconds, seed } = readFlags({
  clients: aCount(24, { most: 1_000 }),
  seconds: aCount(120, { most: 3_600 }),
  seed: aCount(Date.now() % 1_000_000, { least: 0 }),
});
const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
  stdout: "ignore",
  stderr: "inherit",
});
if (!build.success) process.exit(1);

const report = await runChaos({
  seed,
  seconds,
  clients,
  onProgress: (done, failed) => void process.stderr.write(`\r${done} requests, ${failed} lost`),
});
process.stderr.write("\n");
const { outcomes, fates, violations, rssMb, files, ...figures } = report;
const rows: [string, unknown][] = [
  ...Object.entries(figures),
  ...Object.entries(outcomes).map(([name, count]): [string, unknown] => [`client: ${name}`, count]),
  ...Object.entries(fates).map(([name, count]): [string, unknown] => [`provider: ${name}`, count]),
  ["memory, MB", `${rssMb.first} → ${rssMb.last}`],
  ["open files", `${files.before} → ${files.after}`],
  ["violations", violations.length],
];
for (const [name, value] of rows) console.error(`${name.padEnd(24)}${String(value)}`);
for (const violation of violations.slice(0, 20)) console.error(`✗ ${violation}`);
console.log(JSON.stringify(report));
process.exit(violations.length === 0 ? 0 : 1);
