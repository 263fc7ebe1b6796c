// What is recorded of those who tried to sign in and could not: some, so that one sees them, and never so many that they fill the record. Knows no route.

import type { Change, Origin } from "../../lib/change.ts";

const WINDOW_MS = 15 * 60 * 1000;
/** Within the window. */
const PER_ADDRESS = 5;
const IN_ALL = 100;

export interface FailureRecord {
  /** `code`: why. */
  note(by: Origin, code: string): Promise<void>;
}

export function createFailureRecord(tell: (by: Origin, change: Change) => Promise<void>): FailureRecord {
  let startedMs = Number.NEGATIVE_INFINITY;
  let written = 0;
  /** Since the last row that was written. */
  let unwritten = 0;
  const addresses = new Map<string, number>();
  return {
    async note(by, code) {
      const nowMs = by.at.getTime();
      if (nowMs - startedMs >= WINDOW_MS) {
        startedMs = nowMs;
        written = 0;
        addresses.clear();
      }
      const address = by.address ?? "";
      const tries = (addresses.get(address) ?? 0) + 1;
      if (tries > PER_ADDRESS || written >= IN_ALL) {
        unwritten++;
        return;
      }
      addresses.set(address, tries);
      written++;
      const after = { reason: code, ...(unwritten === 0 ? {} : { othersBefore: unwritten }) };
      unwritten = 0;
      await tell(by, {
        action: "auth.sign_in_failed",
        subjectKind: "session",
        subjectId: null,
        before: null,
        after,
      });
    },
  };
}
