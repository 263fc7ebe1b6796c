// What 95 of 100 answers take: nothing while too little is known, the last ones only, and never more names than are remembered.

import { expect, test } from "bun:test";
import { createPatience } from "../../../src/gateway/way/patience.ts";

test("of fewer than twenty nobody can say it; of twenty it is the nineteenth", () => {
  const patience = createPatience();
  for (let ms = 1; ms <= 19; ms++) patience.note("a", ms);
  expect(patience.p95("a")).toBeNull();
  patience.note("a", 20);
  expect(patience.p95("a")).toBe(19);
  expect(patience.p95("b")).toBeNull();
});

test("what is long ago is forgotten: the last 128 count, in whichever order they came", () => {
  const patience = createPatience();
  for (let turn = 0; turn < 500; turn++) patience.note("a", 60_000);
  for (let ms = 128; ms >= 1; ms--) patience.note("a", ms);
  expect(patience.p95("a")).toBe(122);
  for (let turn = 0; turn < 6; turn++) patience.note("a", 9_999);
  expect(patience.p95("a")).toBe(122);
  patience.note("a", 9_999);
  expect(patience.p95("a")).toBe(9_999);
});

test("many names do not fill the memory, and what is asked of now is known", () => {
  const patience = createPatience();
  for (let turn = 0; turn < 20; turn++) patience.note("first", 1);
  for (let name = 0; name < 2_048; name++) patience.note(`m-${name}`, 1);
  expect(patience.p95("first")).toBeNull();
  for (let turn = 0; turn < 20; turn++) patience.note("m-2047", 7);
  expect(patience.p95("m-2047")).toBe(7);
});
