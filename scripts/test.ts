// `bun run test [filters]`: builds the executable, runs the tests, and ends with one line: N passed, N failed.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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
/** Of what is told of a failure at the end. */
const MOST_LINES = 40;

interface Failure {
  /** The one that the test is in; all that ran together where no test says what failed. */
  files: readonly string[];
  name: string;
  /** What was expected, what came, and where. */
  text: string;
}

interface Part {
  passed: number;
  skipped: number;
  failures: Failure[];
}

const { names: filters } = readWords({});
providePrograms();
// In a process of its own, so that the tests start with its memory given back.
const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
  cwd: ROOT,
  stdio: ["ignore", "inherit", "inherit"],
});
const [failures, unsteady]: [Failure[], Failure[]] = [[], []];
let [passed, skipped] = [0, 0];
if (build.success) {
  for (const files of groupFiles(filters)) {
    const part = await runTests(files);
    const again = await tryAgain(part.failures);
    passed += part.passed + again.unsteady.length;
    skipped += part.skipped;
    failures.push(...again.failures);
    unsteady.push(...again.unsteady);
  }
}
// Said where a reader of a long log looks first: at its end.
for (const failure of failures) console.log(`\nfailed: ${describeFailure(failure)}\n${failure.text}`);
for (const failure of unsteady) {
  console.log(`\nunsteady: ${describeFailure(failure)}\nfailed once and passed when it ran again: ${failure.text}`);
}
// A run without tests is a failure too, though no test says so.
const failed = passed === 0 ? Math.max(1, failures.length) : failures.length;
const notes = [skipped > 0 ? `, ${skipped} skipped` : "", unsteady.length > 0 ? `, ${unsteady.length} unsteady` : ""];
console.log(`${passed} passed, ${failed} failed${notes.join("")}`);
process.exit(failed === 0 ? 0 : 1);

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

/**
 * Runs the files of `failures` once more, alone: what a loaded machine did to a test is told apart from what is wrong
 * with the code. A test that passes then counts as passed, and is named as unsteady, for somebody to mend.
 */
async function tryAgain(failures: readonly Failure[]): Promise<{ failures: Failure[]; unsteady: Failure[] }> {
  const still: Failure[] = [];
  const groups = new Map(failures.map(({ files }) => [files.join(" "), files]));
  for (const files of groups.values()) still.push(...(await runTests(files)).failures);
  const isStill = (one: Failure): boolean => still.some((other) => describeFailure(one) === describeFailure(other));
  return { failures: still, unsteady: failures.filter((failure) => !isStill(failure)) };
}

function describeFailure({ files, name }: Failure): string {
  return `${files.join(" ")}: ${name}`;
}

async function runTests(files: readonly string[]): Promise<Part> {
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
    const part = readReport(existsSync(report) ? readFileSync(report, "utf8") : "");
    // A file that does not load, a process that died: a failure, though no test says so.
    if (code !== 0 && part.failures.length === 0) {
      const text = `ended with ${run.signalCode ?? `code ${code}`}`;
      part.failures.push({ files, name: "no test of its own", text });
    }
    return part;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(report: string): Part {
  const root = /<testsuites\b[^>]*>/u.exec(report)?.[0] ?? "";
  const readCount = (name: string): number => Number(readAttribute(root, name) || 0);
  const failures = [...report.matchAll(/(<testcase\b[^>]*>)\s*(<failure\b[^>]*>)(?:([^<]*)<\/failure>)?/gu)].map(
    ([, test = "", failure = "", text]): Failure => ({
      files: [readAttribute(test, "file")],
      name: [readAttribute(test, "classname"), readAttribute(test, "name")].filter(Boolean).join(" > "),
      text: shorten(decode(text ?? "") || readAttribute(failure, "message")),
    }),
  );
  const skipped = readCount("skipped");
  return { passed: readCount("tests") - readCount("failures") - readCount("errors") - skipped, skipped, failures };
}

/** The whole stands in the log, where it failed. */
function shorten(text: string): string {
  const lines = text.trimEnd().split("\n");
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), "…"].join("\n") : lines.join("\n");
}

function readAttribute(tag: string, name: string): string {
  return decode(new RegExp(`\\b${name}="([^"]*)"`, "u").exec(tag)?.[1] ?? "");
}

/** What the report writes in place of marks of its own. */
function decode(text: string): string {
  const marks: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(?:#(\d+)|(\w+));/gu, (whole, code, name) =>
    code === undefined ? (marks[name] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
