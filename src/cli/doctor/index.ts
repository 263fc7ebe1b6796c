// `tokligence doctor`: examines this gateway's machine, configuration, databases, keys and providers, and says what to do about what it finds. Changes nothing.

import { defineCommand } from "citty";
import { VERSION } from "../../lib/version.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS } from "../flags.ts";
import { count, print, printJson, printTable, startProgress } from "../output.ts";
import { readList, refuseValue } from "../value.ts";
import { type NamedFinding, examine } from "./exam.ts";
import { type Exam, LEVELS, type Level } from "./finding.ts";

export default defineCommand({
  meta: {
    name: "doctor",
    description: "Examine the gateway and say what to do about what is found; exit code 6 where there are errors",
  },
  args: {
    offline: { type: "boolean", description: "Ask no provider, mail server or identity provider" },
    call: {
      type: "string",
      description: "Also ask these models for one token each, which costs: PROVIDER/MODEL, separated by commas",
      valueHint: "MODELS",
    },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const calls = readCalls(args.call);
    const isOffline = args.offline === true;
    if (isOffline && calls.length > 0) throw refuseValue("call", "nothing is called with --offline");
    const progress = startProgress("Examining");
    const findings = await examine({ flags: args, isOffline, calls, progress: progress.update }).finally(progress.end);
    const sums = Object.fromEntries(
      LEVELS.map((level) => [level, findings.filter((finding) => finding.level === level).length]),
    ) as Record<Level, number>;
    if (args.json === true) {
      printJson({ healthy: sums.error === 0, version: VERSION, at: new Date(), summary: sums, findings });
    } else printReport(findings, sums);
    if (sums.error === 0) return;
    const [worst] = findings.filter(({ level }) => level === "error");
    throw new CliError(`${count(sums.error, "error")} found: the first is ${worst?.subject}: ${worst?.found}`, {
      exitCode: EXIT.unhealthy,
      hint: worst?.remedy ?? undefined,
    });
  },
});

function readCalls(text: string | undefined): Exam["calls"] {
  return readList(text ?? "").map((name) => {
    const at = name.indexOf("/");
    if (at < 1 || at === name.length - 1)
      throw refuseValue("call", `${JSON.stringify(name)} is no PROVIDER/MODEL, such as openai/gpt-4.1-nano`);
    return { provider: name.slice(0, at), model: name.slice(at + 1) };
  });
}

/** What is well in a table; below it what is not, the worst last, where the eye is. */
function printReport(findings: readonly NamedFinding[], sums: Readonly<Record<Level, number>>): void {
  printTable(findings, ["level", "check", "subject", "found"]);
  const bad = LEVELS.flatMap((level) => (level === "ok" ? [] : findings.filter((each) => each.level === level)));
  for (const { level, subject, found, why, remedy } of bad) {
    print(`\n${level}: ${subject}: ${found}`);
    if (why !== null) print(`  why:  ${why}`);
    if (remedy !== null) print(`  do:   ${remedy}`);
  }
  print(`\n${LEVELS.map((level) => `${sums[level]} ${level}`).join(", ")}`);
}
