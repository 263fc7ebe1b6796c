// The rows of a chain, gone through in stretches that several hands may have at once, and what they found put together again. Knows no SQL and no hash.

import { type Scan, type Stretch, startScan } from "./scan.ts";

/** Goes through one stretch; several may be asked for at once. */
export type ScanOne = (stretch: Stretch, onRows: (rows: number) => void) => Promise<Scan>;

const STRETCH = 50_000;
const MAX_STRETCHES = 2_000;

interface ScanInit {
  scan: ScanOne;
  onRows: (rows: number) => void;
}

/** As many stretches as make sense; a place that is far out makes them longer, not more. */
export async function scanAll(
  { chain, after, through, forgotten, previous }: Stretch,
  { scan, onRows }: ScanInit,
): Promise<Scan> {
  const length = Math.max(STRETCH, Math.ceil((through - after) / MAX_STRETCHES));
  const stretches: Stretch[] = [];
  for (let at = after; at < through; at += length) {
    const stretch: Stretch = { chain, after: at, through: Math.min(at + length, through), forgotten };
    if (at === after && previous !== undefined) stretch.previous = previous;
    stretches.push(stretch);
  }
  return merge(
    await Promise.all(stretches.map(async (stretch) => ({ stretch, scan: await scan(stretch, onRows) }))),
    after,
  );
}

/** Stretches put together again. */
function merge(parts: readonly { stretch: Stretch; scan: Scan }[], after: number): Scan {
  const whole = startScan(after);
  for (const { stretch, scan } of parts) {
    // What is missing at the end of the stretch before.
    if (scan.rows > 0 && whole.last < stretch.after) addGap(whole, { from: whole.last + 1, to: stretch.after });
    for (const gap of scan.gaps) addGap(whole, gap);
    whole.rows += scan.rows;
    whole.suspects.push(...scan.suspects);
    whole.payloads.push(...scan.payloads);
    whole.stripped.push(...scan.stripped);
    for (const shift of scan.shifts) addShift(whole, shift);
    if (scan.more !== null) {
      const { from, to, rows } = scan.more;
      whole.more = { from: whole.more?.from ?? from, to, rows: (whole.more?.rows ?? 0) + rows };
    }
    if (scan.rows > 0) whole.last = scan.last;
  }
  return whole;
}

function addGap({ gaps }: Scan, { from, to }: Scan["gaps"][number]): void {
  const last = gaps.at(-1);
  if (last !== undefined && last.to >= from - 1) last.to = Math.max(last.to, to);
  else gaps.push({ from, to });
}

function addShift({ shifts }: Scan, { from, to, by }: Scan["shifts"][number]): void {
  const last = shifts.at(-1);
  if (last !== undefined && last.by === by && last.to === from - 1) last.to = to;
  else shifts.push({ from, to, by });
}
