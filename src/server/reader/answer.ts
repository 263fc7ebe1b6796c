// What is answered of the books, as the bytes of a body: printed where they are read, so that long lists cost the thread of requests nothing.
// Knows no HTTP and no caller.

import { reportTokens, splitAhead, type SplitCosts, type TokenReportInit } from "../../audit/index.ts";
import type { JsonObject } from "../../ir/index.ts";
import {
  type Dimension,
  layEdges,
  type LedgerFilter,
  type LedgerStore,
  printBreakdown,
  printEntries,
  printGap,
  printTimeline,
} from "../../ledger/index.ts";
import { type Bucket, findZone, UTC } from "../../lib/zone.ts";
import type { RecountStore } from "../../store/recount.ts";

export interface Answer {
  /** UTF-8 of a JSON object. */
  bytes: Uint8Array<ArrayBuffer>;
}

export interface LedgerAnswers {
  /** At most `most` groups, and how many were left out. */
  breakdown(query: { filter: LedgerFilter; by: readonly Dimension[]; most: number }): Promise<Answer>;
  logs(query: { filter: LedgerFilter; limit: number; cursor: string | null }): Promise<Answer>;
  /** Goes through all calls of the filter; what they cost in parts is asked, some at a time. @throws invalid_request where the groups would be too many */
  tokens(
    query: { filter: LedgerFilter } & Pick<TokenReportInit, "by" | "flagged">,
    splitCosts: SplitCosts,
  ): Promise<Answer>;
  /** @throws invalid_request where the buckets would be too many */
  timeseries(query: { filter: LedgerFilter; bucket: Bucket; zone: string; nowMs: number }): Promise<Answer>;
}

/** What is read, and where. */
export interface Books<Ledger = LedgerStore> {
  ledger: Ledger;
  recounts: Pick<RecountStore, "calls" | "removedBefore">;
}

export function createAnswers({ ledger, recounts }: Books<Pick<LedgerStore, "page" | "report">>): LedgerAnswers {
  return {
    async breakdown({ filter, by, most }) {
      const report = await ledger.report({ filter, by, edges: [] });
      const groups = printBreakdown(by, report.groups);
      const leftOut = Math.max(0, groups.length - most);
      return answer({ by: [...by], groups: groups.slice(0, most), left_out: leftOut, ...printGap(report) });
    },
    async logs({ filter, limit, cursor }) {
      const page = await ledger.page(filter, limit, cursor);
      return answer({ entries: printEntries(page), next_cursor: page.nextCursor, ...printGap(page) });
    },
    async tokens({ filter, by, flagged }, splitCosts) {
      const removedBefore = await recounts.removedBefore(filter.from);
      const calls = splitAhead(recounts.calls(filter), splitCosts);
      return answer(await reportTokens({ ...calls, removedBefore, by, flagged }));
    },
    async timeseries({ filter, bucket, zone: name, nowMs }) {
      const zone = findZone(name) ?? UTC;
      const edges = layEdges({ filter, bucket, zone, nowMs });
      const report = await ledger.report({ filter, by: [], edges });
      const series = printTimeline(edges, zone, report.groups);
      return answer({ bucket, tz: zone.name, series, ...printGap(report) });
    },
  };
}

function answer(body: JsonObject): Answer {
  return { bytes: new TextEncoder().encode(JSON.stringify(body)) };
}
