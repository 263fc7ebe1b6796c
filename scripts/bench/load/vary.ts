// Requests that differ in a few places, such as the key or the model: bytes that stand, and what is written over them each time. Knows no socket.

import type { Fill } from "./type.ts";

/** For a connection of its own, which has one request on its way at a time: the bytes of the next. */
export type NextRequest = () => Buffer;

/** So far apart are values that follow each other, so that neighbours are not asked for one after the other. */
const STRIDE = 7_919;

/** All connections together go through the values by turns. */
export function varyRequests(request: Buffer, fills: readonly Fill[] = []): { open(): NextRequest } {
  if (fills.length === 0) return { open: () => () => request };
  const places = fills.map(({ blank, values }) => {
    const odd = values.find((value) => Buffer.byteLength(value) !== Buffer.byteLength(blank));
    if (odd !== undefined) throw new Error(`"${odd}" is not as long as "${blank}".`);
    return { at: listPlaces(request, blank), values, turn: 0 };
  });
  return {
    open() {
      const own = Buffer.from(request);
      return () => {
        for (const place of places) {
          const value = place.values[(place.turn++ * STRIDE) % place.values.length] ?? "";
          for (const at of place.at) own.write(value, at, "latin1");
        }
        return own;
      };
    },
  };
}

function listPlaces(request: Buffer, blank: string): number[] {
  const places: number[] = [];
  for (let at = request.indexOf(blank); at !== -1; at = request.indexOf(blank, at + blank.length)) places.push(at);
  if (places.length === 0) throw new Error(`"${blank}" is nowhere in the request.`);
  return places;
}
