// What the gateway counts of itself, for whoever watches it: behind a scope, or open to everyone where the operator says so.

import type { Admission, Hedges } from "../gateway/index.ts";
import type { LedgerFigures, LedgerWriter } from "../ledger/index.ts";
import { type Gauge, type Metrics, ROWS_SETTLED } from "../telemetry/metric.ts";
import type { Route } from "./route.ts";

export function makeMetricRoutes(metrics: Pick<Metrics, "print">, isPublic: boolean): Route[] {
  const handle = async (): Promise<Response> =>
    new Response(await metrics.print(), { headers: { "content-type": CONTENT_TYPE, "cache-control": "no-store" } });
  const address = { method: "GET", path: "/metrics" } as const;
  if (isPublic) return [{ ...address, authority: "public", handle }];
  return [{ ...address, authority: { anyOf: ["metrics:read"] }, handle }];
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#basic-info */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** How calls are doing, all together. */
export function listCallGauges({ admission, hedges }: { admission: Admission; hedges: Hedges }): Gauge[] {
  return [...listAdmissionGauges(admission), ...listHedgeGauges(hedges)];
}

/** How full it is. */
function listAdmissionGauges({ figures }: Pick<Admission, "figures">): Gauge[] {
  return [
    { name: "tokligence_requests_running", about: "Model calls under way", read: () => figures().running },
    { name: "tokligence_requests_waiting", about: "Model calls that wait at a limit", read: () => figures().waiting },
    {
      name: "tokligence_requests_turned_away",
      about: "Model calls refused at a limit",
      isCounter: true,
      read: () => figures().refused,
    },
  ];
}

/** How often a second target was asked beside a slow one, and was the faster; what that cost is counted by the rows. */
function listHedgeGauges({ figures }: Pick<Hedges, "figures">): Gauge[] {
  return [
    {
      name: "tokligence_hedges_started",
      about: "Calls made beside one that was slow",
      isCounter: true,
      read: () => figures.started,
    },
    {
      name: "tokligence_hedges_won",
      about: "Those of them whose answer the client was given",
      isCounter: true,
      read: () => figures.won,
    },
  ];
}

/** What the writer of the books tells of itself. */
export function listLedgerGauges({ figures, fault }: Pick<LedgerWriter, "fault" | "figures">): Gauge[] {
  // Calls that a death left open were closed before anybody waited for them.
  const { settledRows: before } = figures();
  const read = (name: keyof LedgerFigures) => (): number => figures()[name];
  return [
    {
      name: ROWS_SETTLED,
      about: "Durable rows of requests",
      isCounter: true,
      read: () => figures().settledRows - before,
    },
    { name: "tokligence_ledger_intents", about: "Calls announced", isCounter: true, read: read("intents") },
    { name: "tokligence_ledger_intents_open", about: "Calls announced and not settled", read: read("openIntents") },
    {
      name: "tokligence_ledger_commits_failed",
      about: "Commits that failed",
      isCounter: true,
      read: read("failedCommits"),
    },
    { name: "tokligence_ledger_rows_kept", about: "Rows that wait for a commit which failed", read: read("keptRows") },
    {
      name: "tokligence_ledger_fault",
      about: "1 while the ledger cannot be written",
      isWorst: true,
      read: () => (fault() === null ? 0 : 1),
    },
  ];
}
