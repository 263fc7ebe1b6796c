// What workers told of themselves, as the routes and the figures of the gateway see it. Knows no process.

import type { KeyState, PlaceState } from "../../gateway/index.ts";
import { shiftParked, shiftPlace } from "../../gateway/index.ts";
import type { Crew } from "../../server/index.ts";
import type { Tally } from "../../telemetry/tally.ts";
import type { Relay } from "./relay.ts";
import type { Report } from "./word.ts";

/** Of one worker. */
export interface Told {
  report: Report | null;
  /** By our clock. */
  reportedMs: number;
  /** Kept answers that it makes. */
  runs: ReadonlySet<string>;
}

interface CrewInit extends Pick<Crew, "look"> {
  workers: () => ReadonlyMap<number, Told>;
  relay: Relay;
  /** What those counted that are gone. */
  past: () => Tally | null;
}

/** Also all that they counted, with those that are gone. */
export function makeCrew({ workers, relay, past, look }: CrewInit): Crew & { tallies(): Tally[] } {
  /** `read` is told how far our clock is ahead of the worker's. */
  const list = <T>(read: (report: Report, aheadMs: number) => readonly T[]): T[] =>
    [...workers().values()].flatMap(({ report, reportedMs }) =>
      report === null ? [] : read(report, reportedMs - report.nowMs),
    );
  const tallies = (): Tally[] => {
    const gone = past();
    return [...list(({ tally }) => [tally]), ...(gone === null ? [] : [gone])];
  };
  return {
    look,
    tallies,
    isOffice: true,
    pass(part, request, listener) {
      const maker = part === "kept" ? findMaker(workers(), request.url) : null;
      return maker === null ? null : relay.pass(maker, request, listener);
    },
    places: () => list(({ places }, aheadMs): PlaceState[] => places.map((place) => shiftPlace(place, aheadMs))),
    keys: () =>
      list(({ keys }, aheadMs): KeyState[] =>
        keys.map((key) => ({ ...key, parked: shiftParked(key.parked, aheadMs) })),
      ),
    pending: () => list(({ pending }) => pending),
    count(name) {
      const gauges = tallies().flatMap((tally) => tally.gauges);
      return gauges.reduce((sum, gauge) => sum + (gauge.name === name ? (gauge.value ?? 0) : 0), 0);
    },
  };
}

/** Who makes the kept answer that the address names; null where nobody does. */
function findMaker(workers: ReadonlyMap<number, Told>, url: string): number | null {
  const pieces = new URL(url).pathname.split("/");
  for (const [index, { runs }] of workers) if (pieces.some((piece) => runs.has(piece))) return index;
  return null;
}
