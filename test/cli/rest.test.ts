// When the heap is looked through: after work, and only while nobody waits.

import { expect, test } from "bun:test";
import { restAfterWork } from "../../src/cli/rest.ts";
import { makeClock } from "../rig.ts";

function makeScene() {
  const clock = makeClock();
  const scene = { cpuMs: 0, isBusy: false, collections: 0 };
  restAfterWork({
    after: clock.after,
    isBusy: () => scene.isBusy,
    readCpuUs: () => scene.cpuMs * 1_000,
    collect() {
      scene.collections++;
      scene.cpuMs += 20;
    },
  });
  const pass = (workMs: number, isBusy = false): number => {
    scene.cpuMs += workMs;
    scene.isBusy = isBusy;
    clock.advance(5_000);
    return scene.collections;
  };
  return pass;
}

test("once after the start, and then not again while there is nothing to do", () => {
  const pass = makeScene();
  expect([pass(600), pass(10), pass(10), pass(10), pass(10)]).toEqual([0, 1, 1, 1, 1]);
});

test("not while it works, nor while somebody waits; then once", () => {
  const pass = makeScene();
  expect([pass(4_000), pass(4_000), pass(50, true), pass(50, true), pass(50), pass(50)]).toEqual([0, 0, 0, 0, 1, 1]);
});

test("a little work now and then gathers", () => {
  const pass = makeScene();
  const seen = Array.from({ length: 12 }, () => pass(90));
  expect(seen.at(-1)).toBe(2);
  expect(seen.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
});
