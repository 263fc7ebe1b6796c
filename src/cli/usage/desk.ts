// The books as the commands of `usage` read them: on the database here, or at a gateway elsewhere, in the same shapes. Prints nothing.

import type { JsonObject } from "../../ir/index.ts";
import {
  type Dimension,
  EXPORT_FORMATS,
  layEdges,
  type LedgerFilter,
  printBreakdown,
  printEntries,
  printGap,
  printSummary,
  printTimeline,
  summarize,
} from "../../ledger/index.ts";
import type { Bucket, Zone } from "../../lib/zone.ts";
import { CliError, EXIT } from "../error.ts";
import { say } from "../output.ts";
import type { Here, Place } from "../place.ts";
import type { Remote } from "../remote/client.ts";
import { countRows } from "../remote/count-rows.ts";
import { printWord } from "../output.ts";

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface Piece {
  bytes: Uint8Array;
  rows: number;
}

export interface Export {
  /** Rows that are to come, as far as that is known. */
  total: number;
  /** What it says of itself where it may lack rows. */
  gap: JsonObject;
  pieces: AsyncIterable<Piece>;
}

export interface UsageDesk {
  breakdown(filter: LedgerFilter, by: readonly Dimension[]): Promise<JsonObject>;
  export(filter: LedgerFilter, format: ExportFormat): Promise<Export>;
  logs(filter: LedgerFilter, page: { limit: number; cursor: string | null }): Promise<JsonObject>;
  summary(filter: LedgerFilter): Promise<JsonObject>;
  timeseries(filter: LedgerFilter, how: { bucket: Bucket; zone: Zone }): Promise<JsonObject>;
}

export function openBooks(place: Place): UsageDesk {
  return place.remote === null ? makeDesk(place) : makeRemoteDesk(place.remote);
}

function makeDesk({ store: { ledger, ...store } }: Here): UsageDesk {
  return {
    async breakdown(filter, by) {
      const report = await ledger.report({ filter, by, edges: [] });
      return { by: [...by], groups: printBreakdown(by, report.groups), ...printGap(report) };
    },
    async export(filter, format) {
      const { createReader, exportRows } = await import("../../server/index.ts");
      const reader = createReader({ ...store, ledger });
      const { groups, rowsRemovedBefore: removedBefore } = await reader.report({ filter, by: [], edges: [] });
      const { consume, supply } = summarize(groups);
      const total = consume.entries + supply.entries;
      return { total, gap: printGap({ removedBefore }), pieces: exportRows(reader, { filter, format }) };
    },
    async logs(filter, { limit, cursor }) {
      const page = await ledger.page(filter, limit, cursor);
      return { entries: printEntries(page), next_cursor: page.nextCursor, ...printGap(page) };
    },
    async summary(filter) {
      const report = await ledger.report({ filter, by: [], edges: [] });
      return { ...printSummary(summarize(report.groups)), ...printGap(report) };
    },
    async timeseries(filter, { bucket, zone }) {
      const edges = layEdges({ filter, bucket, zone, nowMs: Date.now() });
      const report = await ledger.report({ filter, by: [], edges });
      return { bucket, tz: zone.name, series: printTimeline(edges, zone, report.groups), ...printGap(report) };
    },
  };
}

/** What each report has. */
const BROUGHT = { breakdown: "groups", logs: "entries", summary: "summary", timeseries: "series" } as const;

function makeRemoteDesk(remote: Remote): UsageDesk {
  const ask = (name: keyof typeof BROUGHT, filter: LedgerFilter, more: Parameters<Remote["ask"]>[0]["query"] = {}) =>
    asFarAsAllowed(filter, (query) =>
      remote.ask<JsonObject>({ ...nameReport(name), query: { ...query, ...more } }, BROUGHT[name]),
    );
  return {
    async breakdown(filter, by) {
      const { left_out: leftOut, ...answer } = await ask("breakdown", filter, { by: by.join(",") });
      if (leftOut === 0) return answer;
      throw new CliError(`There are ${printWord(leftOut)} groups more than a gateway names.`, {
        exitCode: EXIT.usage,
        hint: "Narrow it with --from, --to and the other filters, or take the rows themselves: tokligence usage export",
      });
    },
    async export(filter, format) {
      const { headers, body } = await asFarAsAllowed(filter, (query) =>
        remote.open({ ...nameReport("export"), query: { ...query, format } }, format),
      );
      const total = Number(headers.get("x-tokligence-rows") ?? 0);
      const moment = headers.get("x-tokligence-rows-removed-before");
      const gap = moment === null ? {} : { rows_removed_before: moment };
      return { total, gap, pieces: countRows(body, format) };
    },
    logs: (filter, page) => ask("logs", filter, page),
    async summary(filter) {
      const { summary, ...gap } = await ask("summary", filter);
      return { ...(summary as JsonObject), ...gap };
    },
    timeseries: (filter, { bucket, zone }) => ask("timeseries", filter, { bucket, tz: zone.name }),
  };
}

/** Everybody's; where the key's owner may read his own alone, that is what there is, and it is said. */
async function asFarAsAllowed<T>(
  filter: LedgerFilter,
  work: (query: ReturnType<typeof printFilter>) => Promise<T>,
): Promise<T> {
  const query = printFilter(filter);
  try {
    return await work(query);
  } catch (error) {
    const isOthers = error instanceof CliError && error.code === "permission_denied";
    if (!isOthers || filter.userId !== undefined) throw error;
    const answer = await work({ ...query, user: undefined });
    say(
      "note: this is the usage of the API key's owner: everybody's takes the scope ledger:read, and an administrator.",
    );
    return answer;
  }
}

function nameReport(name: string) {
  return { method: "GET", path: `/api/v1/usage/${name}` } as const;
}

/** Everybody's, unless one is named: as it is on a database. */
export function printFilter({ from, to, status, tags, apiKeyId, userId, ...filter }: LedgerFilter) {
  return {
    ...filter,
    user: (userId ?? "all") as string | undefined,
    key: apiKeyId,
    from: from?.toISOString(),
    to: to?.toISOString(),
    status: status === undefined ? undefined : status < 10 ? `${status}xx` : status,
    tag: tags,
  };
}
