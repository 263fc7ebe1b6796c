// What the gateway calls its endpoints in the books. Knows no address.

import { REST, type RestEntry, WIRES } from "../wire/index.ts";
import { SOCKETS } from "./socket.ts";

/** With what is behind some of them, such as `files.create`. Rows of others may be there: those of an import have the names they came with. */
export const ENDPOINTS: readonly string[] = [
  ...new Set([
    ...Object.values(WIRES).map(({ endpoint }) => endpoint),
    ...Object.values<RestEntry>(REST)
      .flatMap(({ calls = [], collections = [] }) => [...calls, ...collections])
      .map(({ endpoint }) => endpoint),
    ...SOCKETS.map(({ family }) => family),
  ]),
].toSorted();

export function isEndpoint(name: string): boolean {
  return ENDPOINTS.some((known) => name === known || name.startsWith(`${known}.`));
}
