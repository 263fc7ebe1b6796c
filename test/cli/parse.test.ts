// Words after a command's name as values, and everything that is wrong with them.

import { describe, expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { MisuseError, parseFlags } from "../../src/cli/parse.ts";

const FLAGS: ArgsDef = {
  file: { type: "positional", required: false },
  colour: { type: "boolean", default: true },
  limit: { type: "string", default: "20", alias: ["l"] },
  mode: { type: "enum", options: ["fast", "slow"] },
  user: { type: "string" },
};

const read = (...words: string[]) => parseFlags(FLAGS, words);

describe("what is read", () => {
  test("defaults, where nothing is given", () => {
    const { _: words, ...values } = read();
    expect(words).toEqual([]);
    expect<unknown>(values).toEqual({ colour: true, file: undefined, limit: "20", mode: undefined, user: undefined });
  });

  test.each([
    [["--user", "ana"], { user: "ana" }],
    [["--user=ana"], { user: "ana" }],
    [["-user", "ana"], { user: "ana" }],
    [["-user=ana"], { user: "ana" }],
    [["--user=a=b"], { user: "a=b" }],
    [["--user", ""], { user: "" }],
    [["--user="], { user: "" }],
    [["--user=--odd"], { user: "--odd" }],
    [["--user", "-"], { user: "-" }],
    [["--user=a\nb"], { user: "a\nb" }],
    [["-l", "5"], { limit: "5" }],
    [["--limit", "1", "--limit", "2"], { limit: "2" }],
    [["--no-colour"], { colour: false }],
    [["--colour=false"], { colour: false }],
    [["--colour", "x.csv"], { colour: true, file: "x.csv" }],
    [["--mode", "slow"], { mode: "slow" }],
    [["x.csv"], { file: "x.csv", _: ["x.csv"] }],
    [["-"], { file: "-" }],
    [["--", "--user"], { file: "--user" }],
  ])("%j", (words, expected) => {
    expect(read(...words)).toMatchObject(expected);
  });
});

describe("what is refused", () => {
  test.each([
    [["--usr", "ana"], "There is no flag --usr here.", "Did you mean --user?"],
    [["--usr=secret"], "There is no flag --usr here.", "Did you mean --user?"],
    [["--xyzzy"], "There is no flag --xyzzy here.", undefined],
    [["--no-user"], "There is no flag --no-user here.", undefined],
    [["--file", "x"], "There is no flag --file here.", undefined],
    [["--constructor"], "There is no flag --constructor here.", undefined],
    [["--user"], "--user needs a value.", undefined],
    [["--user", "--limit", "5"], "--user needs a value.", "If --limit is the value, write --user=--limit"],
    [["--user", "--"], "--user needs a value.", undefined],
    [["--colour=perhaps"], "--colour takes no value.", undefined],
    [["--no-colour=true"], "--no-colour takes no value.", undefined],
    [["--mode", "fest"], "--mode is one of fast, slow.", "Did you mean fast?"],
    [["x.csv", "y.csv"], 'There is no place for "y.csv" here.', undefined],
  ])("%j", (words, message, hint) => {
    const error = catchError(() => read(...words));
    expect(error.message).toBe(message);
    expect(error.hint).toBe(hint);
  });

  test("a required flag and a required word that are missing", () => {
    expect(catchError(() => parseFlags({ id: { type: "string", required: true } }, [])).message).toBe(
      "--id is missing.",
    );
    expect(catchError(() => parseFlags({ model: { type: "positional" } }, [])).message).toBe("MODEL is missing.");
  });
});

function catchError(work: () => unknown): MisuseError {
  try {
    work();
  } catch (error) {
    if (error instanceof MisuseError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}
