// Any text as rows: what is written comes back, however it is cut, and nothing that a stranger wrote stops the rest.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { printCsvLine } from "../../src/lib/csv.ts";
import { type CsvRow, MAX_ROW_LENGTH, createCsvReader } from "../../src/lib/csv-reader.ts";

function read(...pieces: string[]): CsvRow[] {
  const reader = createCsvReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

const cellsOf = (text: string): string[][] => read(text).map(({ cells }) => cells);

/** What strangers write: all that means something, and a little that does not. */
const hostile = fc.string({
  unit: fc.constantFrom('"', '""', ",", "\n", "\r", "\r\n", " ", "\t", "a", "é", "=", "'", "\0", "\u{FEFF}", "🦊"),
  maxLength: 60,
});

describe("rows", () => {
  test.each<[string, string, string[][]]>([
    [
      "with any line end",
      "a,b\nc,d\r\ne,f\rg,h",
      [
        ["a", "b"],
        ["c", "d"],
        ["e", "f"],
        ["g", "h"],
      ],
    ],
    ["behind a mark of UTF-8", "\u{FEFF}email,role\n", [["email", "role"]]],
    ["in quotes, with commas, quotes and line ends", '"a, ""b""","c\r\nd"\n', [['a, "b"', "c\r\nd"]]],
    ["with blanks around cells and quotes", ' a , "b " \t, c\n', [["a", "b ", "c"]]],
    ["without those of nothing", "\n,,\n  \na\n\n", [["a"]]],
    ["with quotes inside of a cell that does not begin with one", 'a"b"c,d\n', [['a"b"c', "d"]]],
    ["with empty cells at the end", "a,,\n", [["a", "", ""]]],
    ["that end with the text", 'a,"b"', [["a", "b"]]],
  ])("%s", (_name, text, expected) => {
    expect(cellsOf(text)).toEqual(expected);
    expect(read(text).every(({ flaw }) => flaw === null)).toBe(true);
  });

  test("know their lines", () => {
    expect(read('a\n"b\nb\r\nb"\n\nc\rd').map(({ line }) => line)).toEqual([1, 2, 6, 7]);
  });
});

describe("a broken row", () => {
  test("is told of, and the next line begins anew", () => {
    const rows = read('a,"open\nb,1\n"c"x,2\nd,3\n');
    expect(rows.map(({ line, cells, flaw }) => [line, cells[0], flaw === null])).toEqual([
      [1, "a", false],
      [2, "b", true],
      [3, "cx", false],
      [4, "d", true],
    ]);
  });

  test("of any length is never held", () => {
    const reader = createCsvReader();
    const piece = "x".repeat(MAX_ROW_LENGTH);
    const rows = [piece, piece, piece, "\r", "\nb,c\n"].flatMap((each) => reader.push(each));
    expect(rows.map(({ line, flaw }) => [line, flaw === null])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(rows[0]?.cells[0]?.length).toBe(MAX_ROW_LENGTH);
    expect(rows[1]?.cells).toEqual(["b", "c"]);
  });

  test("with a quote that nobody closes costs its own line alone, however long the rest", () => {
    const rest = "b@example.com,gateway_user\n".repeat(10_000);
    const rows = read(`a,"open\n${rest}`);
    expect(rows.filter(({ flaw }) => flaw !== null)).toHaveLength(1);
    expect(rows).toHaveLength(10_001);
  });
});

describe("laws", () => {
  test("what is written comes back", () => {
    const cell = fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), (table) => {
        const text = table.map(printCsvLine).join("");
        const expected = table
          .map((row) =>
            row.map((each) => (/^[=+\-@]/u.test(each) && !/^-?\d+(?:\.\d+)?$/u.test(each) ? `'${each}` : each)),
          )
          .filter((row) => row.some((each) => each !== ""));
        expect(cellsOf(text)).toEqual(expected);
      }),
    );
  });

  test("any cutting of a text gives the same rows", () => {
    fc.assert(
      fc.property(hostile, fc.array(fc.nat(60), { maxLength: 6 }), (text, cuts) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).toSorted((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((place, index) => text.slice(places[index], place));
        expect(read(...pieces)).toEqual(read(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test("nothing throws, lines only rise, and what is good behind a broken row is found", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rows = read(`${text}\n${"\n"}good,row\n`);
        const lines = rows.map(({ line }) => line);
        expect(lines).toEqual(lines.toSorted((a, b) => a - b));
        expect(rows.some(({ cells }) => cells.at(-1) === "row" || cells.join(",").includes("good,row"))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
