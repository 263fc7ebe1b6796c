// The table of wires: each under its own name, and no two at one address.

import { expect, test } from "bun:test";
import { DEFAULT_WIRE, WIRES, type Wire } from "../../src/wire/index.ts";

test("each wire stands under its own id, in order, with paths that are its alone", () => {
  const entries = Object.entries<Wire>(WIRES);
  for (const [id, wire] of entries) expect(wire.id).toBe(id as Wire["id"]);
  expect(entries.map(([id]) => id)).toEqual(entries.map(([id]) => id).sort());
  const paths = entries.flatMap(([, wire]) => wire.paths);
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths.every((path) => path.startsWith("/"))).toBe(true);
  expect(DEFAULT_WIRE).toBe(WIRES["openai-chat"]);
});
