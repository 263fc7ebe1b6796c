// The deadline of connecting, which the runtime's fetch does not tell from the wait for an answer: while a call to a server that has not answered of
// late is on its way, a connection of our own is tried beside it. Where that one comes about, or the call is answered, the deadline is kept.
// Knows no provider.

import type { Clock } from "../../lib/clock.ts";
import type { Fetch, UpstreamInit } from "../send.ts";

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
  /** The server has answered of late: it is not watched. */
  isFresh: boolean;
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
      found = { origin, address, fresh: { isFresh: true, answered: () => hear(origin), stop: ignore } };
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
      return { isFresh: false, answered, stop };
    },
  };
}

/** The same calls, with an eye on whether they get through at all. */
export function watchConnecting(fetch: Fetch, knocker: Knocker): Fetch {
  return (url, init) => {
    const answer = fetch(url, init);
    if (init.connecting === undefined) return answer;
    const { ms, late } = init.connecting;
    let giveUp = ignore;
    const tell = (): void => {
      late();
      giveUp();
    };
    const watch = knocker.watch(url, { ms, late: tell, address: init.addresses?.[0] });
    if (watch === null) return answer;
    answer.then(watch.answered, watch.stop);
    if (watch.isFresh) return answer;
    // A call that was cut ends when its host's name was found or not, which may take the system half a minute.
    return new Promise((resolve, reject) => {
      giveUp = () => reject(new Error("no connection came about"));
      answer.then(resolve, reject);
    });
  };
}

/** What must be known before a connection is tried has no longer than that. */
export function connectInTime<Found>(
  found: Promise<Found>,
  limit: UpstreamInit["connecting"],
  clock: Clock,
): Promise<Found> {
  if (limit === undefined) return found;
  return new Promise((resolve, reject) => {
    const stop = clock.after(limit.ms, () => {
      limit.late();
      reject(new Error("nobody said in time where its host is"));
    });
    found.finally(stop).then(resolve, reject);
  });
}

function readAddress(url: string): Pick<Place, "address" | "origin"> {
  const { origin, hostname, port, protocol } = new URL(url);
  const isTls = protocol === "https:" || protocol === "wss:";
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return { origin, address: { hostname: bare, port: port === "" ? (isTls ? 443 : 80) : Number(port), isTls } };
}
