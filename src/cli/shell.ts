// Finds the command that a command line names, checks the line against it, runs it, and turns what it throws into a sentence
// and an exit code. Knows no command by name.

import type { ArgsDef, CommandDef, CommandMeta, SubCommandsDef } from "citty";
import { findNearest } from "../lib/nearest.ts";
import { CliError, EXIT, type ExitCode, explainFailure, type Failure, UsageError } from "./error.ts";
import { PLACE_ARGS } from "./flags.ts";
import { findMeant } from "./meant.ts";
import { print, say } from "./output.ts";
import { isFlag, MisuseError, parseFlags } from "./parse.ts";

/** Commands of any flags: their definitions are read, not their types. */
export type Command = CommandDef;

interface ShellInit {
  root: Command;
  /** The name that we were called by, for usage texts. */
  name: string;
  /** The words after it. */
  words: readonly string[];
  /** Told the words of the command that is about to run; throws where it must not. */
  guard?: ((command: readonly string[]) => void) | undefined;
}

/**
 * Runs one command line to its end. Prints; never throws. Ctrl-C is left to the system, which ends a command at once, however busy it is: whoever listens
 * hears of it only in a pause.
 */
export async function runShell({ root, name, words, guard }: ShellInit): Promise<ExitCode> {
  try {
    await runLine({ root, name, words, guard });
    return EXIT.ok;
  } catch (error) {
    const failure = explainFailure(error);
    sayFailure(failure, wantsJson(words));
    return failure.exitCode;
  }
}

interface Found {
  command: Command;
  /** From the program's name on. */
  path: string[];
  rest: string[];
}

async function runLine({ root, name, words, guard }: ShellInit): Promise<void> {
  const isGroup = root.subCommands !== undefined;
  const isHelp = isGroup && words[0] === "help";
  const found = await findCommand(root, name, isHelp ? words.slice(1) : words);
  if (isHelp || wantsHelp(found.rest) || (isGroup && words.length === 0)) {
    print(await renderHelp(found));
    return;
  }
  const { command, rest } = found;
  const { run } = command;
  if (run === undefined) throw await refuseGroup(found);
  guard?.(found.path.slice(1));
  refuseElsewhere(found);
  const args = await asUsageError(found, () => parseFlags(commandArgs(command), rest));
  // The values were read by the definitions that the command's own types are made of.
  await run({ rawArgs: rest, args: args as Parameters<typeof run>[0]["args"], cmd: command });
}

/** A command that cannot be done at a gateway elsewhere says so, and not that it does not know the word. */
function refuseElsewhere({ command, path, rest }: Found): void {
  const isMeant = untilEnd(rest).some((word) => /^--?url(?:=|$)/u.test(word));
  if (!isMeant || Object.hasOwn(commandArgs(command), "url")) return;
  throw new CliError(`${path.join(" ")} works at the gateway's own machine alone, so --url has no place here.`, {
    exitCode: EXIT.usage,
    hint: "It needs files that are there, or changes nothing of a gateway: run it there, without --url.",
  });
}

/** Shared flags may also stand before a command's name. */
const TAKES_VALUE = /^--?(?:config|env|key|url)$/u;

async function findCommand(root: Command, name: string, words: readonly string[]): Promise<Found> {
  let command = root;
  const path = [name];
  let rest = [...words];
  for (;;) {
    const children = await resolve<SubCommandsDef>(command.subCommands);
    if (children === undefined) return { command, path, rest };
    const at = findName(rest);
    const word = rest[at];
    const chosen = word ?? (wantsHelp(rest) ? undefined : await resolve<string>(command.default));
    if (chosen === undefined) return { command, path, rest };
    const child = Object.hasOwn(children, chosen) ? await resolve<Command>(children[chosen]) : undefined;
    if (child === undefined) throw await refuseName(root, { command, path, rest }, chosen);
    if (word !== undefined) rest = rest.toSpliced(at, 1);
    command = child;
    path.push(chosen);
  }
}

/** Where the first word stands that is neither a flag nor a shared flag's value; the length of all where there is none. */
function findName(words: readonly string[]): number {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (TAKES_VALUE.test(word)) at++;
    else if (!isFlag(word)) return at;
  }
  return words.length;
}

function untilEnd(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return end === -1 ? words : words.slice(0, end);
}

function wantsHelp(words: readonly string[]): boolean {
  return untilEnd(words).some((word) => ["--help", "-h", "-help"].includes(word));
}

function wantsJson(words: readonly string[]): boolean {
  return untilEnd(words).some((word) => ["--json", "--json=true", "-json"].includes(word));
}

async function refuseName(root: Command, found: Found, word: string): Promise<UsageError> {
  const [program = "", ...here] = found.path;
  const elsewhere = findMeant(await listPaths(root), { here, word });
  const own = Object.keys((await resolve<SubCommandsDef>(found.command.subCommands)) ?? {});
  const meant = elsewhere.length > 0 ? elsewhere : findNearest(word, own, 1).map((name) => [...here, name]);
  const names = meant.map((path) => [program, ...path].join(" "));
  return new UsageError(`There is no command ${[...found.path, word].join(" ")}.`, {
    hint: names.length === 0 ? undefined : `Did you mean ${listOr(names)}?`,
    usage: await renderHelp(found),
  });
}

/** Of all commands and groups below it. */
async function listPaths(group: Command, above: readonly string[] = []): Promise<string[][]> {
  const children = (await resolve<SubCommandsDef>(group.subCommands)) ?? {};
  const lists = await Promise.all(
    Object.entries(children).map(async ([name, child]) => {
      const path = [...above, name];
      const command = await resolve<Command>(child);
      return command === undefined ? [path] : [path, ...(await listPaths(command, path))];
    }),
  );
  return lists.flat();
}

function listOr(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** A group was named without a command of it; a flag that no command has is the nearer mistake. */
async function refuseGroup(found: Found): Promise<UsageError> {
  return asUsageError(found, async () => {
    parseFlags(PLACE_ARGS, found.rest);
    return new UsageError(`${found.path.join(" ")} needs a command.`, { usage: await renderHelp(found) });
  });
}

async function asUsageError<T>(found: Found, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MisuseError)) throw error;
    throw new UsageError(error.message, { hint: error.hint, usage: await renderHelp(found) });
  }
}

/** Loaded only when needed: rendering a group's usage loads all of its commands. */
async function renderHelp({ command, path }: Found): Promise<string> {
  const { renderUsage } = await import("citty");
  const meta = (await resolve<CommandMeta>(command.meta)) ?? {};
  const own: Command = { ...command, meta: { ...meta, name: path.at(-1) ?? "" } };
  const text = await renderUsage(own, { meta: { name: path.slice(0, -1).join(" ") } });
  // Without its colours, which nothing else here has: what is printed steers no terminal.
  return Bun.stripANSI(text).replaceAll(/ +$/gmu, "").trimEnd();
}

function commandArgs(command: Command): ArgsDef {
  const { args } = command;
  if (args === undefined) return {};
  if (typeof args === "function" || args instanceof Promise) {
    throw new CliError("A command's flags must be a plain value.", { exitCode: EXIT.failed });
  }
  return args;
}

type Resolvable<T> = Promise<T> | T | (() => Promise<T> | T) | undefined;

async function resolve<T>(value: Resolvable<T>): Promise<T | undefined> {
  return typeof value === "function" ? (value as () => Promise<T> | T)() : value;
}

function sayFailure(failure: Failure, json: boolean): void {
  const { message, hint, code, below, problems } = failure;
  if (json) {
    const details = problems.length === 0 ? {} : { problems };
    say(JSON.stringify({ error: { message, hint: hint ?? null, code, ...details } }));
    return;
  }
  const lines = problems.length === 0 ? [`error: ${message}`] : ["error: the configuration cannot be used", message];
  if (hint !== undefined) lines.push(hint);
  if (below !== undefined) lines.push("", below);
  say(lines.join("\n"));
}
