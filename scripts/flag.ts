// The words after a script's name. What it does not know, or cannot use, ends it with 2 before anything is built or measured; `--help` prints what the
// file says of itself in its first lines. Knows no script.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

export interface Flag<Value> {
  takes: "boolean" | "string";
  usual: Value;
  /** Throws where it is of no use. */
  read: (text: string) => Value;
}

type Flags = Readonly<Record<string, Flag<unknown>>>;
type Values<Given extends Flags> = { [Name in keyof Given]: Given[Name]["usual"] };

export const aSwitch: Flag<boolean> = { takes: "boolean", usual: false, read: () => true };

export const aText: Flag<string | undefined> = { takes: "string", usual: undefined, read: (text) => text };

/** A number above 0, or from `least` on. */
export function anAmount<Usual extends number | undefined>(
  usual: Usual,
  { least }: { least?: number } = {},
): Flag<number | Usual> {
  return { takes: "string", usual, read: (text) => readAmount(text, least) };
}

export function aCount(usual: number, { least = 1, most = 1e9 } = {}): Flag<number> {
  return { takes: "string", usual, read: (text) => readCount(text, { least, most }) };
}

export function aChoice<Choice extends string>(choices: readonly Choice[]): Flag<Choice | undefined> {
  return {
    takes: "string",
    usual: undefined,
    read(text) {
      const found = choices.find((choice) => choice === text);
      if (found === undefined) throw new Error(`is one of ${choices.join(", ")}, not ${quote(text)}`);
      return found;
    },
  };
}

/** Some of these, in the order in which they are named. */
export function someOf<Choice extends string>(choices: readonly Choice[], usual: readonly Choice[]) {
  const { read } = aChoice(choices);
  return aList(usual, (text) => read(text) as Choice);
}

export function aList<Item>(usual: readonly Item[], read: (text: string) => Item): Flag<readonly Item[]> {
  return {
    takes: "string",
    usual,
    read(text) {
      const words = splitList(text);
      if (words.length === 0) throw new Error(`is a list, with commas between, not ${quote(text)}`);
      return words.map(read);
    },
  };
}

export function readAmount(text: string, least?: number): number {
  const value = toNumber(text);
  if (least === undefined ? value > 0 : value >= least) return value;
  throw new Error(`is a number ${least === undefined ? "above 0" : `from ${least} on`}, not ${quote(text)}`);
}

export function readCount(text: string, { least = 1, most = 1e9 } = {}): number {
  const value = toNumber(text);
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new Error(`is a whole number from ${least} to ${most}, not ${quote(text)}`);
  return value;
}

export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** Of nothing JavaScript makes 0, and of what is beyond all bounds a number, too. */
function toNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}

function quote(text: string): string {
  return text === "" ? "nothing" : text;
}

/** Throws with what is wrong in words. */
export function parseFlags<Given extends Flags>(flags: Given, words: readonly string[]): Values<Given> {
  return parse(flags, words, false).values;
}

function parse<Given extends Flags>(flags: Given, words: readonly string[], takesNames: boolean) {
  const options = Object.fromEntries(Object.entries(flags).map(([name, { takes }]) => [name, { type: takes }]));
  const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: takesNames });
  const read = ([name, flag]: [string, Flag<unknown>]): [string, unknown] => {
    const given = values[name];
    if (given === undefined) return [name, flag.usual];
    try {
      return [name, flag.read(String(given))];
    } catch (error) {
      throw new Error(`--${name} ${(error as Error).message}.`, { cause: error });
    }
  };
  return { values: Object.fromEntries(Object.entries(flags).map(read)) as Values<Given>, names: positionals };
}

export function readFlags<Given extends Flags>(flags: Given): Values<Given> {
  return readOwn(flags, false).values;
}

/** Flags, and what stands between them: names, filters. */
export function readWords<Given extends Flags>(flags: Given): { values: Values<Given>; names: string[] } {
  return readOwn(flags, true);
}

function readOwn<Given extends Flags>(flags: Given, takesNames: boolean) {
  const words = Bun.argv.slice(2);
  if (words.includes("--help")) {
    console.log(readHead(Bun.main));
    process.exit(0);
  }
  try {
    return parse(flags, words, takesNames);
  } catch (error) {
    return failUsage((error as Error).message);
  }
}

export function failUsage(message: string): never {
  console.error(`${message}\n\n${readHead(Bun.main)}`);
  process.exit(EXIT_USAGE);
}

/** As that of the command line of the gateway. */
export const EXIT_USAGE = 2;

function readHead(path: string): string {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith("//")),
    )
    .map((line) => line.replace(/^\/\/ ?/u, ""))
    .join("\n");
}
