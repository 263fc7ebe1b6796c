// The reader and printer of INI text.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeText, printIniEntry, readIni } from "../../src/config/ini.ts";

describe("readIni", () => {
  test("keeps the rest of the line after the first =, and the line's number", () => {
    const { entries, faults } = readIni('# note\n; note\n\n a = "b;c#d=e" \nempty=\n');
    expect(faults).toEqual([]);
    expect(entries).toEqual([
      { section: "", key: "a", value: '"b;c#d=e"', line: 4 },
      { section: "", key: "empty", value: "", line: 5 },
    ]);
  });

  test("takes all three line ends", () => {
    expect(readIni("a=1\r\nb=2\rc=3\nd=4").entries.map(({ key, line }) => [key, line])).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 3],
      ["d", 4],
    ]);
  });

  test("knows sections, repeated ones too", () => {
    const { entries, sections } = readIni("a=1\n[one]\na=2\n[ two ]\na=3\n[one]\nb=4");
    expect(entries.map(({ section, key, value }) => `${section}/${key}=${value}`)).toEqual([
      "/a=1",
      "one/a=2",
      "two/a=3",
      "one/b=4",
    ]);
    expect(sections.map(({ name, line }) => `${name}:${line}`)).toEqual(["one:2", "two:4", "one:6"]);
  });

  test("faults name the line and never repeat it", () => {
    const { entries, faults } = readIni("a=1\nsk-very-secret\n[open\n[]\n[__proto__]\npolluted=yes\n=5\nb=2");
    expect(faults.map(({ line }) => line)).toEqual([2, 3, 4, 5, 7]);
    expect(JSON.stringify(faults)).not.toContain("secret");
    expect(entries.map(({ key }) => key)).toEqual(["a", "polluted", "b"]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  test("a line of a megabyte is one entry", () => {
    const { entries } = readIni(`a=${"x".repeat(1_000_000)}\nb=2`);
    expect(entries.map(({ value }) => value.length)).toEqual([1_000_000, 1]);
  });

  test("reads back whatever the printer prints", () => {
    const word = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 20 }), (pairs) => {
        const printed: { key: string; value: string; text: string }[] = [];
        for (const [key, value] of pairs) {
          try {
            printed.push({ key, value, text: printIniEntry(key, value) });
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
        const { entries, faults } = readIni(printed.map(({ text }) => text).join("\n"));
        expect(faults).toEqual([]);
        expect(entries.map(({ key, value }) => ({ key, value }))).toEqual(
          printed.map(({ key, value }) => ({ key, value })),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe("printIniEntry", () => {
  test.each([
    ["a", "one\ntwo"],
    ["a", "one\rtwo"],
    ["a", "nul\0"],
    ["a", " padded"],
    ["", "x"],
    ["a=b", "x"],
    ["#a", "x"],
    ["[a", "x"],
  ])("refuses %j = %j, which no line can hold", (key, value) => {
    expect(() => printIniEntry(key, value)).toThrow(RangeError);
  });

  test("prints what has signs in it", () => {
    expect(printIniEntry("key", "a=b;c#d")).toBe("key=a=b;c#d");
  });
});

describe("decodeText", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test("drops a byte order mark", () => {
    expect(decodeText(bytes("\uFEFFa=1"))).toEqual({ text: "a=1" });
  });

  test("refuses what is no text, with the line of a NUL", () => {
    expect(decodeText(bytes("a=1\nb=2\nc=\0"))).toMatchObject({ fault: { line: 3 } });
    expect(decodeText(Uint8Array.of(0x61, 0xff, 0xfe))).toMatchObject({ fault: { line: 1 } });
    expect(decodeText(new Uint8Array(5_000_000).fill(0x61))).toMatchObject({ fault: { line: 1 } });
  });
});
