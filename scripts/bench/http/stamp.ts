// A time within the text of a streamed piece, by which whoever reads it knows how long it was on its way, whatever format it went through. Both ends
// are on one machine and use its one clock.

const MARK = "~t=";
const DIGITS = 16;
const MARK_BYTES = Buffer.from(MARK);
const ZERO = 48;

/** Stands in a text where the time is put. */
export const BLANK_STAMP = MARK + "0".repeat(DIGITS);

const STAMP_BYTES = BLANK_STAMP.length;

/** Microseconds of the machine's clock, the same in all its processes, which only grows. */
const OFFSET_US = Number(process.hrtime.bigint()) / 1_000 - performance.now() * 1_000;

export function readClockUs(): number {
  return performance.now() * 1_000 + OFFSET_US;
}

/** Where the digits of the first stamp in `bytes` begin. */
export function findDigits(bytes: Buffer): number {
  const at = bytes.indexOf(MARK_BYTES);
  if (at === -1) throw new Error("There is no place for a time.");
  return at + MARK.length;
}

export function putDigits(bytes: Buffer, at: number, timeUs: number): void {
  let rest = Math.floor(timeUs);
  for (let index = at + DIGITS - 1; index >= at; index--) {
    const next = Math.floor(rest / 10);
    bytes[index] = ZERO + (rest - next * 10);
    rest = next;
  }
}

export interface StampReader {
  /** Calls back with each time in the text; one may be cut between two parts. */
  push(part: Buffer): void;
  reset(): void;
}

export function createStampReader(onStamp: (timeUs: number) => void): StampReader {
  let tail: Buffer | null = null;
  return {
    push(part) {
      const bytes: Buffer = tail === null ? part : Buffer.concat([tail, part]);
      tail = null;
      let at = 0;
      for (;;) {
        const found = bytes.indexOf(MARK_BYTES, at);
        if (found === -1) break;
        if (found + STAMP_BYTES > bytes.length) {
          tail = Buffer.from(bytes.subarray(found));
          return;
        }
        onStamp(readDigits(bytes, found + MARK.length));
        at = found + STAMP_BYTES;
      }
      // The mark itself may be cut.
      const begun = bytes.indexOf(MARK_BYTES[0] ?? 0, Math.max(at, bytes.length - MARK.length + 1));
      if (begun !== -1) tail = Buffer.from(bytes.subarray(begun));
    },
    reset() {
      tail = null;
    },
  };
}

function readDigits(bytes: Buffer, at: number): number {
  let value = 0;
  for (let index = at; index < at + DIGITS; index++) value = value * 10 + ((bytes[index] ?? ZERO) - ZERO);
  return value;
}
