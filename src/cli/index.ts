// The command line: a table of lazy imports, so that a command loads what it needs and no more.

import { basename } from "node:path";
import { EXIT, type ExitCode } from "./error.ts";
import { findCommandPermit } from "../server/permit.ts";
import { say } from "./output.ts";
import { type Command, runShell } from "./shell.ts";

export const COMMANDS = {
  admin: () => import("./admin/index.ts").then((module) => module.default),
  audit: () => import("./audit/index.ts").then((module) => module.default),
  capabilities: () => import("./capabilities.ts").then((module) => module.default),
  completion: () => import("./completion.ts").then((module) => module.makeCompletion(readName())),
  config: () => import("./config/index.ts").then((module) => module.default),
  connect: () => import("./connect.ts").then((module) => module.default),
  doctor: () => import("./doctor/index.ts").then((module) => module.default),
  init: () => import("./init.ts").then((module) => module.default),
  ledger: () => import("./ledger/index.ts").then((module) => module.default),
  migrate: () => import("./migrate/index.ts").then((module) => module.default),
  models: () => import("./models.ts").then((module) => module.default),
  prices: () => import("./prices/index.ts").then((module) => module.default),
  serve: () => import("./serve.ts").then((module) => module.default),
  usage: () => import("./usage/index.ts").then((module) => module.default),
  version: () => import("./version.ts").then((module) => module.default),
} as const satisfies Record<string, () => Promise<unknown>>;

const root: Command = {
  meta: { name: "tokligence", description: "Tokligence Gateway: every LLM provider behind one API" },
  // Each command's own flags are checked where it is defined; here only their shape counts.
  subCommands: COMMANDS as unknown as Record<string, () => Promise<Command>>,
};

/** Runs the words after the program's name; called `gatewayd`, the program is `serve`. Answers the exit code. */
export async function runCli(words: readonly string[]): Promise<ExitCode> {
  watchOutput();
  const name = readName();
  if (["--version", "-v", "-V"].includes(words[0] ?? "")) {
    return runShell({ root, name, words: ["version", ...words.slice(1)], guard });
  }
  if (name === "gatewayd") return runShell({ root: (await COMMANDS.serve()) as unknown as Command, name, words });
  if (words[0] === "complete") {
    const { complete } = await import("./complete/index.ts");
    return complete(root, words);
  }
  return runShell({ root, name, words, guard });
}

/** Who may do what through the API stands in one table, commands and all: one that is not in it does not run. */
function guard(command: readonly string[]): void {
  if (findCommandPermit(command) !== null) return;
  throw new Error(`src/server/permit.ts has no line for the command ${command.join(" ")}.`);
}

/** What links and copies of the executable may be called; anything else is plain `tokligence`. */
function readName(): string {
  const name = basename(process.argv0).replace(/\.exe$/iu, "");
  return name === "gateway" || name === "gatewayd" ? name : "tokligence";
}

/** Done once a process, however many lines it runs. */
function watchOutput(): void {
  if (process.stdout.listeners("error").includes(endOnLostOutput)) return;
  process.stdout.on("error", endOnLostOutput);
  // Nobody reads what is said: the work and its exit code still count.
  process.stderr.on("error", () => undefined);
}

/** A reader such as `head` that has seen enough is no failure; a full disk is. What the command found out counts in any case: it is told a turn later. */
function endOnLostOutput(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") {
    setImmediate(() => process.exit(process.exitCode ?? EXIT.ok));
    return;
  }
  say(`error: the output cannot be written: ${error.message}`);
  process.exit(EXIT.failed);
}
