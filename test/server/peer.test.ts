// From where a request comes, as far as anybody is to be believed.

import { expect, test } from "bun:test";
import { createPeerFinder } from "../../src/server/peer.ts";

const PROXY = "10.0.0.1";
const find = createPeerFinder(["10.0.0.0/8", "2001:db8:f::/48"]);
const ask = (headers: Record<string, string>, socket: string | null = PROXY): string | null =>
  find(new Headers(headers), socket);

test("nobody is believed where nobody is trusted", () => {
  const nobody = createPeerFinder([]);
  const headers = new Headers({ "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" });
  expect(nobody(headers, "127.0.0.1")).toBe("127.0.0.1");
  expect(nobody(headers, null)).toBeNull();
});

test.each([
  // Straight from a stranger: what he says of himself is nothing.
  [{ "x-forwarded-for": "10.9.9.9" }, "203.0.113.5", "203.0.113.5"],
  [{ forwarded: "for=10.9.9.9" }, "203.0.113.5", "203.0.113.5"],
  [{}, PROXY, PROXY],
  [{ "x-forwarded-for": "192.0.2.1" }, PROXY, "192.0.2.1"],
  [{ "x-forwarded-for": "192.0.2.1" }, "::ffff:10.0.0.1", "192.0.2.1"],
  // The client wrote the left one itself.
  [{ "x-forwarded-for": "10.9.9.9, 192.0.2.1" }, PROXY, "192.0.2.1"],
  [{ "x-forwarded-for": "1.1.1.1, 192.0.2.1, 10.0.0.2" }, PROXY, "192.0.2.1"],
  [{ "x-forwarded-for": "10.0.0.3, 10.0.0.2" }, PROXY, "10.0.0.3"],
  [{ "x-forwarded-for": "unknown" }, PROXY, "unknown"],
  [{ "x-forwarded-for": "" }, PROXY, "unknown"],
  [{ "x-forwarded-for": "192.0.2.1:4711" }, PROXY, "192.0.2.1"],
  [{ "x-forwarded-for": "[2001:db8::7]:4711" }, PROXY, "2001:db8::7"],
  [{ "x-forwarded-for": "2001:db8::7" }, "2001:db8:f::1", "2001:db8::7"],
  [{ forwarded: "for=192.0.2.1;proto=https;by=10.0.0.1" }, PROXY, "192.0.2.1"],
  [{ forwarded: 'for=1.1.1.1, For="[2001:db8::7]:4711"' }, PROXY, "2001:db8::7"],
  [{ forwarded: 'by="a,b;for=1.1.1.1";for=192.0.2.1' }, PROXY, "192.0.2.1"],
  [{ forwarded: "for=_hidden" }, PROXY, "unknown"],
  [{ forwarded: "proto=https" }, PROXY, "unknown"],
  // One of the two is the client's: nobody knows which.
  [{ "x-forwarded-for": "192.0.2.1", forwarded: "for=10.9.9.9" }, PROXY, "unknown"],
  [{ "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" }, PROXY, "192.0.2.1"],
] as [Record<string, string>, string, string][])("%j from %p is %p", (headers, socket, expected) => {
  expect(ask(headers, socket)).toBe(expected);
});
