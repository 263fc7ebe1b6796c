// The rounds in which what was kept long enough is deleted: what each limit does, in which order, and how they end.

import { expect, test } from "bun:test";
import { startRetention } from "../../../src/server/reader/retention.ts";
import { makeClock } from "../../rig.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

interface Scene {
  cuts?: { chain: string; keyId: string; isWhole: boolean }[];
  sign?: () => void;
  /** When rows of the books were made, by the clock that is right; of a day ago unless said. */
  rowsAt?: number[];
}

/** A scene in which each kind of thing goes in two steps. */
function open(
  limits: Partial<Record<"capturedMs" | "payloadHashesMs" | "rowsMs", number>>,
  { cuts = [{ chain: "own", keyId: "key", isWhole: false }], sign = () => undefined, rowsAt }: Scene = {},
) {
  const right = makeClock();
  let aheadMs = 0;
  const clock = { ...right, wallMs: () => right.wallMs() + aheadMs };
  const rows = rowsAt ?? [12, 30, 500 * 24].map((hours) => right.wallMs() - hours * HOUR_MS);
  const asked: string[] = [];
  const left = { captured: [2, 1, 0], hashes: [200, 0], rows: [3, 0] };
  const age = (before: Date): number => (clock.wallMs() - before.getTime()) / DAY_MS;
  const faults: unknown[] = [];
  const done: unknown[] = [];
  const find = (what: string, before: Date) => {
    asked.push(`${what} ${Math.round(age(before))}`);
    return Promise.resolve(cuts.map((cut) => ({ ...cut, seq: 7, hash: "h", before })));
  };
  const stop = startRetention({
    ledger: {
      async dropPayloads(before) {
        asked.push(`captured ${Math.round(age(before))}`);
        return left.captured.shift() ?? 0;
      },
      findForgets: (before) => find("hashes", before),
      async dropHashes({ chain, seq }) {
        asked.push(`hashes of ${chain} to ${seq}`);
        return left.hashes.shift() ?? 0;
      },
      findCuts: (before) => find("cuts", before),
      async dropRows({ chain, seq }) {
        asked.push(`rows of ${chain} to ${seq}`);
        return left.rows.shift() ?? 0;
      },
    },
    limits: () => ({ capturedMs: 0, payloadHashesMs: 0, rowsMs: 0, ...limits }),
    keyId: "key",
    async retire(reason, { chain, seq, hash }) {
      asked.push(`signed ${reason} of ${chain} ${seq} ${hash}`);
      sign();
    },
    clock,
    hasRows: async (from, to) => rows.some((at) => at >= from.getTime() && at < to.getTime()),
    onDoubt: () => asked.push("doubt"),
    onDone: (gone) => done.push(gone),
    onFault: (error) => faults.push(error),
  });
  const turn = async (ms: number): Promise<void> => {
    for (let tick = 0; tick < 40; tick++) {
      right.advance(ms / 40);
      await new Promise(setImmediate);
    }
  };
  const setAhead = (ms: number): void => void (aheadMs = ms);
  return { asked, clock, done, faults, rows, setAhead, stop, turn };
}

test("nothing is asked for where everything is kept for ever", async () => {
  const { asked, done, stop, turn } = open({});
  await turn(DAY_MS);
  expect({ asked, done }).toEqual({ asked: [], done: [] });
  await stop();
});

test("each goes by its own age, step by step, and rows only after the cut is signed", async () => {
  const { asked, done, stop, turn } = open({
    capturedMs: 7 * DAY_MS,
    payloadHashesMs: 30 * DAY_MS,
    rowsMs: 400 * DAY_MS,
  });
  await turn(120_000);
  expect(asked).toEqual([
    "captured 7",
    "captured 7",
    "captured 7",
    "hashes 30",
    "signed forget of own 7 h",
    "hashes of own to 7",
    "hashes of own to 7",
    "cuts 400",
    "signed cut of own 7 h",
    "rows of own to 7",
    "rows of own to 7",
  ]);
  expect(done).toEqual([{ captured: 3, hashes: 200, rows: 3 }]);
  await stop();
});

test("rows stay where the cut cannot be signed, and it is tried again an hour later", async () => {
  const refuse = (): never => {
    throw new Error("no key");
  };
  const { asked, faults, stop, turn } = open({ rowsMs: DAY_MS }, { sign: refuse });
  await turn(120_000);
  expect(asked).toEqual(["cuts 1", "signed cut of own 7 h"]);
  expect(String(faults)).toContain("no key");
  await turn(4_000_000);
  expect(asked).toHaveLength(4);
  expect(asked.join()).not.toContain("rows of");
  await stop();
});

test("all chains of the gateway's key are looked through; another gateway's only once it is over as a whole", async () => {
  const cuts = [
    { chain: "older", keyId: "key", isWhole: false },
    { chain: "alive", keyId: "other", isWhole: false },
    { chain: "dead", keyId: "other", isWhole: true },
  ];
  const { asked, stop, turn } = open({ rowsMs: DAY_MS }, { cuts });
  await turn(120_000);
  expect(asked.filter((line) => line.startsWith("signed"))).toEqual([
    "signed cut of older 7 h",
    "signed cut of dead 7 h",
  ]);
  expect(asked.join()).not.toContain("alive");
  await stop();
});

test("an end in the middle of a round is an end", async () => {
  const { asked, stop, turn } = open({ capturedMs: DAY_MS });
  await turn(60_000);
  await stop();
  const count = asked.length;
  await turn(DAY_MS);
  expect(asked).toHaveLength(count);
});

test("a clock that is far ahead for hours removes nothing, whether it was set while the gateway ran or before", async () => {
  for (const isEarly of [true, false]) {
    const { asked, clock, rows, setAhead, stop, turn } = open({
      capturedMs: DAY_MS,
      payloadHashesMs: 30 * DAY_MS,
      rowsMs: 400 * DAY_MS,
    });
    if (!isEarly) await turn(HOUR_MS / 2);
    asked.length = 0;
    setAhead(70 * 365 * DAY_MS);
    // What comes meanwhile bears the wrong time, too.
    rows.push(clock.wallMs());
    await turn(5 * HOUR_MS);
    expect(asked).toEqual(["doubt"]);
    setAhead(0);
    asked.length = 0;
    await turn(HOUR_MS + 120_000);
    expect(asked).toContain("rows of own to 7");
    await stop();
  }
});

test("where nobody asked for days, what is old goes once the gateway has run for a day", async () => {
  const { asked, rows, stop, turn } = open({ rowsMs: 30 * DAY_MS });
  rows.splice(0, 2);
  await turn(HOUR_MS);
  expect(asked).toEqual(["doubt"]);
  for (let hour = 0; hour < 24; hour++) await turn(HOUR_MS);
  expect(asked).toContain("rows of own to 7");
  await stop();
});
