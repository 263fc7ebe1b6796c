// A caller's own books: sums, timelines, groups, rows and exports. Administrators may look at anyone's. Knows no SQL.

import { allows, type Caller, type Directory } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import { EXPORT_TYPES, printGap, printSummary, summarize } from "../ledger/index.ts";
import type { Rights } from "../gateway/index.ts";
import type { GuardedRoute, RouteContext } from "./route.ts";
import { exportRows, type LedgerReader } from "./reader/reader.ts";
import { readBucket, readBy, readFilter, readFormat, readLimit, readZone } from "./usage-query.ts";
import { USAGE_ABOUT as ABOUT } from "./usage-about.ts";
import { whileAllowed } from "./while-allowed.ts";

/** Groups that an answer names; a report for more is an export's work. */
const MAX_GROUPS = 10_000;

interface UsageParts {
  reader: LedgerReader;
  directory: Directory;
  rights: Rights;
  /** Epoch milliseconds. */
  now: () => number;
}

type Asked = RouteContext & { caller: Caller };

const NAMES = ["breakdown", "export", "logs", "summary", "timeseries"] as const;

export function makeUsageRoutes({ reader, directory, rights, now }: UsageParts): GuardedRoute[] {
  const filterOf = ({ query, caller }: Asked, also = (): unknown => null) =>
    readFilter({ query, caller, directory, nowMs: now(), also });
  const routes: Record<Exclude<keyof typeof ABOUT, "payload">, (asked: Asked) => Promise<Response>> = {
    breakdown: async (asked) => {
      const filter = await filterOf(asked, () => readBy(asked.query));
      const by = readBy(asked.query);
      return toResponse(await reader.breakdown({ filter, by, most: MAX_GROUPS }));
    },
    export: async (asked) => {
      const filter = await filterOf(asked, () => readFormat(asked.query));
      const format = readFormat(asked.query);
      const { groups, rowsRemovedBefore } = await reader.report({ filter, by: [], edges: [] });
      const { consume, supply } = summarize(groups);
      asked.keepOpen();
      const pieces = whileAllowed(exportRows(reader, { filter, format }), asked, rights);
      return new Response(toStream(pieces), {
        headers: {
          "content-type": EXPORT_TYPES[format],
          "content-disposition": `attachment; filename="usage.${format}"`,
          "cache-control": "no-store",
          // As far as it can be known before: rows may come while it runs.
          "x-tokligence-rows": String(consume.entries + supply.entries),
          ...(rowsRemovedBefore === null
            ? {}
            : { "x-tokligence-rows-removed-before": rowsRemovedBefore.toISOString() }),
        },
      });
    },
    logs: async (asked) => {
      const filter = await filterOf(asked, () => readLimit(asked.query));
      const [limit, cursor] = [readLimit(asked.query), asked.query.get("cursor")];
      return toResponse(await reader.logs({ filter, limit, cursor }));
    },
    summary: async (asked) => {
      const report = await reader.report({ filter: await filterOf(asked), by: [], edges: [] });
      return Response.json({ summary: printSummary(summarize(report.groups)), ...printGap(report) });
    },
    timeseries: async (asked) => {
      const filter = await filterOf(asked, () => readBucket(asked.query));
      const [bucket, zone] = [readBucket(asked.query), readZone(asked.query).name];
      return toResponse(await reader.timeseries({ filter, bucket, zone, nowMs: now() }));
    },
  };
  const authority = { anyOf: ["usage:read", "ledger:read"] } as const;
  return [
    ...NAMES.map((name): GuardedRoute => ({
      method: "GET",
      path: `/api/v1/usage/${name}`,
      authority,
      about: ABOUT[name],
      handle: routes[name],
    })),
    {
      method: "GET",
      path: "/api/v1/usage/logs/:id/payload",
      authority,
      about: ABOUT.payload,
      handle: (asked) => showPayload(reader, asked),
    },
  ];
}

function toResponse({ bytes }: { bytes: Uint8Array<ArrayBuffer> }): Response {
  return new Response(bytes, { headers: { "content-type": "application/json;charset=utf-8" } });
}

/** Others than its owner and administrators are not even told that there is one. */
async function showPayload(reader: LedgerReader, { caller, params }: Asked): Promise<Response> {
  const payload = await reader.findPayload(params["id"] ?? "");
  if (payload === null || (payload.userId !== caller.userId && !allows(caller, "admin"))) {
    throw new GatewayError({
      kind: "not_found",
      message: "No text of that call is kept: capture was off, its time is over, or there is no such row.",
    });
  }
  const { entryId, createdAt, request, response } = payload;
  return Response.json({ id: entryId, created_at: createdAt.toISOString(), request, response });
}

/** Each piece is made when the client has taken the one before; a client that leaves ends it. */
function toStream(pieces: AsyncGenerator<{ bytes: Uint8Array<ArrayBuffer> }, void>): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else if (value.bytes.length > 0) controller.enqueue(value.bytes);
        else controller.close();
      },
      async cancel() {
        await pieces.return();
      },
    },
    { highWaterMark: 1 },
  );
}
