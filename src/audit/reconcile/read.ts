// Reads exports: finds out what each is, and sums it up. Knows no database.

import { randomBytes } from "node:crypto";
import { invalidRequest } from "../../ir/index.ts";
import { createSieve } from "../../lib/sieve.ts";
import { type TimeZone, openTimeZone } from "../../lib/time-zone.ts";
import { findFormats } from "./biller.ts";
import { readDay } from "./cell.ts";
import { FORMATS } from "./format/index.ts";
import { type ExportRow, type Format, readCell } from "./line.ts";
import { listWanted, parseMapping } from "./mapping.ts";
import { type ExportFile, listNames, readRows } from "./source.ts";
import { type Tally, createTally } from "./tally.ts";

export interface ReadOptions {
  /** Reads any CSV or JSON: `day=Date,model=Model,…`. */
  map: string | null;
  /** Names of the formats that the files are in; null where that is to be found out. */
  formats: readonly string[] | null;
  /** In place of the formats' own. */
  zone: TimeZone | null;
  /** Columns that are known to say nothing about tokens and money. */
  ignore: readonly string[];
  /** Told of each format that was found out; may throw. */
  onFormat?: (format: Format, file: ExportFile) => void;
}

export interface ReadExports {
  tally: Tally;
  /** Days that it says there was nothing on. */
  emptyDays: Set<string>;
  /** From when on, and until when, it tells of what happened, in milliseconds; null where it tells of days alone. */
  since: number | null;
  until: number | null;
  formats: Format[];
  zone: TimeZone;
  /** Half of the smallest sum that a line can say. */
  roundingNanos: bigint;
  lines: number;
  /** Lines that tell of no usage of a model. */
  skipped: number;
  /** Lines that are the same as another one in every cell, and yet count. */
  repeated: number;
  /** Likewise, with an id by which they are one line: they are left out. */
  dropped: number;
  /** Lines with an id behind so many that nobody would know them again. */
  unwatched: number;
  /** Formats whose last page says that there are more. */
  cutOff: Format[];
  /** Columns nobody knows, and which do not sound like tokens or money. */
  unknown: string[];
}

interface Reading {
  format: Format;
  zone: TimeZone;
}

/** Several files may complete each other: one with the tokens, one with the money. Throws a GatewayError that names file, place and remedy. */
export async function readExports(files: readonly ExportFile[], options: ReadOptions): Promise<ReadExports> {
  const tally = createTally();
  const formats = new Set<Format>();
  const emptyDays = new Set<string>();
  const unknown = new Set<string>();
  const span = createSpan();
  const known = listKnown(options);
  let lines = 0;
  let skipped = 0;
  const repeats = createRepeats();
  const isOpen = new Map<Format, boolean>();
  for (const file of files) {
    let hasMore = false;
    const noteEnd = (has: boolean): void => {
      hasMore = has;
    };
    const find = (columns: ReadonlySet<string>): Format | undefined => known.find((format) => format.owns(columns));
    let shape = "";
    let current: Reading | null = null;
    for await (const row of readRows(file, (columns) => find(columns) !== undefined, noteEnd)) {
      span.add(row);
      // Lines of JSON may differ in their fields; those of a CSV do not.
      const named = [...row.cells.keys()].join("\n");
      if (current === null || named !== shape) {
        const format: Format | undefined = find(new Set(row.cells.keys()));
        if (format === undefined) {
          if (isEmptyBucket(row)) {
            noteEmptyDay(row, options.zone ?? openZone("UTC"), emptyDays);
            continue;
          }
          throw refuseColumns(file, row, known, options.map);
        }
        if (options.formats === null) options.onFormat?.(format, file);
        checkColumns(file, row, format, options.ignore, unknown);
        current = { format, zone: options.zone ?? openZone(format.zone) };
        shape = named;
        formats.add(format);
      }
      const read = current.format.read(row, current.zone);
      if (read.length === 0) skipped++;
      if (read.length > 0 && repeats.isLeftOut(row, current.format)) continue;
      lines += read.length;
      for (const line of read) tally.add(line);
    }
    // Pages may be files of their own, in their order.
    if (current !== null) isOpen.set(current.format, hasMore);
  }
  const [first] = formats;
  if (first === undefined) {
    const says = emptyDays.size > 0 ? "it says that nothing was used" : "there is not one line in it";
    throw invalidRequest(`${listNames(files)}: ${says}. Was it asked for with a key of the same organization?`);
  }
  const zones = new Set([...formats].map(({ zone }) => zone));
  if (options.zone === null && zones.size > 1) {
    throw invalidRequest("The files count their days in different time zones; say --time-zone for both.");
  }
  return {
    tally,
    emptyDays,
    ...span.find(),
    formats: [...formats],
    zone: options.zone ?? openZone(first.zone),
    roundingNanos: [...formats].reduce((most, { roundingNanos }) => (roundingNanos > most ? roundingNanos : most), 0n),
    lines,
    skipped,
    ...repeats.counts,
    cutOff: [...isOpen].flatMap(([format, open]) => (open ? [format] : [])),
    unknown: [...unknown],
  };
}

function listKnown({ map, formats }: ReadOptions): readonly Format[] {
  if (map !== null) return [parseMapping(map)];
  return formats === null ? Object.values(FORMATS) : findFormats(formats);
}

/** Whoever asks for a time that begins or ends within a day gets parts of days: buckets say so, in seconds or as text. */
function createSpan() {
  let [since, until] = [Infinity, -Infinity];
  return {
    add({ cells }: ExportRow): void {
      for (const [first, last] of BUCKETS) {
        const [start, end] = [first, last].map((column) => readMoment(cells.get(column) ?? ""));
        if (start === undefined || end === undefined || Number.isNaN(start) || Number.isNaN(end)) continue;
        since = Math.min(since, start);
        until = Math.max(until, end);
      }
    },
    find: (): Pick<ReadExports, "since" | "until"> => (since < until ? { since, until } : { since: null, until: null }),
  };
}

const BUCKETS = [
  ["start_time", "end_time"],
  ["starting_at", "ending_at"],
  ["time_period_start", "time_period_end"],
] as const;

/** Milliseconds; NaN where it is no moment, or a day alone. */
function readMoment(text: string): number {
  if (/^\d{10}$/u.test(text)) return Number(text) * 1000;
  return /T.*Z$/u.test(text) ? Date.parse(text) : Number.NaN;
}

/** A page that was saved twice is found among so many lines, and a line by its id among so many: 67 MB are held for these. */
const MAX_SEEN = { plain: 200_000, named: 3_000_000 };

/** Finds the lines that were there before. */
function createRepeats() {
  const sieve = createSieve(randomBytes(8).readBigUInt64LE());
  let seen = 0;
  const counts = { repeated: 0, dropped: 0, unwatched: 0 };
  return {
    counts,
    isLeftOut(row: ExportRow, { identity = [] }: Format): boolean {
      const isOne = readCell(row, ...identity) !== "";
      if (seen >= MAX_SEEN[isOne ? "named" : "plain"]) {
        if (isOne) counts.unwatched++;
        return false;
      }
      if (sieve.claim([...row.cells.values()].join("\n"), seen + 1) === null) {
        seen++;
        return false;
      }
      counts[isOne ? "dropped" : "repeated"]++;
      return isOne;
    },
  };
}

function openZone(name: string): TimeZone {
  const zone = openTimeZone(name);
  if (zone === null) throw new Error(`There is no time zone ${name}.`);
  return zone;
}

/** A day on which nothing happened, of a page of an admin API. */
function isEmptyBucket(row: ExportRow): boolean {
  const times =
    /^(?:object|(?:start|end)_time(?:_iso)?|(?:starting|ending)_at|time_period_(?:start|end)|estimated|total.*)$/u;
  return [...row.cells.keys()].every((column) => times.test(column));
}

/** All that have buckets count their days by UTC. */
function noteEmptyDay(row: ExportRow, zone: TimeZone, into: Set<string>): void {
  const column = ["start_time", "starting_at", "time_period_start"].find((name) => row.cells.has(name));
  if (column !== undefined) into.add(readDay(row, column, zone));
}

function refuseColumns(file: ExportFile, row: ExportRow, known: readonly Format[], map: string | null): Error {
  const has = [...row.spelled.values()].map((name) => JSON.stringify(name)).join(", ");
  if (map !== null) {
    const spelled = new Set(row.cells.keys());
    const missing = listWanted(map).filter(
      (column) => !spelled.has(column.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "_")),
    );
    return invalidRequest(
      `${file.name} has no column ${missing.map((name) => JSON.stringify(name)).join(", ")}. Its columns are: ${has}.`,
    );
  }
  const titles = known.map(({ title }) => title);
  return invalidRequest(
    `${file.name} is no export that is known here. Its columns are: ${has}. Known are: ${titles.join("; ")}. ` +
      "Any other file is read with --map, such as --map day=Date,model=Model,input=Prompt,output=Completion,cost=USD.",
  );
}

/** What may hold tokens or money must not be passed over in silence. */
const WEIGHTY = /token|cost|amount|price|charge|fee|usd|spend/u;

function checkColumns(
  file: ExportFile,
  row: ExportRow,
  format: Format,
  ignore: readonly string[],
  unknown: Set<string>,
): void {
  const strange = [...row.spelled].filter(([name, spelled]) => !format.knows(name) && !ignore.includes(spelled));
  const weighty = strange.filter(([name]) => WEIGHTY.test(name)).map(([, spelled]) => JSON.stringify(spelled));
  if (weighty.length > 0) {
    throw invalidRequest(
      `${file.name} was taken for "${format.title}", which has no column ${weighty.join(", ")}: it may hold tokens or money. ` +
        `If it does not, say --ignore ${weighty.join(",").replaceAll('"', "")}; if it does, read the file with --map.`,
    );
  }
  for (const [, spelled] of strange) unknown.add(spelled);
}
