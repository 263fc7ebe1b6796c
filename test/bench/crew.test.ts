// What a request costs a gateway of several processes, and how many workers the one in front can bear.

import { describe, expect, test } from "bun:test";
import { bear, costOf, share } from "../../scripts/bench/report/crew.ts";

const front = { pid: 7, isLeader: true, isFirst: true, name: "tokligence" };
const binding = { ...front, isFirst: false, name: "bindery" };
const worker = { ...front, pid: 9, isLeader: false };

/** One worker has a quarter of the connections, and a core for itself; what another one takes is none of its own. */
function makeRound(us: number) {
  return {
    threads: [
      { ...front, cpuUs: 1 },
      { ...binding, cpuUs: us / 2 },
      { ...worker, cpuUs: us / 4 },
      { ...worker, isFirst: false, name: "recount", cpuUs: 1 },
      { ...worker, pid: 12, cpuUs: 1_000 },
    ],
    connections: new Map([
      [7, 0],
      [9, 16],
      [12, 48],
    ]),
  };
}

describe("the time of a request", () => {
  test("is that of one worker for those that came to it, and that of the process in front for all", () => {
    expect(costOf(makeRound(20))).toBe(1 + 10 + 20 + 4);
    const shares = share([makeRound(20), makeRound(90), makeRound(22)]);
    expect(shares).toEqual([
      { where: "worker: first thread", cpuUs: 22 },
      { where: "front: bindery", cpuUs: 11 },
      { where: "worker: recount", cpuUs: 4 },
      { where: "front: first thread", cpuUs: 1 },
    ]);
    expect(bear(shares)).toEqual({ where: "front: bindery", cpuUs: 11, perSecond: 1e6 / 11, workers: 2 });
  });

  test("is all of it where one process serves alone, and nobody stands in front", () => {
    const round = {
      threads: [
        { ...front, cpuUs: 40 },
        { ...binding, cpuUs: 0.01 },
      ],
      connections: new Map([[7, 64]]),
    };
    expect(costOf(round)).toBe(40.01);
    const shares = share([round]);
    expect(shares).toEqual([{ where: "first thread", cpuUs: 40 }]);
    expect(bear(shares)).toBeNull();
  });
});
