// What is said of books in which much is wrong: what can be named is, and it takes no longer the more is missing.

import { expect, test } from "bun:test";
import { judgeScan } from "../../../src/audit/verify/judge.ts";
import { type Scan, startScan } from "../../../src/audit/verify/scan.ts";

/** Every third row is missing, so that the one behind it cannot be checked. */
function makeScan(gaps: number, suspects: number): Scan {
  const place = (index: number): number => 3 * index + 2;
  return {
    ...startScan(0),
    rows: 2 * gaps,
    last: 3 * gaps,
    gaps: Array.from({ length: gaps }, (_, index) => ({ from: place(index), to: place(index) })),
    suspects: Array.from({ length: suspects }, (_, index) => ({
      table: "ledger_entries",
      id: `id-${index}`,
      seq: place(index) + 1,
      hash: "ab".repeat(32),
      text: `{"id":"id-${index}","seq":${place(index) + 1}}`,
      previous: null,
      isDouble: false,
    })),
  };
}

const judge = (scan: Scan) =>
  judgeScan(scan, { chain: "c", signed: new Map(), cutSeq: 0, end: { seq: 0, hash: "" }, promised: scan.last });

test("a row is held against what is missing near it, however much is missing elsewhere", () => {
  const scan = makeScan(3_000, 100);
  let looks = 0;
  const gaps = new Proxy(scan.gaps, {
    get(target, name, receiver) {
      if (typeof name === "string" && /^\d+$/u.test(name)) looks++;
      return Reflect.get(target, name, receiver);
    },
  });
  judge({ ...scan, gaps });
  // Some times for each place, and not once more for each row that is held against them.
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(10 * scan.gaps.length);
});

test("of very many places without a row the first are named, and the rest are told together", () => {
  const scan = makeScan(1_200_000, 1);
  const findings = judge(scan);
  expect(findings).toHaveLength(10_001);
  expect(findings[0]).toMatchObject({
    kind: "removed",
    seq: 2,
    toSeq: 2,
    text: "Row 2 is missing: removed, or moved elsewhere. Row 3 cannot be checked without, and is taken as it is.",
  });
  expect(findings.at(-1)).toMatchObject({
    kind: "removed",
    seq: 30_002,
    toSeq: 3_599_999,
    text: "1190000 more rows between 30002 and 3599999 are missing: removed, or moved elsewhere.",
  });
});
