// A call that is under way for everybody who asked for it by the same name: it goes on as long as one of them is there. Knows no format.

import type { LedgerEntry } from "../../ledger/index.ts";
import type { Presence } from "../presence.ts";
import { isStream } from "./replay.ts";
import { type Held, type SharedBody, shareBody } from "./shared-body.ts";

/** Once there is something to tell. */
export interface Opening {
  status: number;
  headers: Headers;
  body: { whole: Uint8Array<ArrayBuffer> } | { shared: SharedBody };
}

export interface Flight {
  /** Id of the row that it is booked with. */
  from: string;
  /** Tells its request from others of the same name. */
  print: string;
  /** Rejects with what there is instead of an answer. */
  opening: Promise<Opening>;
  /** Its row, once that is durable. */
  row(): LedgerEntry | null;
  /** Whether somebody else can still have all of its answer. */
  isWhole(): boolean;
  /** Another one is there until he leaves by what is returned, or his signal says so; then `onLeave` is called. */
  join(signal: Presence, onLeave: () => void): () => void;
}

interface FlightInit {
  from: string;
  print: string;
  held: Held;
  /** Makes the call; aborted by the signal when nobody is left. `tell` is told its row. */
  make: (signal: AbortSignal, tell: (row: LedgerEntry) => void) => Promise<Response>;
  /** It is over: with the answer, where it came whole and is still here. */
  onEnd: (flight: Flight, answer: Complete | null) => void;
}

export interface Complete {
  status: number;
  headers: Headers;
  isStream: boolean;
  bytes: Uint8Array<ArrayBuffer>;
}

export function startFlight({ from, print, held, make, onEnd }: FlightInit): Flight {
  const presence = new AbortController();
  let members = 0;
  let isOver = false;
  let row: LedgerEntry | null = null;
  let shared: SharedBody | null = null;

  const end = (answer: Complete | null): void => {
    if (isOver) return;
    isOver = true;
    onEnd(flight, answer);
  };

  const open = async (response: Response): Promise<Opening> => {
    const { status, headers, body } = response;
    if (body === null || !isStream(headers)) {
      const whole = new Uint8Array(await response.arrayBuffer());
      end({ status, headers, isStream: false, bytes: whole });
      return { status, headers, body: { whole } };
    }
    const own = shareBody(body, held, () => {
      const bytes = own.all();
      end(bytes === null ? null : { status, headers, isStream: true, bytes });
    });
    shared = own;
    return { status, headers, body: { shared: own } };
  };

  const leave = (): void => {
    members--;
    if (members > 0) return;
    if (!isOver) presence.abort();
    end(null);
    shared?.drop();
  };

  const flight: Flight = {
    from,
    print,
    opening: make(presence.signal, (booked) => (row = booked)).then(open),
    row: () => row,
    isWhole: () => shared === null || shared.isWhole(),
    join(signal, onLeave) {
      members++;
      let isIn = true;
      const go = (): void => {
        if (!isIn) return;
        isIn = false;
        signal.removeEventListener("abort", go);
        onLeave();
        leave();
      };
      if (signal.aborted) go();
      else signal.addEventListener("abort", go, { once: true });
      return go;
    },
  };
  // Each who joined hears of it by himself.
  flight.opening.catch(() => end(null));
  return flight;
}
