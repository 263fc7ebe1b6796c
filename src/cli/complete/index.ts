// `tokligence complete -- WORDS`, which a shell's script asks what could follow: commands, flags, and the values of flags and places. Answers a line each, the
// word, a tab and what it is, then what the shell is to make of it. Never says what went wrong, writes nothing and changes nothing.

import type { ArgsDef, SubCommandsDef } from "citty";
import type { Named } from "../../store/glance-name.ts";
import { EXIT, type ExitCode } from "../error.ts";
import type { ConfigFlags } from "../flags.ts";
import { makePlain, print } from "../output.ts";
import type { Command } from "../shell.ts";
import { splitLine } from "./line.ts";
import { openLocalNames } from "./local.ts";
import type { Asked, Source } from "./model.ts";
import { openRemoteNames } from "./remote.ts";

/** What the scripts know: nothing else is offered; or where nothing is, files are. */
const NO_FILES = 4;
const FILES = 0;

/** Whoever presses a key does not wait longer. */
const PATIENCE_MS = 2_000;

interface Offer {
  items: Named[];
  isFile: boolean;
}

const NOTHING: Offer = { items: [], isFile: false };

export async function complete(root: Command, asked: readonly string[]): Promise<ExitCode> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), PATIENCE_MS);
  const found = await Promise.race([findOffer(root, readWords(asked)).catch(() => NOTHING), late]);
  clearTimeout(timer);
  const { items, isFile } = found === "late" ? NOTHING : found;
  const lines = items.map(({ name, about }) => `${name}\t${about}`);
  print([...lines, `:${isFile ? FILES : NO_FILES}`].join("\n"));
  // What did not answer in time would keep this process.
  if (found === "late") setTimeout(() => process.exit(EXIT.ok), 0);
  return EXIT.ok;
}

/** Words behind `--`; or a whole line behind `--line`, without the program's name. */
function readWords(asked: readonly string[]): string[] {
  const [first, second = ""] = asked.slice(1);
  if (first === "--line") return splitLine(second);
  const words = asked.slice(asked.indexOf("--") + 1);
  return [...words.slice(0, -1), (words.at(-1) ?? "").replace(OPEN_QUOTE, "$1")];
}

/** Shells hand over the word that is being typed with the quote that is still open. */
const OPEN_QUOTE = /^(-[^=]*=)?["']/u;

interface Place {
  command: Command;
  path: string[];
  /** Of the flags that were said before it, those that say where to look. */
  shared: ConfigFlags;
  used: Set<string>;
  /** Words before it that belong to no flag. */
  positionals: string[];
  /** The flag whose value is being typed. */
  flag: string | null;
}

async function findOffer(root: Command, words: readonly string[]): Promise<Offer> {
  const current = words.at(-1) ?? "";
  const place = await walk(root, words.slice(0, -1));
  if (place === null) return NOTHING;
  if (place.flag !== null) return offerValue(place, place.flag, current);
  if (current.startsWith("-")) {
    const at = current.indexOf("=");
    const name = findFlag(place.command, current);
    return at === -1 ? offerFlags(place, current) : offerValue(place, name, current.slice(at + 1));
  }
  const children = await resolve<SubCommandsDef>(place.command.subCommands);
  if (children !== undefined) return offerCommands(children, current);
  const names = Object.entries(readArgs(place.command)).filter(([, { type }]) => type === "positional");
  const [name] = names[Math.min(place.positionals.length, names.length - 1)] ?? [];
  return name === undefined ? NOTHING : offerValue(place, name, current);
}

/** Null where a word names no command: whatever follows is not known. */
async function walk(root: Command, words: readonly string[]): Promise<Place | null> {
  const place: Place = { command: root, path: [], shared: {}, used: new Set(), positionals: [], flag: null };
  for (const word of words) {
    if (place.flag !== null) {
      note(place, place.flag, word);
      place.flag = null;
      continue;
    }
    if (word.startsWith("-") && word !== "-") {
      const name = findFlag(place.command, word);
      place.used.add(name);
      if (word.includes("=")) note(place, name, word.slice(word.indexOf("=") + 1));
      else if (takesValue(place.command, name)) place.flag = name;
      continue;
    }
    const children = await resolve<SubCommandsDef>(place.command.subCommands);
    if (children === undefined) {
      place.positionals.push(word);
      continue;
    }
    const child = Object.hasOwn(children, word) ? await resolve<Command>(children[word]) : undefined;
    if (child === undefined) return null;
    place.command = child;
    place.path.push(word);
  }
  return place;
}

function readName(word: string): string {
  return word.replace(/^-+/u, "").replace(/=.*$/su, "");
}

/** The flag's own name, also where its letter stands for it. */
function findFlag(command: Command, word: string): string {
  const name = readName(word);
  const flags = Object.entries(readArgs(command));
  const [named] = flags.find(([, flag]) => "alias" in flag && [flag.alias].flat().includes(name)) ?? [];
  return named ?? name;
}

/** Where to look is said by flags that may stand anywhere. */
function note({ shared }: Place, flag: string, value: string): void {
  if (flag === "config" || flag === "env") shared[flag] = value;
}

function takesValue(command: Command, name: string): boolean {
  const definition = readArgs(command)[name];
  if (definition === undefined) return name === "config" || name === "env";
  return definition.type !== "boolean" && definition.type !== "positional";
}

function readArgs(command: Command): ArgsDef {
  const { args } = command;
  return args === undefined || typeof args === "function" || args instanceof Promise ? {} : args;
}

function offerFlags({ command, used }: Place, current: string): Offer {
  const items = Object.entries(readArgs(command)).flatMap(([name, { type, description = "" }]): Named[] =>
    type === "positional" || used.has(name) ? [] : [{ name: `--${name}`, about: description }],
  );
  return { items: items.filter(({ name }) => name.startsWith(current)), isFile: false };
}

async function offerCommands(children: SubCommandsDef, current: string): Promise<Offer> {
  const items = await Promise.all(
    Object.entries(children)
      .filter(([name]) => name.startsWith(current))
      .map(async ([name, child]) => {
        const meta = await resolve<{ description?: string }>((await resolve<Command>(child))?.meta);
        return { name, about: meta?.description ?? "" };
      }),
  );
  return { items, isFile: false };
}

async function offerValue(
  { command, path, shared, positionals }: Place,
  name: string,
  current: string,
): Promise<Offer> {
  // Loaded here and not above: for the name of a command it is not needed.
  const { findSource } = await import("./value.ts");
  const definition = readArgs(command)[name];
  const hint = definition !== undefined && "valueHint" in definition ? definition.valueHint : undefined;
  const source = findSource(path, name, { valueHint: hint });
  if (source === null) return NOTHING;
  if (source.isFile === true) return { items: [], isFile: true };
  const cut = source.isList === true ? current.lastIndexOf(",") + 1 : 0;
  const [head, prefix] = [current.slice(0, cut), current.slice(cut)];
  const found = await ask(source, shared, { prefix, before: positionals });
  const seen = new Set(head.split(","));
  const items = found
    .filter(({ name: word }) => word.startsWith(prefix) && SAFE.test(word) && !seen.has(word))
    .map(({ name: word, about }) => ({ name: head + word, about: clean(about) }));
  const unique = new Map(items.map((item) => [item.name, item]));
  return { items: [...unique.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1)), isFile: false };
}

async function ask(source: Source, shared: ConfigFlags, asked: Omit<Asked, "names">): Promise<Named[]> {
  const local = openLocalNames(shared);
  const names = openRemoteNames(process.env, local) ?? local;
  try {
    return await source.find({ ...asked, names });
  } finally {
    await names.close();
  }
}

/** A shell may look at a word anew when it puts it in: one in which anything could be run or looked up is not offered, whoever made the name. */
const SAFE = /^[\p{L}\p{N}._@%+=:,/-]+$/u;

const MOST_LETTERS = 100;

function clean(text: string): string {
  return makePlain(text)
    .replaceAll(/[^\p{L}\p{N} .,_@()/+:'-]/gu, " ")
    .slice(0, MOST_LETTERS);
}

type Resolvable<T> = Promise<T> | T | (() => Promise<T> | T) | undefined;

async function resolve<T>(value: Resolvable<T>): Promise<T | undefined> {
  return typeof value === "function" ? (value as () => Promise<T> | T)() : value;
}
