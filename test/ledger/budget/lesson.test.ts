// What is reserved once calls came to more than was to be expected of them.

import { expect, test } from "bun:test";
import { createLessons, type Lessons } from "../../../src/ledger/budget/lesson.ts";

const PLACE = { provider: "p", modelSent: "m" };

const of = (tokens: number | null) => ({ costNanos: null, tokens });

function raise(lessons: Lessons, tokens: number, place = PLACE): number | null {
  return lessons.raise(place, of(tokens)).tokens;
}

test("what was seen is covered, and others are raised in proportion, by no more than any one needed", () => {
  const lessons = createLessons();
  expect(raise(lessons, 100)).toBe(100);
  lessons.learn(PLACE, of(100), of(400));
  expect([100, 10, 50_000].map((tokens) => raise(lessons, tokens))).toEqual([400, 40, 50_300]);
  // Half as much again, of all that is large.
  lessons.learn(PLACE, of(10_000), of(15_000));
  for (const [expected, came] of [
    [100, 385],
    [10_000, 15_000],
  ] as const)
    expect(raise(lessons, expected)).toBeGreaterThanOrEqual(came);
  expect(raise(lessons, 100)).toBeLessThanOrEqual(400);
});

test("it is another model's or provider's affair, and tokens say nothing of money", () => {
  const lessons = createLessons();
  lessons.learn(PLACE, { costNanos: 10, tokens: 100 }, { costNanos: 10, tokens: 400 });
  expect(raise(lessons, 100, { ...PLACE, modelSent: "other" })).toBe(100);
  expect(raise(lessons, 100, { ...PLACE, provider: "other" })).toBe(100);
  expect(lessons.raise(PLACE, { costNanos: 10, tokens: 100 })).toEqual({ costNanos: 10, tokens: 400 });
});

test("what is free stays so, and what nobody knows teaches nothing", () => {
  const lessons = createLessons();
  lessons.learn(PLACE, of(0), of(50));
  lessons.learn(PLACE, of(null), of(50));
  lessons.learn(PLACE, of(50), of(null));
  expect(raise(lessons, 50)).toBe(50);
  lessons.learn(PLACE, of(50), of(80));
  expect(raise(lessons, 0)).toBe(0);
  expect(lessons.raise(PLACE, of(null)).tokens).toBeNull();
});

test("calls that need less let it be forgotten", () => {
  const lessons = createLessons();
  lessons.learn(PLACE, of(100), of(400));
  for (let count = 0; count < 14; count++) lessons.learn(PLACE, of(100), of(50));
  expect(raise(lessons, 100)).toBeLessThan(250);
  for (let count = 0; count < 100; count++) lessons.learn(PLACE, of(100), of(50));
  expect(raise(lessons, 100)).toBe(100);
});

test("of a thousand models at most", () => {
  const lessons = createLessons();
  const name = (index: number) => ({ ...PLACE, modelSent: `m${index}` });
  for (let index = 0; index < 1_001; index++) {
    lessons.learn(name(index), of(10), of(20));
    lessons.learn(name(1), of(10), of(20));
  }
  expect([0, 1, 2, 1_000].map((index) => raise(lessons, 10, name(index)))).toEqual([10, 20, 20, 20]);
});
