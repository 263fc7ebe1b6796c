// What is handed out over a while, for as long as its caller may have it: who is no more in the middle of it gets no more. Knows no route.

import { type Rights, findEnd, openLongPresence } from "../gateway/index.ts";
import type { Caller } from "../identity/index.ts";
import type { RouteContext } from "./route.ts";

/** The same pieces; throws between two of them once the caller's key or session has ended, or opens something else. */
export async function* whileAllowed<Piece>(
  pieces: AsyncIterable<Piece>,
  { caller, request: { signal }, letGo }: Pick<RouteContext, "letGo" | "request"> & { caller: Caller },
  rights: Rights,
): AsyncGenerator<Piece, void> {
  const presence = openLongPresence({ caller, signal, letGo }, rights);
  try {
    for await (const piece of pieces) {
      const ended = findEnd(presence);
      if (ended !== null) throw ended;
      yield piece;
    }
  } finally {
    presence.close();
  }
}
