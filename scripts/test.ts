// `bun run test [filters]`: builds the executable, runs the tests, and ends with one line: N passed, N failed.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "./compile.ts";
import { readWords } from "./flag.ts";
import { providePrograms } from "./provide.ts";

/** For one test; generous, as a loaded machine is slow and a hang is a failure all the same. */
const TIMEOUT_MS = 60_000;
/** For one process of tests: it is ended, and has failed, before a test that blocks its thread holds up all others. */
const PROCESS_TIMEOUT_MS = 900_000;
/** How many files run in one process, so that what they leave in memory is given back now and then. */
const FILES_A_PROCESS = 12;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const { names: filters } = readWords({});
providePrograms();
// In a process of its own, so that the tests start with its memory given back.
const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
  cwd: ROOT,
  stdio: ["ignore", "inherit", "inherit"],
});
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
if (build.success) {
  for (const files of groupFiles(filters)) {
    const part = await runTests(files);
    counts.passed += part.passed;
    counts.failed += part.failed;
    counts.skipped += part.skipped;
  }
}
// A run without tests is a failure too, though no test says so.
if (counts.passed === 0) counts.failed = Math.max(1, counts.failed);
console.log(
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`,
);
process.exit(counts.failed === 0 ? 0 : 1);

/** The files whose path holds one of `filters` (all of them without one), those of a folder together, what starts the executable last. */
function groupFiles(filters: readonly string[]): string[][] {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: ROOT })]
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  const folders = Object.entries(Object.groupBy(files, (file) => dirname(file)));
  const last = folders.filter(([folder]) => folder.startsWith("test/e2e"));
  return [...folders.filter((entry) => !last.includes(entry)), ...last].flatMap(([, members = []]) =>
    Array.from({ length: Math.ceil(members.length / FILES_A_PROCESS) }, (_, index) =>
      members.slice(index * FILES_A_PROCESS, (index + 1) * FILES_A_PROCESS),
    ),
  );
}

async function runTests(files: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-junit-"));
  const report = join(folder, "report.xml");
  try {
    const run = Bun.spawn(
      [
        process.execPath,
        "test",
        `--timeout=${TIMEOUT_MS}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...files.map((file) => `./${file}`),
      ],
      { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"], timeout: PROCESS_TIMEOUT_MS, killSignal: "SIGKILL" },
    );
    const started = performance.now();
    const code = await run.exited;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const megabytes = ((run.resourceUsage()?.maxRSS ?? 0) / 2 ** 20).toFixed(0);
    console.log(`\n${files[0]} and ${files.length - 1} more: ${seconds} s, at most ${megabytes} MiB`);
    const file = Bun.file(report);
    const part = readCounts((await file.exists()) ? await file.text() : "");
    // A file that does not load, a process that died: a failure, though no test says so.
    if (code !== 0 && part.failed === 0) {
      console.log(`failed with ${run.signalCode ?? `code ${code}`}: ${files.join(" ")}`);
      part.failed = 1;
    }
    return part;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From the report's root element. */
function readCounts(report: string): Counts {
  const root = /<testsuites\b[^>]*>/u.exec(report)?.[0] ?? "";
  const read = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`, "u").exec(root)?.[1] ?? 0);
  const [failed, skipped] = [read("failures") + read("errors"), read("skipped")];
  return { passed: read("tests") - failed - skipped, failed, skipped };
}
