// Asks for objects that work on behind everybody's back, such as batches, until what they cost is on the books: their owner may never look at them
// again, and their provider bills them all the same. Knows no family by name.

import type { Caller, ObjectBinding } from "../../identity/index.ts";
import { toGatewayError } from "../../ir/index.ts";
import { type RestCollection, listFollowed } from "../../wire/index.ts";
import type { GatewayTools } from "../call.ts";
import { findKeeper } from "../way/pool.ts";
import { type Booker, bookFinished, notBooked } from "./finished.ts";
import { readKept } from "./results.ts";

const FIRST_LOOK_MS = 60_000;
const LOOK_EVERY_MS = 1_200_000;
/** From then on twice a day: until then at twice the age each time. */
const HALF_DAY_MS = 43_200_000;
/** A batch ends within a day and a training within some; what they made is kept for about a month. */
const FOLLOWED_MS = 31 * 2 * HALF_DAY_MS;
const MAX_OBJECTS = 10_000;

/** Starts at once, and looks at everything at first: what came to its end while no gateway ran is due. */
export function followObjects(tools: GatewayTools, newId: () => string): { stop(): void } {
  const { clock } = tools;
  const collections = listFollowed();
  let lastMs = -Infinity;
  let isStopped = false;
  /** What fails because all ends is told by nobody. */
  const report = (error: unknown, requestId: string): void => {
    if (!isStopped) tools.report(toGatewayError(error), requestId);
  };

  const look = async (): Promise<void> => {
    const nowMs = clock.wallMs();
    try {
      const since = new Date(nowMs - FOLLOWED_MS);
      const families = [...collections.keys()];
      const objects = await tools.bindings.listUnbooked({ families, since, limit: MAX_OBJECTS });
      for (const object of objects) {
        const collection = collections.get(object.family);
        if (isStopped || collection === undefined) continue;
        if (isDue(nowMs - object.createdAt.getTime(), nowMs - lastMs)) await ask(object, collection);
      }
      lastMs = nowMs;
    } catch (error) {
      report(error, newId());
    }
    if (!isStopped) callOff = clock.after(LOOK_EVERY_MS, () => void look());
  };

  /** Never rejects. */
  const ask = async (object: ObjectBinding, collection: RestCollection): Promise<void> => {
    const booker = openBooker(object, tools, newId);
    if (booker === null) return;
    try {
      const path = `${collection.path}/${encodeURIComponent(object.objectId)}`;
      await bookFinished(booker, collection, await readKept(booker, path));
    } catch (error) {
      // What its provider no longer knows, nobody learns the cost of any more.
      if (toGatewayError(error).kind === "not_found") return;
      report(notBooked(booker, object.objectId, error), booker.call.requestId);
    }
  };

  let callOff = clock.after(FIRST_LOOK_MS, () => void look());
  return {
    stop() {
      isStopped = true;
      callOff();
    },
  };
}

/** Null where its provider is not there any more, or lacks its key. */
function openBooker(object: ObjectBinding, tools: GatewayTools, newId: () => string): Booker | null {
  const scene = tools.scene();
  const provider = findKeeper(scene.providers, object.provider);
  if (provider === undefined || provider.missing !== null || provider.rest === null) return null;
  const id = newId();
  const { clock } = tools;
  return {
    call: {
      id,
      requestId: id,
      caller: nameOwner(object),
      headers: new Headers(),
      signal: new AbortController().signal,
      startedMs: clock.monotonicMs(),
      startedWallMs: clock.wallMs(),
    },
    tools,
    scene,
    plan: { provider, model: "", dropped: [] },
    deadlines: scene.deadlinesOf(provider.name),
  };
}

/** Whose the cost is. He may do nothing by it. */
function nameOwner({ userId, keyId, tags }: ObjectBinding): Caller {
  const person = { userId, email: "", displayName: null, role: "gateway_user" } as const;
  const key = { keyId: keyId ?? "", sessionId: null, scopes: [], isStrict: false, limits: null };
  return { ...person, ...key, tags: tags ?? null };
}

/** Whether a look falls between then and now, for an object of that age. */
function isDue(ageMs: number, elapsedMs: number): boolean {
  return countLooks(ageMs) > countLooks(ageMs - elapsedMs);
}

function countLooks(ageMs: number): number {
  if (ageMs < LOOK_EVERY_MS) return ageMs < 0 ? -1 : 0;
  const doublings = Math.log2(Math.min(ageMs, HALF_DAY_MS) / LOOK_EVERY_MS);
  return 1 + Math.floor(doublings + Math.max(0, ageMs - HALF_DAY_MS) / HALF_DAY_MS);
}
