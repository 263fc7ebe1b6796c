// When prices change: dates and hours of the day as milliseconds, and the window around a moment in which nothing changes.

/** A change at a date's beginning (UTC), or every day at an hour such as `16:30:00Z`. */
export type Change = { date: string } | { hour: string };

const DAY_MS = 86_400_000;
const HOUR = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:Z|([+-])(\d{2}):(\d{2}))$/u;

/** Milliseconds since midnight UTC. Throws a RangeError for what is no hour. */
export function readHour(text: string): number {
  const found = HOUR.exec(text);
  if (found === null) throw new RangeError(`${JSON.stringify(text)} is no time of day`);
  const [, hours, minutes, seconds, sign, awayHours = "0", awayMinutes = "0"] = found;
  const away = (Number(awayHours) * 60 + Number(awayMinutes)) * 60_000 * (sign === "-" ? -1 : 1);
  const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
  return (((ms - away) % DAY_MS) + DAY_MS) % DAY_MS;
}

/** Whether a moment lies between two hours of its day; an end before the start is on the day after. */
export function isWithinHours({ start, end }: { start: string; end: string }, at: Date): boolean {
  const now = ((at.getTime() % DAY_MS) + DAY_MS) % DAY_MS;
  const [from, until] = [readHour(start), readHour(end)];
  return until < from ? now >= from || now < until : now >= from && now < until;
}

/** From the last change before or at the moment until the next one. */
export function findWindow(changes: readonly Change[], at: Date): { fromMs: number; untilMs: number } {
  const now = at.getTime();
  const midnight = Math.floor(now / DAY_MS) * DAY_MS;
  let [fromMs, untilMs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const change of changes) {
    const moments =
      "date" in change
        ? [Date.parse(change.date)]
        : [-1, 0, 1].map((day) => midnight + day * DAY_MS + readHour(change.hour));
    for (const moment of moments) {
      if (moment <= now) fromMs = Math.max(fromMs, moment);
      else untilMs = Math.min(untilMs, moment);
    }
  }
  return { fromMs, untilMs };
}
