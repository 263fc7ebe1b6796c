// Reads the words after a command's name by the flags that it declares, strictly: whatever it does not declare is a mistake.
// Knows no command.

import type { ArgDef, ArgsDef } from "citty";
import { findNearest } from "../lib/nearest.ts";

export type ArgValue = boolean | string | undefined;

/** What is wrong with a command line, before anybody knows which usage to print below it. */
export class MisuseError extends Error {
  override readonly name = "MisuseError";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

interface Reading {
  definitions: ArgsDef;
  values: Record<string, ArgValue>;
  positionals: string[];
}

/**
 * Values by flag, with defaults; `_` holds the positional ones in order. Flags are written `--name value`, `--name=value`,
 * or with one dash; a boolean also as `--no-name`. The last positional takes any number where its hint ends in `…`. `-` alone is a value, and `--` ends the flags. Throws a MisuseError.
 */
export function parseFlags(definitions: ArgsDef, words: readonly string[]): Record<string, ArgValue> & { _: string[] } {
  const reading: Reading = { definitions, values: {}, positionals: [] };
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") reading.positionals.push(...queue.splice(0));
    else if (isFlag(word)) readFlag(reading, word, queue);
    else reading.positionals.push(word);
  }
  const { positionals, values } = reading;
  assignPositionals(reading);
  for (const [name, definition] of Object.entries(definitions)) {
    values[name] ??= definition.default;
    if (definition.required === true && definition.type !== "positional" && values[name] === undefined) {
      throw new MisuseError(`--${name} is missing.`);
    }
  }
  return Object.assign(values, { _: positionals });
}

/** Whether a word is a flag: `-` alone stands for standard input. */
export function isFlag(word: string): boolean {
  return word.startsWith("-") && word !== "-";
}

function readFlag(reading: Reading, word: string, queue: string[]): void {
  const [, written = "", given] = /^--?([^=]*)(?:=(.*))?$/su.exec(word) ?? [];
  const found = findFlag(reading.definitions, written);
  if (found === null) throw refuseUnknown(reading.definitions, word.split("=")[0] ?? word);
  const { name, definition, isNegated } = found;
  if (definition.type === "boolean") {
    reading.values[name] = readBoolean(written, given, isNegated);
    return;
  }
  reading.values[name] = checkChoice(name, definition, given ?? takeValue(name, queue));
}

interface FoundFlag {
  name: string;
  definition: ArgDef;
  isNegated: boolean;
}

function findFlag(definitions: ArgsDef, written: string): FoundFlag | null {
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.type === "positional") continue;
    if (name === written || listAliases(definition).includes(written)) return { name, definition, isNegated: false };
    if (definition.type === "boolean" && written === `no-${name}`) return { name, definition, isNegated: true };
  }
  return null;
}

function listAliases(definition: ArgDef): readonly string[] {
  if (!("alias" in definition) || definition.alias === undefined) return [];
  return typeof definition.alias === "string" ? [definition.alias] : definition.alias;
}

function refuseUnknown(definitions: ArgsDef, word: string): MisuseError {
  const names = Object.keys(definitions).filter((name) => definitions[name]?.type !== "positional");
  const [nearest] = findNearest(word.replace(/^-+/u, ""), [...names, "help"], 1);
  const hint = nearest === undefined ? undefined : `Did you mean --${nearest}?`;
  return new MisuseError(`There is no flag ${word} here.`, hint);
}

function readBoolean(written: string, given: string | undefined, isNegated: boolean): boolean {
  if (given === undefined) return !isNegated;
  if (isNegated || !["true", "false"].includes(given)) {
    throw new MisuseError(`--${written} takes no value.`);
  }
  return given === "true";
}

function takeValue(name: string, queue: string[]): string {
  const next = queue[0];
  if (next === undefined || next === "--") throw new MisuseError(`--${name} needs a value.`);
  if (isFlag(next)) {
    throw new MisuseError(`--${name} needs a value.`, `If ${next} is the value, write --${name}=${next}`);
  }
  queue.shift();
  return next;
}

function checkChoice(name: string, definition: ArgDef, value: string): string {
  const choices = "options" in definition ? (definition.options ?? []) : [];
  if (choices.length === 0 || choices.includes(value)) return value;
  const [nearest] = findNearest(value, choices, 1);
  const hint = nearest === undefined ? undefined : `Did you mean ${nearest}?`;
  throw new MisuseError(`--${name} is one of ${choices.join(", ")}.`, hint);
}

function assignPositionals({ definitions, positionals, values }: Reading): void {
  const places = Object.entries(definitions).filter(([, definition]) => definition.type === "positional");
  for (const [index, [name, definition]] of places.entries()) {
    const value = positionals[index];
    if (value === undefined && definition.required !== false && definition.default === undefined) {
      throw new MisuseError(`${name.toUpperCase()} is missing.`);
    }
    values[name] = value;
  }
  const surplus = positionals[places.length];
  const takesMore = places.at(-1)?.[1].valueHint?.endsWith("…") === true;
  if (surplus !== undefined && !takesMore)
    throw new MisuseError(`There is no place for ${JSON.stringify(surplus)} here.`);
}
