// Edits of JSON text against JSON.parse: the named member changes, nothing else does.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findRepeatedKey, removeTopLevel, setTopLevel } from "../../src/lib/json-edit.ts";

const space = fc.constantFrom("", "", " ", "\n  ", "\t", "\r\n");
const key = fc.constantFrom("model", "models", "a", "", "we\\ird", 'quo"te', "__proto__", "stream", "mod\\u0065l");
/** A key as its sender may spell it: letter by letter, some escaped. */
const spelledKey = fc.oneof(
  key.map((text) => JSON.stringify(text)),
  fc.constantFrom('"mod\\u0065l"', '"\\u006dodel"', '"mode\\u006C"'),
);
const valueText = fc.oneof(
  fc.json(),
  fc.json().map((text) => JSON.stringify(JSON.parse(text), null, 2)),
  fc.constantFrom('"\\\\"', '"\\""', '"}]{["', '{"model":"inner","x":[{"model":1}]}', "-1.5e+3", "[[]]", '"\\\\\\""'),
);
const member = fc.record({ name: spelledKey, before: space, mid: space, value: valueText, after: space });
const objectText = fc
  .tuple(space, space, fc.array(member, { maxLength: 6 }), space)
  .map(([lead, empty, members, tail]) => {
    const body = members.map(({ name, before, mid, value, after }) => `${before}${name}${mid}:${mid}${value}${after}`);
    return { text: `${lead}{${members.length === 0 ? empty : ""}${body.join(",")}}${tail}`, members };
  });

function entries(text: string): [string, unknown][] {
  const value: Record<string, unknown> = JSON.parse(text);
  return Object.entries(value);
}

describe("setTopLevel", () => {
  test("parses to the same object with the key set", () => {
    fc.assert(
      fc.property(objectText, key, valueText, ({ text }, name, value) => {
        const wanted = new Map(entries(text));
        wanted.set(name, JSON.parse(value));
        expect(new Map(entries(setTopLevel(text, name, value)))).toEqual(wanted);
      }),
      { numRuns: 2000 },
    );
  });

  test("replaces each occurrence in place, or adds one, and leaves all other bytes", () => {
    fc.assert(
      fc.property(objectText, key, ({ text, members }, name) => {
        const edited = setTopLevel(text, name, "\u0001");
        const hits = members.filter((one) => JSON.parse(one.name) === name);
        if (hits.length === 0) {
          const at = edited.indexOf(`${JSON.stringify(name)}:\u0001`);
          const from = members.length === 0 ? at : at - 1;
          expect(edited.slice(0, from) + edited.slice(at + JSON.stringify(name).length + 2)).toBe(text);
          return;
        }
        const pieces = edited.split("\u0001");
        expect(pieces.length).toBe(hits.length + 1);
        const restored = pieces.map((piece, index) => piece + (hits[index]?.value ?? "")).join("");
        expect(restored).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test("a duplicate key cannot keep another value, however it is spelled", () => {
    expect(setTopLevel('{"model":"a","mod\\u0065l" : "b","x":{"model":"c"}}', "model", '"z"')).toBe(
      '{"model":"z","mod\\u0065l" : "z","x":{"model":"c"}}',
    );
    expect(setTopLevel(' {"a" : 1 }\n', "model", '"z"')).toBe(' {"a" : 1,"model":"z" }\n');
    expect(setTopLevel("{ }", "model", '"z"')).toBe('{"model":"z" }');
  });

  test("ten megabytes take a moment", () => {
    const image = "A".repeat(5_000_000);
    const tokens = Array.from({ length: 700_000 }, (_, index) => 100_000 + (index % 900_000));
    const text = JSON.stringify({ model: "a", input: tokens, messages: [{ role: "user", content: image }] });
    const started = performance.now();
    const edited = setTopLevel(text, "model", '"b"');
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(edited).toBe(text.replace('"a"', '"b"'));
  });
});

describe("removeTopLevel", () => {
  test("parses to the same object without the key", () => {
    fc.assert(
      fc.property(objectText, key, ({ text }, name) => {
        const wanted = entries(text).filter(([one]) => one !== name);
        expect(new Map(entries(removeTopLevel(text, name)))).toEqual(new Map(wanted));
      }),
      { numRuns: 2000 },
    );
  });

  test("takes the member and one comma, nothing else", () => {
    expect(removeTopLevel('{"usage":null,"a": 1}', "usage")).toBe('{"a": 1}');
    expect(removeTopLevel('{"a": 1,"usage":null}', "usage")).toBe('{"a": 1}');
    expect(removeTopLevel('{"a": 1, "usage":null , "b":2}', "usage")).toBe('{"a": 1 , "b":2}');
    expect(removeTopLevel('{"usage":null}', "usage")).toBe("{}");
    expect(removeTopLevel('{"a":{"usage":1}}', "usage")).toBe('{"a":{"usage":1}}');
  });
});

describe("a key that stands twice in one object", () => {
  test.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', null],
    ['{"a":1,"b":2,"a":3}', "a"],
    ['{"x":[{"y":{"k":1, "k" :2}}]}', "k"],
    ['{"x":{"file_id":"mine","fil\\u0065_id":"theirs"}}', "file_id"],
    ['{"a":"\\"a\\":1","b":"{\\"b\\":2}"}', null],
    ["[1,2,[]]", null],
    ['{"":1,"":2}', ""],
  ])("%s: %p", (raw, expected) => {
    expect(findRepeatedKey(raw)).toBe(expected);
  });
});
