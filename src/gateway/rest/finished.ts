// What an object cost that worked on behind everybody's back, such as a batch: booked once, whoever sees it finished first and however often.
// Knows no family.

import type { JsonObject } from "../../ir/index.ts";
import { GatewayError, toGatewayError } from "../../ir/index.ts";
import { makeStableId } from "../../lib/stable-id.ts";
import type { Finished, Metered, RestCollection } from "../../wire/index.ts";
import { type CallRecord, openRecord } from "../record.ts";
import { nameKeeper } from "../way/pool.ts";
import type { RestCall } from "./call.ts";
import { readKept, sumResults } from "./results.ts";
import type { RestState } from "./state.ts";

type State = RestState<RestCall>;

/** What booking needs: of a request, or of nobody's, where an object is followed. */
export interface Booker extends Pick<State, "deadlines" | "plan" | "scene" | "tools"> {
  call: Pick<RestCall, "caller" | "headers" | "id" | "requestId" | "signal" | "startedMs" | "startedWallMs">;
}

export async function bookFinished(state: Booker, collection: RestCollection, object: JsonObject): Promise<void> {
  const told = collection.finished?.(object) ?? null;
  const { id } = object;
  if (told === null || typeof id !== "string") return;
  const { tools, plan } = state;
  const { name } = plan.provider;
  if (told.resultsPath === null) return bookTold(state, { collection, told, id });
  // The results are read, which takes its time: nobody waits for it.
  tools.errands.run(`${name}/${id}`, async () => {
    try {
      await bookTold(state, { collection, told, id });
      return true;
    } catch (error) {
      state.tools.report(notBooked(state, id, error), state.call.requestId);
      return false;
    }
  });
}

async function bookTold(state: Booker, booking: Omit<Booking, "metered">): Promise<void> {
  const { told, id } = booking;
  const { metered, resultsPath } = told;
  if (resultsPath === null) {
    if (metered !== null) await book(state, booking, [{ id, metered }]);
    return;
  }
  const sums = await readSums(state, { metered, resultsPath });
  await book(state, booking, joinParts(id, metered, sums));
}

/** Before an object is removed: once it is gone, nobody tells any more what it cost. Throws where that cannot be found out now. */
export async function bookRemoved(state: State): Promise<void> {
  const { place } = state.call;
  const { collection, objectId: id } = place;
  if (collection?.finished === undefined || id === null || !place.endpoint.endsWith(".delete")) return;
  state.call.keepOpen();
  await state.record.intend();
  try {
    const told = collection.finished(await readKept(state, `${collection.path}/${encodeURIComponent(id)}`));
    if (told !== null) await bookTold(state, { collection, told, id });
  } catch (cause) {
    // Of what is gone already, its provider says so itself.
    if (toGatewayError(cause).kind === "not_found") return;
    const message =
      `Provider "${state.plan.provider.name}" did not tell what "${id.slice(0, 100)}" cost, and nobody could ask for that once it is removed. ` +
      "Try again in a moment.";
    throw new GatewayError({ kind: "upstream_unavailable", message, cause });
  }
}

/** Results that are gone are nobody's any more: then the totals are all that is known. */
async function readSums(
  state: Booker,
  { metered, resultsPath }: { metered: Metered | null; resultsPath: string },
): Promise<Map<string, Metered>> {
  try {
    return await sumResults(state, resultsPath);
  } catch (error) {
    if (metered === null || toGatewayError(error).kind !== "not_found") throw error;
    return new Map();
  }
}

/** Of one model the totals that its provider tells count, with what only the results say. */
function joinParts(id: string, total: Metered | null, sums: ReadonlyMap<string, Metered>): Part[] {
  const [only] = sums.values();
  if (total === null || total.usage === null || sums.size > 1) {
    return [...sums].map(([part, metered]) => ({ id: `${id}/${part}`, metered }));
  }
  const { units } = only?.usage ?? {};
  const usage = units === undefined ? total.usage : { ...total.usage, units };
  const { model, units: apart } = total;
  return [
    {
      id,
      metered: { ...only, ...total, usage, units: apart ?? only?.units ?? null, model: model ?? only?.model ?? null },
    },
  ];
}

/** Whoever fetches what came of it has seen that it is finished, and may never ask for the object that tells what it cost. */
export function bookFetched(state: State): void {
  const { call, tools, plan } = state;
  const { collection, objectId, isContent } = call.place;
  if (!isContent || collection?.finished === undefined || objectId === null) return;
  const path = `${collection.path}/${encodeURIComponent(objectId)}`;
  tools.errands.run(`${plan.provider.name}${path}`, async () => {
    try {
      await bookFinished(state, collection, await readKept(state, path));
      return true;
    } catch (error) {
      state.tools.report(notBooked(state, objectId, error), call.requestId);
      return false;
    }
  });
}

/** Nobody waits for it, and so nobody else would hear of it. */
export function notBooked({ plan }: Booker, id: string, cause: unknown): GatewayError {
  const message =
    `The results of "${id.slice(0, 100)}" at provider "${plan.provider.name}" could not be read or booked: ` +
    "what it cost is not on the books yet. Ask for it once more to have that tried again.";
  return new GatewayError({ kind: toGatewayError(cause).kind, message, cause });
}

/** One row a part, by whoever claims the object. They are announced before, with their figures: who claims it and dies is never asked again. */
async function book(
  state: Booker,
  { id, ...booking }: Omit<Booking, "metered">,
  parts: readonly Part[],
): Promise<void> {
  const records = parts.map((part) => open(state, { ...booking, ...part }));
  const announced = await Promise.allSettled(records.map((record) => record.intend(true)));
  const refused = announced.find(({ status }) => status === "rejected");
  if (refused?.status === "rejected") {
    for (const record of records) record.withdraw();
    throw refused.reason;
  }
  const isOurs = await state.tools.bindings.claimBooking(nameKeeper(state.plan.provider), id);
  if (isOurs) await Promise.all(records.map((record) => record.settle(200, null)));
  else for (const record of records) record.withdraw();
}

interface Part {
  id: string;
  metered: Metered;
}

interface Booking {
  collection: RestCollection;
  id: string;
  told: Finished;
  metered: Metered;
}

function open({ call, tools, plan }: Booker, { collection, id, told, metered }: Booking): CallRecord {
  const { provider } = plan;
  const record = openRecord(
    {
      ...call,
      // Written again after a claim was lost with its database, it is the same row.
      id: makeStableId(told.atMs, `${provider.name}/${id}`),
      startedWallMs: told.atMs,
      startedMs: tools.clock.monotonicMs(),
      endpoint: `${collection.endpoint}.usage`,
    },
    tools,
  );
  const { model, usage } = metered;
  record.asked(model ?? "", false);
  record.planned({ provider, model: model ?? "", dropped: [] });
  // A batch costs what its calls would in that tier, whatever each of its answers says of itself.
  const batched = usage === null ? null : { ...usage, serviceTier: "batch" };
  // What is sold by other things than tokens, such as a video, is the work of one call.
  record.measured({ ...metered, usage: batched, source: "provider", price: usage === null ? "list" : "sum" });
  record.attempted({ status: 200, error: null, upstreamRequestId: id });
  return record;
}
