// Time zones: what the clock on the wall says, and where hours, days, weeks and months begin there. Knows no report and no setting.

export const BUCKETS = ["hour", "day", "week", "month"] as const;
export type Bucket = (typeof BUCKETS)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A moment as a wall clock shows it, in whole seconds. */
interface Wall {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
}

export interface Zone {
  name: string;
  /** Milliseconds that the zone's wall clock is ahead of UTC at a moment. */
  offsetAt(atMs: number): number;
}

/** Null where there is no zone of that name in the IANA database. */
export function findZone(name: string): Zone | null {
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/u.test(name)) return null;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US-u-hc-h23", {
      timeZone: name,
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return null;
  }
  const { timeZone } = format.resolvedOptions();
  if (timeZone === "UTC") return { name, offsetAt: () => 0 };
  return { name, offsetAt: (atMs) => readOffset(format, atMs) };
}

export const UTC: Zone = { name: "UTC", offsetAt: () => 0 };

function readOffset(format: Intl.DateTimeFormat, atMs: number): number {
  const part: Record<string, number> = {};
  const seconds = Math.floor(atMs / 1000) * 1000;
  for (const { type, value } of format.formatToParts(seconds)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - seconds;
}

/** The beginning of the hour, day, week (Monday) or month in which the moment lies. */
export function startOf(bucket: Bucket, atMs: number, zone: Zone): number {
  if (bucket === "hour") return startOfHour(atMs, zone);
  const start = startOfDay(floorDay(bucket, wallOf(atMs, zone)), zone);
  // Where clocks go back over midnight, a date can begin twice.
  return start <= atMs ? start : startOfDay(shiftDay(bucket, wallOf(atMs, zone), -1), zone);
}

/** The beginning of the one that follows the one that begins at `startMs`. */
export function startOfNext(bucket: Bucket, startMs: number, zone: Zone): number {
  if (bucket === "hour") {
    const next = startOfHour(startMs + HOUR_MS, zone);
    return next > startMs ? next : startMs + HOUR_MS;
  }
  for (let steps = 1; ; steps++) {
    const next = startOfDay(shiftDay(bucket, wallOf(startMs, zone), steps), zone);
    // A date may be missing: islands have moved over the date line.
    if (next > startMs) return next;
  }
}

/** `2026-01-31T00:00:00+01:00`; seconds of the offset, which the last century knew, are left out as the form has no place for them. */
export function printLocal(atMs: number, zone: Zone): string {
  const offset = zone.offsetAt(atMs);
  const minutes = Math.trunc(offset / 60_000);
  const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map(twoDigits);
  const wall = new Date(atMs + minutes * 60_000).toISOString().replace(/(?:\.000)?Z$/u, "");
  return `${wall}${minutes === 0 ? "Z" : `${minutes < 0 ? "-" : "+"}${hour}:${minute}`}`;
}

const MOMENT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?([Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?$/u;

/** RFC 3339; without an offset it is the wall clock of the zone, and a date alone is its beginning there. Null where it is no moment. */
export function parseMoment(text: string, zone: Zone): number | null {
  const found = MOMENT.exec(text);
  if (found === null) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", offset] = found;
  const date = { year: Number(year), month: Number(month), day: Number(day) };
  const dayMs = Date.UTC(date.year, date.month - 1, date.day);
  // Of the first hundred years, Date.UTC makes those of the last century.
  const isDate = new Date(dayMs).getUTCDate() === date.day && date.month >= 1 && date.month <= 12 && date.year >= 100;
  if (!isDate || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  if (found[4] === undefined) return startOfDay(date, zone);
  const timeMs = (Number(hour) * 60 + Number(minute)) * 60_000 + Number(second) * 1000;
  const wallMs = dayMs + timeMs + Math.floor(Number(`0.${fraction || "0"}`) * 1000);
  return offset === undefined ? momentOf(wallMs, zone) : wallMs - readGivenOffset(offset);
}

function readGivenOffset(text: string): number {
  if (/^z$/iu.test(text)) return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(-2));
  return (text.startsWith("-") ? -1 : 1) * minutes * 60_000;
}

function startOfHour(atMs: number, zone: Zone): number {
  const offset = zone.offsetAt(atMs);
  const start = Math.floor((atMs + offset) / HOUR_MS) * HOUR_MS - offset;
  // The clock may have been moved by half an hour within it.
  const before = zone.offsetAt(start);
  return before === offset ? start : Math.max(start, startOfShift(start, atMs, zone));
}

/** The first moment after `fromMs` whose offset is that of `toMs`, to the second. */
function startOfShift(fromMs: number, toMs: number, zone: Zone): number {
  const offset = zone.offsetAt(toMs);
  let [low, high] = [Math.floor(fromMs / 1000), Math.floor(toMs / 1000)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetAt(middle * 1000) === offset) high = middle;
    else low = middle;
  }
  return high * 1000;
}

function startOfDay({ year, month, day }: Wall, zone: Zone): number {
  return momentOf(Date.UTC(year, month - 1, day), zone);
}

/** The first moment at which the wall clock shows that; where it is skipped, the moment of the skip. */
function momentOf(wallMs: number, zone: Zone): number {
  const [before, after] = [zone.offsetAt(wallMs - DAY_MS), zone.offsetAt(wallMs + DAY_MS)];
  const candidates = [wallMs - before, wallMs - after].toSorted((left, right) => left - right);
  const exact = candidates.find((atMs) => atMs + zone.offsetAt(atMs) === wallMs);
  return exact ?? wallMs - before;
}

function wallOf(atMs: number, zone: Zone): Wall {
  const wall = new Date(atMs + zone.offsetAt(atMs));
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() };
}

function floorDay(bucket: Exclude<Bucket, "hour">, wall: Wall): Wall {
  if (bucket === "month") return { ...wall, day: 1 };
  if (bucket === "day") return wall;
  const date = new Date(Date.UTC(wall.year, wall.month - 1, wall.day));
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return { ...wall, day: wall.day - sinceMonday };
}

/** Days beyond the month's end are taken for what they are by Date.UTC. */
function shiftDay(bucket: Exclude<Bucket, "hour">, wall: Wall, steps: number): Wall {
  const floor = floorDay(bucket, wall);
  if (bucket === "month") return { ...floor, month: floor.month + steps };
  return { ...floor, day: floor.day + steps * (bucket === "week" ? 7 : 1) };
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
