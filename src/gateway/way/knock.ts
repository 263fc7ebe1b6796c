// The deadline of connecting, which the runtime's fetch does not tell from the wait for an answer: while a call to a server that has not answered of
// late is on its way, a connection of our own is tried beside it. Where that one comes about, or the call is answered, the deadline is kept.
// Knows no provider.

import type { Clock } from "../../lib/clock.ts";
import type { Fetch } from "../send.ts";

export interface Address {
  hostname: string;
  port: number;
  isTls: boolean;
  /** Whose certificate is asked for, where the host is known by its address. */
  name?: string;
}

/** Resolves once a connection is there, and lets go of it; rejects where it is refused. Stays open where nobody says anything. */
export type Dial = (address: Address) => Promise<void>;

/** Who has answered is not asked again so soon. */
const FRESH_MS = 15_000;
const MAX_REMEMBERED = 1_000;
/** Durations of so many milliseconds stand for no end. */
const ENDLESS_MS = 2 ** 31 - 1;

export interface Knocker {
  /** Calls `late` where no connection to the server came about in so many milliseconds. Null where there is nothing to be watched. */
  watch(url: string, limit: { ms: number; late(): void; address?: string | undefined }): Watch | null;
}

export interface Watch {
  /** The server has said something: nobody waits for it to be there any more. */
  answered: () => void;
  /** Nobody waits any more. */
  stop: () => void;
}

/** Where calls of one URL go. */
interface Place {
  origin: string;
  address: Address;
  /** For those that come while it has answered of late. */
  fresh: Watch;
}

/** A connection that is tried. */
interface Knock {
  isThere: Promise<boolean>;
  sinceMs: number;
}

const ignore = (): void => undefined;

export function createKnocker({ dial, clock }: { dial: Dial; clock: Clock }): Knocker {
  /** When a server was last heard of. */
  const heard = new Map<string, number>();
  /** One for each server, however many wait for it. */
  const knocks = new Map<string, Knock>();

  const hear = (origin: string): void => {
    if (heard.size >= MAX_REMEMBERED) heard.clear();
    heard.set(origin, clock.monotonicMs());
  };

  /** Few addresses are called again and again. */
  const places = new Map<string, Place>();
  const findPlace = (url: string): Place => {
    let found = places.get(url);
    if (found === undefined) {
      if (places.size >= MAX_REMEMBERED) places.clear();
      const { origin, address } = readAddress(url);
      found = { origin, address, fresh: { answered: () => hear(origin), stop: ignore } };
      places.set(url, found);
    }
    return found;
  };

  /** True once it is there; false where it says no, which the call will be told, too. */
  const knock = (origin: string, address: Address, ms: number): Promise<boolean> => {
    const nowMs = clock.monotonicMs();
    const under = knocks.get(origin);
    // One that nobody answered for so long is repeated more and more rarely: a server that is back would not be heard.
    if (under !== undefined && nowMs - under.sinceMs < ms) return under.isThere;
    const isThere = dial(address)
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        if (knocks.get(origin)?.isThere === isThere) knocks.delete(origin);
      });
    knocks.set(origin, { isThere, sinceMs: nowMs });
    return isThere;
  };

  return {
    watch(url, { ms, late, address: at }) {
      if (ms >= ENDLESS_MS) return null;
      const { origin, address: named, fresh } = findPlace(url);
      const silentMs = clock.monotonicMs() - (heard.get(origin) ?? Number.NEGATIVE_INFINITY);
      // Its answer is noted all the same: calls take longer than that.
      if (silentMs < FRESH_MS) return fresh;
      const address = at === undefined ? named : { ...named, hostname: at, name: named.hostname };
      const stop = clock.after(ms, late);
      const answered = (): void => {
        stop();
        hear(origin);
      };
      void knock(origin, address, ms).then((isThere) => (isThere ? answered() : stop()));
      return { answered, stop };
    },
  };
}

/** The same calls, with an eye on whether they get through at all. */
export function watchConnecting(fetch: Fetch, knocker: Knocker): Fetch {
  return (url, init) => {
    const answer = fetch(url, init);
    if (init.connecting === undefined) return answer;
    const { ms, late } = init.connecting;
    const watch = knocker.watch(url, { ms, late, address: init.addresses?.[0] });
    if (watch === null) return answer;
    answer.then(watch.answered, watch.stop);
    return answer;
  };
}

function readAddress(url: string): Pick<Place, "address" | "origin"> {
  const { origin, hostname, port, protocol } = new URL(url);
  const isTls = protocol === "https:" || protocol === "wss:";
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return { origin, address: { hostname: bare, port: port === "" ? (isTls ? 443 : 80) : Number(port), isTls } };
}
