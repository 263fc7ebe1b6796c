// A report cut into hours, days, weeks or months of a time zone: where they begin, and what they are called. Knows no SQL.

import { invalidRequest, type JsonObject } from "../ir/index.ts";
import { type Bucket, printLocal, startOf, startOfNext, type Zone } from "../lib/zone.ts";
import { printSummary } from "./print-report.ts";
import { type ReportGroup, summarize } from "./report.ts";
import type { LedgerFilter } from "./store.ts";

/** More would be a listing rather than a picture. */
const MAX_BUCKETS = 3_000;

const DAY_MS = 86_400_000;
/** How far back a timeline goes unless it is said. */
const USUAL_MS = { day: 30 * DAY_MS, hour: DAY_MS, month: 365 * DAY_MS, week: 84 * DAY_MS } as const satisfies Record<
  Bucket,
  number
>;

export interface TimelineQuery {
  filter: LedgerFilter;
  bucket: Bucket;
  zone: Zone;
  nowMs: number;
}

/** Where each bucket begins and the last one ends. Without `to` it ends with the bucket that is running. */
export function layEdges({ filter, bucket, zone, nowMs }: TimelineQuery): number[] {
  const toMs = filter.to?.getTime() ?? nowMs + 1;
  const fromMs = filter.from?.getTime() ?? toMs - USUAL_MS[bucket];
  if (fromMs >= toMs) throw invalidRequest("from must be before to.", "from");
  const edges = [startOf(bucket, fromMs, zone)];
  for (let last = edges[0] ?? 0; last < toMs; edges.push(last)) {
    if (edges.length > MAX_BUCKETS) {
      throw invalidRequest(
        `That is more than ${MAX_BUCKETS} ${bucket}s: choose a later from, or a longer bucket.`,
        "bucket",
      );
    }
    last = startOfNext(bucket, last, zone);
  }
  return edges;
}

/** One object a bucket, those in which nothing happened too. */
export function printTimeline(edges: readonly number[], zone: Zone, groups: readonly ReportGroup[]): JsonObject[] {
  const byStretch = Map.groupBy(groups, ({ stretch }) => stretch);
  return edges.slice(0, -1).map((startMs, index) => ({
    start: printLocal(startMs, zone),
    end: printLocal(edges[index + 1] ?? startMs, zone),
    ...printSummary(summarize(byStretch.get(index) ?? [])),
  }));
}
