// How long a place may take until another one is asked beside it: what most of its answers took to begin, of the last that it gave. Knows no
// provider and no clock.

export interface Patience {
  /** An answer began after so long; or had not yet when nobody waited for it any more. */
  note(place: string, elapsedMs: number): void;
  /** Milliseconds within which 95 of 100 answers begin; null where too little is known. */
  p95(place: string): number | null;
}

/** Of each place, so many are remembered. */
const MAX_SAMPLES = 128;
/** Of fewer, nobody can say what the slowest of twenty took. */
const MIN_SAMPLES = 20;
/** Models' names come from outside: whoever sends many of them does not fill the memory. */
const MAX_PLACES = 2_048;
const SHARE = 0.95;

interface Seen {
  samples: Float64Array;
  count: number;
  /** Null where it is to be worked out anew. */
  p95: number | null;
}

export function createPatience(): Patience {
  const places = new Map<string, Seen>();
  return {
    note(place, elapsedMs) {
      let seen = places.get(place);
      if (seen === undefined) {
        if (places.size >= MAX_PLACES) forgetOldest(places);
        seen = { samples: new Float64Array(MAX_SAMPLES), count: 0, p95: null };
        places.set(place, seen);
      }
      seen.samples[seen.count % MAX_SAMPLES] = elapsedMs;
      seen.count++;
      seen.p95 = null;
    },
    p95(place) {
      const seen = places.get(place);
      if (seen === undefined || seen.count < MIN_SAMPLES) return null;
      seen.p95 ??= findQuantile(seen);
      return seen.p95;
    },
  };
}

/** By the nearest rank. */
function findQuantile({ samples, count }: Seen): number {
  const sorted = samples.slice(0, Math.min(count, MAX_SAMPLES)).sort();
  return sorted[Math.ceil(sorted.length * SHARE) - 1] ?? 0;
}

function forgetOldest(places: Map<string, Seen>): void {
  for (const place of places.keys()) {
    places.delete(place);
    return;
  }
}
