// The house rules that a machine can check. Each failure is a sentence that says what to do.

import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { judgeImports, nameRoom, readImports } from "./tidy/room.ts";
import { findUnsorted, measureBodies, readTables } from "./tidy/shape.ts";
import { listMachineWords, readSources, readTracked, type Source } from "./tidy/source.ts";

const FILE_WALL = 400;
const FUNCTION_WALL = 70;

const own = await readSources("src");
const everything = await readSources("src", "scripts", "test");

describe("the house", () => {
  test("imports point down", () => {
    expect(own.flatMap(judgeImports)).toEqual([]);
  });

  test("generic rooms name no vendor, not even in a comment", () => {
    expect(own.flatMap(findVendors)).toEqual([]);
  });

  test("files are short enough to read", () => {
    const long = everything
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
      .filter(({ path, lines }) => lines > FILE_WALL && !isLongTest(path));
    expect(
      long.map(({ path, lines }) => `${path} has ${lines} lines; aim at 300, ${FILE_WALL} is the wall: split it.`),
    ).toEqual([]);
  });

  test("functions are short enough to see", () => {
    const long = [...own, ...everything.filter(({ path }) => path.startsWith("scripts/"))].flatMap(({ path, text }) =>
      measureBodies(text)
        .filter(({ ownLines }) => ownLines > FUNCTION_WALL)
        .map(({ line, head, ownLines }) => `${path}:${line} has ${ownLines} lines of its own: ${head}`),
    );
    expect(long).toEqual([]);
  });

  test("every file begins with what it is for", () => {
    const bare = own.filter(({ text }) => !text.replace(/^#!.*\n/u, "").startsWith("// "));
    expect(bare.map(({ path }) => `${path}: say in the first line what it is for and what it does not know.`)).toEqual(
      [],
    );
  });

  test("names say what a thing does", () => {
    expect([...own, ...everything.filter(({ path }) => path.startsWith("scripts/"))].flatMap(findEmptyNames)).toEqual(
      [],
    );
  });

  test("tables are sorted", () => {
    const mixed = own.flatMap(({ path, text }) =>
      readTables(text).flatMap(({ line, keys }) => {
        const late = UNSORTED.has(path) ? null : findUnsorted(keys);
        return late === null ? [] : [`${path}:${line}: "${late}" stands too late in its table.`];
      }),
    );
    expect(mixed).toEqual([]);
    expect(own.flatMap(({ text }) => readTables(text)).length).toBeGreaterThan(5);
  });

  test("no test is left out or waits for time to pass", () => {
    const tests = everything.filter(({ path }) => path.startsWith("test/") && !path.startsWith("test/tidy"));
    expect(tests.flatMap(findWaits)).toEqual([]);
  });

  test("no file speaks of the machine that it was written on", async () => {
    const words = listMachineWords();
    const told = (await readTracked()).flatMap(({ path, text }) =>
      words
        .filter((word) => text.includes(word) && !text.includes(`$bunfs${word}`))
        .map((word) => `${path} holds ${word}`),
    );
    expect(told).toEqual([]);
  });
});

/** Kept in another order, each for a reason. */
const UNSORTED = new Set([
  // By HTTP status, as they are looked for.
  "src/ir/error.ts",
]);

/** Transcripts of one conversation with one server are easier to follow in one piece. */
function isLongTest(path: string): boolean {
  return path === "test/server/chat.test.ts";
}

const VENDOR = /openai|anthropic|claude|\bgpt-|gemini|mistral|\bgroq|ollama|deepseek/iu;
const GENERIC = ["gateway", "identity", "ir", "ledger", "lib", "server"];

function findVendors({ path, text }: Source): string[] {
  const isShared = /^src\/wire\/[^/]+$/u.test(path) && !/^src\/wire\/(?:index|type|openai-[a-z]+)\.ts$/u.test(path);
  if (!GENERIC.includes(nameRoom(path)) && !isShared) return [];
  return text.split("\n").flatMap((line, index) => {
    const word = VENDOR.exec(line)?.[0];
    if (word === undefined) return [];
    return [`${path}:${index + 1} says "${word}": what only one vendor has belongs into its wire/ or provider/ file.`];
  });
}

const EMPTY_WORDS = new Set(["common", "helper", "helpers", "manager", "service", "util", "utils"]);
const DECLARATION = /^(?:export )?(?:async )?(?:class|const|enum|function|interface|let|type) (\w+)/gmu;

function findEmptyNames({ path, text }: Source): string[] {
  const parts = path.split("/").flatMap((part) => basename(part, ".ts").split("-"));
  const names = [...text.matchAll(DECLARATION)].map(([, name]) => name ?? "");
  const words = names.flatMap((name) => splitWords(name).map((word) => ({ name, word })));
  return [...parts.map((word) => ({ name: path, word })), ...words]
    .filter(({ name, word }) => EMPTY_WORDS.has(word) || (name === path && word === "types"))
    .map(({ name, word }) => `${path}: ${name} says "${word}", which says nothing; name what it does.`);
}

/** `UserManager` → user, manager. */
function splitWords(name: string): string[] {
  return [...name.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/gu)].map(([word]) => word.toLowerCase());
}

/** Who may wait by the clock, because what they wait for is another program that does not say when it is up. */
const WAITERS = new Set([
  "test/e2e/binary.ts",
  "test/e2e/chaos-upstream.ts",
  "test/e2e/chaos.ts",
  "test/e2e/kill.ts",
  "test/postgres.ts",
]);

function findWaits({ path, text }: Source): string[] {
  return text.split("\n").flatMap((line, index) => {
    if (/\b(?:describe|it|test)\.(?:only|skip|todo)\b/u.test(line))
      return [`${path}:${index + 1}: run it or delete it.`];
    const waits = /\bsetTimeout\(|\bBun\.sleep/u.test(line) && !WAITERS.has(path);
    return waits ? [`${path}:${index + 1}: inject the clock instead of waiting.`] : [];
  });
}

describe("the rules themselves", () => {
  test("imports of every form are seen", () => {
    const text = [
      'import type { A } from "../ir/index.ts";',
      'import { type B,\n  c,\n} from "../lib/clock.ts";',
      'import "./side.ts";',
      'export * from "../ledger/entry.ts";',
      'const d = () => import("../store/index.ts");',
      'import e from "citty";',
    ].join("\n");
    expect(readImports({ path: "src/gateway/a.ts", text })).toEqual([
      { target: "src/ir/index.ts", isType: true },
      { target: "src/lib/clock.ts", isType: false },
      { target: "src/gateway/side.ts", isType: false },
      { target: "src/ledger/entry.ts", isType: false },
      { target: "src/store/index.ts", isType: false },
    ]);
  });

  test.each([
    [
      "src/ir/a.ts",
      'import { b } from "../lib/b.ts";',
      "src/ir/a.ts imports src/lib/b.ts: ir may import nothing of ours.",
    ],
    ["src/gateway/a.ts", 'import { b } from "../identity/b.ts";', "gateway may use only its types: import type."],
    ["src/wire/one/a.ts", 'import { b } from "../two/b.ts";', "wires do not know each other"],
    ["src/attic/a.ts", "", 'there is no room "attic"'],
  ])("%s with %s is refused", (path, text, said) => {
    expect(judgeImports({ path, text }).join("\n")).toContain(said);
  });

  test.each([
    ["src/gateway/a.ts", 'import type { B } from "../identity/b.ts";'],
    ["src/wire/one/a.ts", 'import { b } from "./b.ts";\nimport { c } from "../shared.ts";'],
    ["src/cli/a/b.ts", 'import { c } from "../../server/c.ts";'],
  ])("%s with %s is fine", (path, text) => {
    expect(judgeImports({ path, text })).toEqual([]);
  });

  test("a body is measured from brace to brace, without the functions in it", () => {
    const text = [
      "export function outer(", // a signature over several lines
      "  given: string,",
      "): { a: number } {",
      "  if (given) {",
      "    return { a: 1 };",
      "  }",
      "  const inner = () => {",
      "    return 2;",
      "  };",
      "  return { a: inner() };",
      "}",
      "const table = {",
      "  method(): void {",
      "    work();",
      "  },",
      "};",
    ].join("\n");
    const measured = measureBodies(text).map(({ line, ownLines }) => [line, ownLines]);
    expect(measured).toEqual([
      [3, 6],
      [7, 3],
      [13, 3],
    ]);
  });

  test("a table's keys are read as they stand", () => {
    const text = [
      "const A = {",
      '  "b-c": { z: 1, a: 2 },',
      "  d: () => ({",
      "    y: 1,",
      "  }),",
      "  a,",
      "} as const satisfies Record<string, unknown>;",
    ].join("\n");
    expect(readTables(text)).toEqual([{ line: 7, keys: ["b-c", "d", "a"] }]);
    expect(findUnsorted(["b-c", "d", "a"])).toBe("a");
    expect(findUnsorted(["a", "b"])).toBeNull();
  });

  test("vendors, empty names and waits are found", () => {
    expect(findVendors({ path: "src/gateway/a.ts", text: "// as OpenAI does" })).toHaveLength(1);
    expect(findVendors({ path: "src/provider/a.ts", text: "// as OpenAI does" })).toEqual([]);
    expect(findEmptyNames({ path: "src/lib/string-utils.ts", text: "" })).toHaveLength(1);
    expect(findEmptyNames({ path: "src/lib/a.ts", text: "export class KeyManager {}" })).toHaveLength(1);
    expect(findEmptyNames({ path: "src/lib/a.ts", text: "export const serviceable = 1;" })).toEqual([]);
    expect(findWaits({ path: "test/a.test.ts", text: "await Bun.sleep(5);" })).toHaveLength(1);
    expect(findWaits({ path: "test/a.test.ts", text: 'test.skip("x", () => {});' })).toHaveLength(1);
    expect(findWaits({ path: "test/postgres.ts", text: "await Bun.sleep(5);" })).toEqual([]);
  });
});
