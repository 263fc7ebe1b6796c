// Where the time of a request goes in several processes, and how many workers the one in front can bear.

import { describe, expect, test } from "bun:test";
import { bear, share } from "../../scripts/bench/report/crew.ts";
import type { ThreadSpent } from "../../scripts/bench/run/proc.ts";

const front = { isLeader: true, isFirst: true, name: "tokligence" };
const binding = { isLeader: true, isFirst: false, name: "bindery" };
const worker = { isLeader: false, isFirst: true, name: "tokligence" };

describe("the time of a request", () => {
  test("is shown by kinds of threads, those of all workers together, as the median of the rounds", () => {
    const makeRound = (us: number): ThreadSpent[] => [
      { ...front, cpuUs: 1 },
      { ...binding, cpuUs: us / 2 },
      { ...worker, cpuUs: us },
      { ...worker, cpuUs: us },
    ];
    const shares = share([makeRound(20), makeRound(90), makeRound(22)]);
    expect(shares).toEqual([
      { where: "workers: first thread", cpuUs: 44 },
      { where: "front: bindery", cpuUs: 11 },
      { where: "front: first thread", cpuUs: 1 },
    ]);
    // 44 us of a worker against 11 of the thread in front.
    expect(bear(shares)).toEqual({ where: "front: bindery", cpuUs: 11, perSecond: 1e6 / 11, workers: 4 });
  });

  test("is nobody's to bear where one process serves alone", () => {
    const shares = share([
      [
        { ...front, cpuUs: 40 },
        { ...binding, cpuUs: 0.01 },
      ],
    ]);
    expect(shares).toEqual([{ where: "first thread", cpuUs: 40 }]);
    expect(bear(shares)).toBeNull();
  });
});
