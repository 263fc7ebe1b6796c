// Hours of the week as people write them: `mon-fri 08:00-18:00, sat 22:00-02:00`. Knows no setting; the zone is an argument.

import type { Zone } from "./zone.ts";

/** Minutes since midnight; an end at or before the start is on the day after, and the span is of the day on which it begins. */
export interface HourSpan {
  /** 0 is Monday. */
  days: readonly number[];
  fromMinute: number;
  untilMinute: number;
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/** Days, hours, or both, separated by commas; null where it cannot be read. */
export function parseWeekHours(text: string): HourSpan[] | null {
  const spans: HourSpan[] = [];
  for (const part of text.toLowerCase().split(",")) {
    const words = part.trim().split(/\s+/u);
    const [first = "", second] = words;
    const hours = parseHours(second ?? first);
    const days = second === undefined && hours !== null ? EVERY_DAY : parseDays(first);
    if (words.length > 2 || days === null || (second !== undefined && hours === null)) return null;
    spans.push({ days, ...(hours ?? { fromMinute: 0, untilMinute: DAY_MINUTES }) });
  }
  return spans;
}

export function isWithin(spans: readonly HourSpan[], atMs: number, zone: Zone): boolean {
  const wallMs = atMs + zone.offsetAt(atMs);
  const minute = Math.floor((wallMs % DAY_MS) / MINUTE_MS);
  // The epoch began on a Thursday.
  const today = (Math.floor(wallMs / DAY_MS) + 3) % 7;
  const yesterday = (today + 6) % 7;
  return spans.some(({ days, fromMinute, untilMinute }) => {
    if (untilMinute > fromMinute) return days.includes(today) && minute >= fromMinute && minute < untilMinute;
    return (days.includes(today) && minute >= fromMinute) || (days.includes(yesterday) && minute < untilMinute);
  });
}

const EVERY_DAY: readonly number[] = [0, 1, 2, 3, 4, 5, 6];

/** `mon`, `mon-fri`, `sat-mon`. */
function parseDays(text: string): number[] | null {
  const [from, to, ...more] = text.split("-").map((word) => DAYS.indexOf(word));
  if (from === undefined || from === -1 || to === -1 || more.length > 0) return null;
  const length = to === undefined ? 1 : ((to - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => (from + index) % 7);
}

/** `08:00-18:00`; 24:00 is the end of the day. */
function parseHours(text: string): Pick<HourSpan, "fromMinute" | "untilMinute"> | null {
  const found = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/u.exec(text);
  if (found === null) return null;
  const [fromHour = 0, fromPart = 0, untilHour = 0, untilPart = 0] = found.slice(1).map(Number);
  const [fromMinute, untilMinute] = [fromHour * 60 + fromPart, untilHour * 60 + untilPart];
  const isWrong = fromPart > 59 || untilPart > 59 || fromMinute >= DAY_MINUTES || untilMinute > DAY_MINUTES;
  return isWrong ? null : { fromMinute, untilMinute };
}
