// Gives the answer of a call that is under way to another one who asked for the same: it costs him nothing, and stands on the books before he has
// all of it. Knows no format.

import { GatewayError, toGatewayError } from "../../ir/index.ts";
import type { EntryErrorKind } from "../../ledger/index.ts";
import type { GatewayTools } from "../call.ts";
import { admitAgain } from "./admit.ts";
import type { Repeat } from "./asked.ts";
import { type BookAside, bookAside } from "./book.ts";
import type { Flight, Opening } from "./flight.ts";
import { cleanStream, isEvents, makeHeaders, pickHeaders } from "./replay.ts";
import type { SharedBody } from "./shared-body.ts";
import { NOT_KNOWN, readSaved } from "./store.ts";

/** Throws what the call that is under way throws. */
export async function follow(asked: Repeat, tools: GatewayTools, flight: Flight): Promise<Response> {
  const { call, peek } = asked;
  let booked: Promise<void> | null = null;
  // Whether he is refused, or leaves while that is found out: one request is one row.
  const bookOnce: BookAside = (aside) => (booked ??= bookAside(asked, tools, aside));
  const book = (status: number, errorKind: EntryErrorKind | null): Promise<void> => {
    const row = flight.row();
    const saved = row === null ? NOT_KNOWN : readSaved(row);
    const reuse = { kind: "idempotency", from: flight.from, saved } as const;
    return bookOnce({ reuse, modelServed: row?.modelServed ?? null, status, errorKind });
  };
  const { promise: gone, reject } = Promise.withResolvers<never>();
  gone.catch(() => undefined);
  const leave = flight.join(call.signal, () => {
    const left = new GatewayError({ kind: "cancelled", message: "The client closed the connection." });
    const row = flight.row();
    // Whatever is to be said of it was said before, but where it was the client who left.
    book(row?.status ?? left.status, row === null ? left.kind : row.errorKind).catch(() => undefined);
    reject(left);
  });
  const limits = await admitAgain(asked, tools, bookOnce)?.catch((refused: unknown) => {
    leave();
    throw refused;
  });
  let opening: Opening;
  try {
    opening = await Promise.race([flight.opening, gone]);
  } catch (thrown) {
    const error = toGatewayError(thrown);
    await book(error.status, error.kind);
    leave();
    throw error;
  }
  const { status, headers, body } = opening;
  const stream = "shared" in body;
  const row = flight.row();
  const end = (): void => {
    leave();
    call.letGo?.();
  };
  if (!stream) await book(status, row?.errorKind ?? null).finally(end);
  const answer = { headers: pickHeaders(headers), saved: row === null || stream ? NOT_KNOWN : readSaved(row) };
  const made = makeHeaders({ call, clock: tools.clock, answer, word: "shared", stream: peek.stream, ageMs: null });
  const own = { ...made, ...limits };
  if (!stream) return new Response(body.whole, { status, headers: own });
  const carry = async (piece: Uint8Array<ArrayBuffer> | null): Promise<Uint8Array<ArrayBuffer> | null> => {
    const settled = flight.row();
    if (settled !== null) await book(settled.status, settled.errorKind);
    else if (piece === null) await book(status, null);
    // What it cost the other one is told among its last pieces.
    return piece !== null && settled !== null && isEvents(headers) ? cleanStream(piece) : piece;
  };
  return new Response(give(body.shared, { leave: end, carry }), { status, headers: own });
}

/** All pieces in their order. `carry` is given each before it goes out, and null at the end. */
export async function* give(
  body: SharedBody,
  {
    leave,
    carry,
  }: { leave: () => void; carry?: (piece: Uint8Array<ArrayBuffer> | null) => Promise<Uint8Array<ArrayBuffer> | null> },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    for (let index = 0; ; index++) {
      const piece = (await body.at(index)) ?? null;
      const carried = carry === undefined ? piece : await carry(piece);
      if (carried === null) return;
      yield carried;
    }
  } finally {
    leave();
  }
}
