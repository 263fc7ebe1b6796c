// Calls of one API key with the same Idempotency-Key: the first is made, the others are given its answer, while it runs and for a while after.
// What they ask must be the same, too. https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
// Knows no format.

import { hash } from "node:crypto";
import type { Caller } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import { canonicalize } from "../../lib/canonical-json.ts";
import { createLru } from "../../lib/lru.ts";
import type { GatewayTools } from "../call.ts";
import type { Presence } from "../presence.ts";
import type { Asked, Repeat } from "./asked.ts";
import { bookAside, watchRow } from "./book.ts";
import { type Complete, type Flight, startFlight } from "./flight.ts";
import { follow, give } from "./follow.ts";
import { cleanStream, giveAgain, isEvents, pickHeaders } from "./replay.ts";
import { readWish } from "./rules.ts";
import type { Held } from "./shared-body.ts";
import { NOT_KNOWN, type StoredAnswer, measureAnswer, readSaved } from "./store.ts";

export interface Sharing {
  /** Throws what `make` throws, and `conflict` where the same name stands for another request. */
  run(asked: Repeat, tools: GatewayTools, named: Named, make: Make): Promise<Response>;
  figures(): Readonly<SharingFigures>;
}

/** The signal stands for all who wait for the answer. */
type Make = (signal: Presence, tools: GatewayTools) => Promise<Response>;

export interface Named {
  /** Its key's name for it. */
  slot: string;
  /** Tells what it asks from what others do by the same name. */
  print: string;
}

export interface SharingFigures {
  /** Under way now. */
  running: number;
  /** Finished answers that are there, and their bytes. */
  finished: number;
  bytes: number;
  /** Since the start: given the answer of one that was under way, or that had ended; refused. */
  shared: number;
  replayed: number;
  conflicts: number;
}

/** What of a configuration concerns it. */
export interface SharingScene {
  isOn: boolean;
  /** How long a finished answer is given again. */
  windowMs: number;
}

/** Longer answers are not kept once they are complete. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

interface Finished {
  print: string;
  answer: StoredAnswer;
}

/** The name that a client gave its call; null where it gave none. */
export function readName(headers: Headers): string | null {
  const name = headers.get("idempotency-key");
  return name === null || name.trim() === "" ? null : name;
}

export function createSharing({ maxBytes, nowMs }: { maxBytes: number; nowMs: () => number }): Sharing {
  const flights = new Map<string, Flight>();
  const finished = createLru<Finished>({ maxBytes, nowMs });
  const held: Held = { bytes: 0, maxBytes };
  const figures = { shared: 0, replayed: 0, conflicts: 0 };

  const lead = async (asked: Repeat, tools: GatewayTools, { slot, print, make }: Lead): Promise<Response> => {
    const flight = startFlight({
      from: asked.call.id,
      print,
      held,
      make: (signal, tell) => make(signal, watchRow(tools, asked.call, tell)),
      onEnd(ended, answer) {
        if (flights.get(slot) === ended) flights.delete(slot);
        // Whoever wants nothing of it stored is taken at his word.
        const windowMs = readWish(asked.call.headers).writes ? tools.scene().sharing.windowMs : 0;
        const done = answer === null ? null : finish(ended, answer, nowMs());
        if (done === null || windowMs === 0 || done.body.byteLength > MAX_KEPT_BYTES) return;
        finished.put(slot, { print, answer: done }, { bytes: measureAnswer(done), expiresMs: nowMs() + windowMs });
      },
    });
    flights.set(slot, flight);
    const leave = flight.join(asked.call.signal, () => undefined);
    const opening = await flight.opening.catch((error: unknown) => {
      leave();
      throw error;
    });
    const { status, headers, body } = opening;
    if ("shared" in body) return new Response(give(body.shared, { leave }), { status, headers });
    leave();
    return new Response(body.whole, { status, headers });
  };

  return {
    async run(asked, tools, { slot, print }, make) {
      const flight = flights.get(slot);
      if (flight !== undefined) {
        if (flight.print === print && flight.isWhole()) {
          figures.shared++;
          return follow(asked, tools, flight);
        }
        figures.conflicts++;
        throw await refuse(asked, tools, flight.print === print ? "too_long" : "other");
      }
      const done = finished.get(slot);
      if (done === undefined) return lead(asked, tools, { slot, print, make });
      if (done.print === print) {
        figures.replayed++;
        return giveAgain(asked, tools, { kind: "idempotency", found: done.answer });
      }
      figures.conflicts++;
      throw await refuse(asked, tools, "other");
    },
    figures: () => ({
      ...figures,
      running: flights.size,
      finished: finished.count(),
      bytes: finished.bytes() + held.bytes,
    }),
  };
}

interface Lead extends Named {
  make: Make;
}

export function nameRequest({ call, raw, peek }: Asked, name: string): Named {
  const { address, caller, framing, wire } = call;
  return makeNamed(caller, { kind: wire.id, name, asks: [address, peek.stream ? framing : null, raw] });
}

/** `kind`: of calls of which a key uses no name twice. */
export function makeNamed(
  { keyId }: Pick<Caller, "keyId">,
  { kind, name, asks }: { kind: string; name: string; asks: readonly unknown[] },
): Named {
  return { slot: digest([keyId, kind, name]), print: digest(asks) };
}

function digest(parts: readonly unknown[]): string {
  return hash("sha256", canonicalize(parts), "base64url");
}

/** Null where it is none that may be given again. */
function finish(flight: Flight, { status, headers, bytes, isStream }: Complete, storedMs: number): StoredAnswer | null {
  const row = flight.row();
  // Of what goes on in the background there is no row yet; of a stream there always is.
  const isGood = row === null ? !isStream : row.errorKind === null;
  if (status !== 200 || !isGood) return null;
  return {
    from: flight.from,
    storedMs,
    modelServed: row?.modelServed ?? null,
    saved: row === null ? NOT_KNOWN : readSaved(row),
    headers: pickHeaders(headers),
    body: isEvents(headers) ? cleanStream(bytes) : bytes,
  };
}

async function refuse(asked: Repeat, tools: GatewayTools, why: "other" | "too_long"): Promise<GatewayError> {
  const error =
    why === "other"
      ? new GatewayError({
          kind: "conflict",
          code: "idempotency_key_reused",
          message:
            "This Idempotency-Key was used with another request body before. Use a key of its own for each request, and the same body for each try.",
        })
      : new GatewayError({
          kind: "conflict",
          code: "idempotency_key_in_progress",
          message:
            "A request with this Idempotency-Key is running, and its answer is too long to be shared. Wait for that one, or use another key.",
        });
  await bookAside(asked, tools, { reuse: null, modelServed: null, status: error.status, errorKind: error.kind });
  return error;
}
