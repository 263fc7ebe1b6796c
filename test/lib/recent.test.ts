// What is remembered of late is what was asked for last, and never more than there may be.

import { expect, test } from "bun:test";
import { createLru } from "../../src/lib/lru.ts";
import { createRecent } from "../../src/lib/recent.ts";

const NOW = { atMs: 0 };

test("what is asked for stays, whatever else comes and goes", () => {
  const recent = createRecent<number>({ most: 20, ageMs: 1_000 });
  recent.put("mine", 1, NOW);
  for (let index = 0; index < 1_000; index++) {
    recent.put(`other ${index}`, index, NOW);
    if (index % 5 === 0) expect(recent.get("mine", 0)).toBe(1);
  }
  expect(recent.get("other 999", 0)).toBe(999);
  expect(recent.get("other 900", 0)).toBeUndefined();
});

test("no more is remembered than there may be, by weight", () => {
  const recent = createRecent<number>({ most: 100, ageMs: 1_000 });
  for (let index = 0; index < 1_000; index++) recent.put(`n${index}`, index, { atMs: 0, weight: 10 });
  const kept = Array.from({ length: 1_000 }, (_, index) => recent.get(`n${index}`, 0)).filter(
    (each) => each !== undefined,
  );
  expect(kept.length).toBeLessThanOrEqual(10);
  recent.put("too heavy", 1, { atMs: 0, weight: 51 });
  expect(recent.get("too heavy", 0)).toBeUndefined();
  recent.put("n1", 2, NOW);
  recent.clear();
  expect(recent.get("n1", 0)).toBeUndefined();
});

test("a value that is put again is the new one", () => {
  const recent = createRecent<number>({ most: 4, ageMs: 1_000 });
  for (let index = 0; index < 9; index++) {
    recent.put("a", index, NOW);
    expect(recent.get("a", 0)).toBe(index);
    recent.put(`b${index}`, index, NOW);
  }
});

test("a table of bytes does not hold what is too old, though nobody asks for it", () => {
  let now = 0;
  const lru = createLru<number>({ maxBytes: 1e9, nowMs: () => now });
  for (; now < 10_000; now++) lru.put(`n${now}`, now, { bytes: 100, expiresMs: now + 50 });
  expect(lru.count()).toBeLessThanOrEqual(51);
  expect(lru.get("n9999")).toBe(9_999);
});

test("what nobody asks for any more is forgotten, and what somebody does is not", () => {
  const recent = createRecent<number>({ most: 1_000, ageMs: 100 });
  recent.put("asked", 1, NOW);
  recent.put("unasked", 2, NOW);
  for (let atMs = 50; atMs <= 500; atMs += 50) expect(recent.get("asked", atMs)).toBe(1);
  expect(recent.get("unasked", 500)).toBeUndefined();
  // Somebody asks about times that are over.
  expect(recent.get("asked", 0)).toBe(1);
});
