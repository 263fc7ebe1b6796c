// What an object cost that worked on behind everybody's back, such as a batch: one row, whoever sees it finished first and however often.
// Knows no family.

import type { JsonObject } from "../../ir/index.ts";
import { makeStableId } from "../../lib/stable-id.ts";
import type { RestCollection } from "../../wire/index.ts";
import { openRecord } from "../record.ts";
import type { RestCall } from "./call.ts";
import type { RestState } from "./state.ts";

const BATCHES: ReadonlySet<string> = new Set(["batches", "message_batches"]);

export async function bookFinished(
  { call, tools, plan }: RestState<RestCall>,
  { endpoint, finished }: RestCollection,
  object: JsonObject,
): Promise<void> {
  const told = finished?.(object) ?? null;
  const { id } = object;
  if (told === null || typeof id !== "string") return;
  const { provider } = plan;
  if (!(await tools.bindings.claimBooking(provider.name, id))) return;
  const record = openRecord(
    {
      ...call,
      // Written again after a claim was lost with its database, it is the same row.
      id: makeStableId(told.atMs, `${provider.name}/${id}`),
      startedWallMs: told.atMs,
      startedMs: tools.clock.monotonicMs(),
      endpoint: `${endpoint}.usage`,
    },
    tools,
  );
  const { model, usage, units } = told.metered;
  record.asked(model ?? "", false);
  record.planned({ provider, model: model ?? "", dropped: [] });
  // A batch costs what its calls would in that tier; other such work has prices of its own, which no list knows.
  const isBatch = usage !== null && BATCHES.has(call.place.family ?? "");
  record.measured({
    model,
    usage: isBatch ? { ...usage, serviceTier: "batch" } : usage,
    units,
    source: "provider",
    price: isBatch ? "sum" : "unknown",
  });
  await record.settle(200, null);
}
