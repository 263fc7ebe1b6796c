// `bun run check`: everything that must hold before a change is taken: format, lint, types, dead code, tests; on CI what a request costs, too.
// With --fix, format and lint mend what they can, and nothing else runs.

import { join } from "node:path";
import { ROOT } from "./compile.ts";
import { aSwitch, readFlags } from "./flag.ts";

const BUN = process.execPath;
const LINT = [
  BUN,
  "--bun",
  join(ROOT, "node_modules/oxlint/bin/oxlint"),
  "--config=scripts/oxlint.json",
  "--type-aware",
  "--quiet",
  "src",
  "scripts",
  "test",
];
/** What is written by hand; recordings and generated files are left as they are. */
const FORMATTED = ["src/**/*.ts", "scripts/**/*.ts", "scripts/*.json", "test/**/*.ts", "package.json", "tsconfig.json"];

/** It takes half a minute where nothing else runs. */
const COST_TIMEOUT_MS = 240_000;

const STEPS: readonly { name: string; command: readonly string[] }[] = [
  { name: "format", command: [BUN, "fmt", "--check", "--no-script", ...FORMATTED] },
  { name: "lint", command: LINT },
  { name: "types", command: [BUN, "check", "--no-script"] },
  { name: "dead code", command: [BUN, "--bun", join(ROOT, "node_modules/knip/bin/knip-bun.js"), "--no-progress"] },
];

if (readFlags({ fix: aSwitch }).fix) {
  const format = run([BUN, "fmt", "--no-script", ...FORMATTED], "inherit");
  process.exit(run([...LINT, "--fix"], "inherit").exitCode || format.exitCode);
}
const failures: string[] = [];
for (const { name, command } of STEPS) {
  const started = performance.now();
  const { success, stdout, stderr } = run(command, "pipe");
  console.log(`${success ? "ok  " : "FAIL"} ${name} ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (success) continue;
  failures.push(name);
  console.log(`${stdout?.toString() ?? ""}${stderr?.toString() ?? ""}`.trim());
}
// Before the tests, which leave a machine busy; and where people work it is seldom quiet.
if (process.env["CI"] === "true" && process.platform === "linux" && !compareCost()) failures.push("cost of a request");
if (failures.length > 0) console.log(`failed before the tests: ${failures.join(", ")}`);
const tests = run([BUN, join(ROOT, "scripts/test.ts")], "inherit");
process.exit(failures.length > 0 ? 1 : tests.exitCode);

/** Whether a request costs about what it cost before; how much that is, is said in any case. */
function compareCost(): boolean {
  const command = [BUN, join(ROOT, "scripts/bench/ratio.ts")];
  const { success, exitedDueToTimeout } = Bun.spawnSync(command, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: COST_TIMEOUT_MS,
  });
  if (exitedDueToTimeout === true) console.log("What a request costs was not found out: this machine is too busy.");
  return success || exitedDueToTimeout === true;
}

function run(command: readonly string[], output: "inherit" | "pipe") {
  return Bun.spawnSync([...command], { cwd: ROOT, stdin: "ignore", stdout: output, stderr: output });
}
