// Schemas of tools, whose properties have whatever names a client gave them.

import { expect, test } from "bun:test";
import { decodeSchema, encodeSchema } from "../../../src/wire/gemini/schema.ts";

test("a property may have a name that JavaScript knows otherwise", () => {
  const text = '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"const":1}}}';
  expect(JSON.stringify(encodeSchema(JSON.parse(text)))).toBe(
    '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"enum":[1]}}}',
  );
  const ordered = '{"type":"OBJECT","properties":{"__proto__":{"type":"STRING"}},"propertyOrdering":["toString"]}';
  expect(JSON.stringify(decodeSchema(JSON.parse(ordered)))).toBe(
    '{"type":"object","properties":{"__proto__":{"type":"string"}}}',
  );
});
