// From where a request comes: the other end of its connection, or, where that is a proxy that the operator trusts, what the proxy says of it. Knows no
// route.

import { compileRanges, normalizeAddress } from "../lib/address.ts";

export type PeerFinder = (headers: Headers, socket: string | null) => string | null;

/** What a trusted proxy did not tell of; it is in no range of addresses. */
const UNKNOWN = "unknown";

/**
 * `trusted`: ranges of proxies. What they say is read from the right, where each adds the one that it saw, and only as long as they are trusted:
 * what stands before that anybody may have written. Null where even the connection's other end is unknown.
 */
export function createPeerFinder(trusted: readonly string[]): PeerFinder {
  if (trusted.length === 0) return (_headers, socket) => socket;
  const isTrusted = compileRanges(trusted);
  return (headers, socket) => {
    if (socket === null || !isTrusted(socket)) return socket;
    const [plain, standard] = [headers.get("x-forwarded-for"), headers.get("forwarded")];
    const found = [
      ...(plain === null ? [] : [walk(plain.split(",").map(readPlain), socket, isTrusted)]),
      ...(standard === null ? [] : [walk(readForwarded(standard), socket, isTrusted)]),
    ];
    const [first = socket, other = first] = found;
    // A proxy writes one of the two; the other may be the client's own, and nobody can tell which.
    return first === other ? first : UNKNOWN;
  };
}

function walk(hops: readonly (string | null)[], socket: string, isTrusted: (address: string) => boolean): string {
  let address = socket;
  for (const hop of hops.toReversed()) {
    if (!isTrusted(address)) break;
    if (hop === null) return UNKNOWN;
    address = hop;
  }
  return address;
}

/** Null where it is no address: `unknown`, a name, a riddle. Some proxies add the port. */
function readPlain(text: string): string | null {
  const bare = text.trim();
  const [, inBrackets] = /^\[([^\]]+)\](?::\d+)?$/u.exec(bare) ?? [];
  const withoutPort = /^\d+(?:\.\d+){3}:\d+$/u.test(bare) ? bare.slice(0, bare.indexOf(":")) : bare;
  return normalizeAddress(inBrackets ?? withoutPort);
}

const PAIR = /([\w!#$%&'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)/gu;

/** One entry for each proxy. https://www.rfc-editor.org/rfc/rfc7239#section-4 */
function readForwarded(text: string): (string | null)[] {
  return splitOutsideQuotes(text).map((element) => {
    for (const [, name = "", value = ""] of element.matchAll(PAIR)) {
      if (name.toLowerCase() !== "for") continue;
      return readPlain(value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/gu, "$1") : value);
    }
    return null;
  });
}

function splitOutsideQuotes(text: string): string[] {
  return text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"]|")+/gu) ?? [];
}
