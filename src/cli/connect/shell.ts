// How lines are written for the shell that people have: variables, and words as they are meant. Runs none.

import { KEY_VARIABLE } from "./guide.ts";

export interface Shell {
  name: string;
  /** A line that gives a variable of the environment its value. */
  set(name: string, value: string): string;
  run(words: readonly string[]): string;
}

export function findShell(platform: NodeJS.Platform): Shell {
  return platform === "win32" ? POWERSHELL : POSIX;
}

const PLAIN = /^[\w@%+=:,./-]+$/u;

const POSIX: Shell = {
  name: "shell",
  set: (name, value) => `export ${name}=${quotePosix(value)}`,
  run: (words) => words.map(quotePosix).join(" "),
};

/** The key's variable is left to the shell. */
function quotePosix(word: string): string {
  if (PLAIN.test(word)) return word;
  const single = (text: string): string => (text === "" ? "" : `'${text.replaceAll("'", String.raw`'\''`)}'`);
  if (word === "") return "''";
  return word.split(KEY_VARIABLE).map(single).join(`"${KEY_VARIABLE}"`);
}

/** Of version 7: the older one hands programs no quotes that stand within a word. */
const POWERSHELL: Shell = {
  name: "PowerShell 7",
  set: (name, value) => `$env:${name} = ${quoteText(value)}`,
  // To an older one `curl` is a command of its own.
  run: ([program = "", ...words]) =>
    [
      program === "curl" ? "curl.exe" : program,
      ...words.map((word) => (/^[\w/:.-]+$/u.test(word) ? word : quoteText(word))),
    ].join(" "),
};

/** https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules */
function quoteText(text: string): string {
  if (!text.includes(KEY_VARIABLE)) return `'${text.replaceAll(/['\u2018-\u201B]/gu, "$&$&")}'`;
  const parts = text.split(KEY_VARIABLE).map((part) => part.replaceAll(/[`"$\u201C-\u201E]/gu, "`$&"));
  return `"${parts.join("${env:KEY}")}"`;
}
