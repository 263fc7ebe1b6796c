// How far a provider's address may lead: SSRF ends here. Only operators write addresses; still a name may resolve to where a cloud keeps its
// machines' secrets, and a vendor's own name to a server inside. Knows no vendor.

import ipaddr from "ipaddr.js";
import { GatewayError } from "../ir/index.ts";

/**
 * `public`: a vendor's own address, which no one inside may pretend to be. `private`: written by the operator, or a server of one's own:
 * loopback and private networks too. `any`: the operator said so; link-local addresses too, where clouds answer with credentials.
 */
export type Reach = "any" | "private" | "public";

const RANK = { public: 0, private: 1, any: 2 } as const satisfies Record<Reach, number>;

/** What some clouds answer credentials on, outside the link-local range. */
const METADATA = new Set(["100.100.100.200", "168.63.129.16", "fd00:ec2::254"]);
/** Names of the same. */
const METADATA_NAME = /^(?:metadata|metadata\.google\.internal|metadata\.goog|instance-data(?:\.[a-z0-9.-]*)?)\.?$/u;

const PRIVATE = new Set(["carrierGradeNat", "loopback", "private", "uniqueLocal", "unspecified"]);
/** A test network, of which some VPNs give stand-ins for real addresses. */
const STAND_INS = ipaddr.IPv4.parseCIDR("198.18.0.0/15");

/** All that is given out of IPv6 for the world: https://www.iana.org/assignments/ipv6-address-space */
const GLOBAL = ipaddr.IPv6.parseCIDR("2000::/3");

/** The reach that a literal address or a name takes by itself; null for a name that says nothing. */
export function judgeHost(hostname: string): Reach | null {
  const bare = readBare(hostname);
  if (METADATA_NAME.test(bare)) return "any";
  if (bare === "localhost" || bare.endsWith(".localhost")) return "private";
  return ipaddr.isValid(bare) ? judgeAddress(bare) : null;
}

/** Whether this is an address of the network from which some VPNs give stand-ins; nobody writes one by hand. */
export function isStandIn(hostname: string): boolean {
  const bare = readBare(hostname);
  if (!ipaddr.isValid(bare)) return false;
  const address = unwrap(ipaddr.process(bare));
  return address instanceof ipaddr.IPv4 && address.match(STAND_INS);
}

/** Without the brackets of an address, and without the dot at a name's end that changes nothing. */
function readBare(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/gu, "")
    .replace(/\.$/u, "")
    .toLowerCase();
}

function judgeAddress(text: string): Reach {
  const address = unwrap(ipaddr.process(text));
  const range = address.range();
  if (METADATA.has(address.toString())) return "any";
  if (PRIVATE.has(range)) return "private";
  if (address instanceof ipaddr.IPv4 && address.match(STAND_INS)) return "public";
  if (address instanceof ipaddr.IPv6 && !address.match(GLOBAL)) return "any";
  return range === "unicast" ? "public" : "any";
}

/** What stands in an IPv6 address that only translates: the last four bytes. https://www.rfc-editor.org/rfc/rfc6052 */
function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address.range() !== "rfc6052") return address;
  return ipaddr.fromByteArray(address.toByteArray().slice(-4));
}

export function isWithin(needed: Reach, allowed: Reach): boolean {
  return RANK[needed] <= RANK[allowed];
}

export interface Guard<Init> {
  /** All addresses of a name. May reject: then the call itself will fail. */
  lookup(hostname: string): Promise<readonly string[]>;
  /** How far calls to this scheme, host and port may lead. */
  reachOf(origin: string): Reach;
  nowMs(): number;
  /** Whether calls to it must connect to an address that was judged, and to no other that its name means a moment later. */
  isHeld?(origin: string): boolean;
  /** The call, held to these. */
  hold?(init: Init, addresses: readonly string[]): Init;
  /** The same, unless it takes longer than the call may wait for a connection. */
  inTime?<Found>(init: Init, found: Promise<Found>): Promise<Found>;
}

/** A name's addresses are looked up anew after so long. */
const VALID_MS = 60_000;
const MAX_REMEMBERED = 1_000;

/** The same fetch, which rejects with not_configured where a host's addresses lead farther than they may. A host that was just judged costs nothing. */
export function guardFetch<Init, Answer>(
  fetch: (url: string, init: Init) => Promise<Answer>,
  guard: Guard<Init>,
): (url: string, init: Init) => Promise<Answer> {
  const judged = new Map<string, Judged & { untilMs: number }>();
  const places = new Map<string, Place>();
  /** One for all that wait for it: a name service that is silent has few to answer to. */
  const looking = new Map<string, Promise<Judged | null>>();
  const look = (hostname: string): Promise<Judged | null> => {
    const under = looking.get(hostname);
    if (under !== undefined) return under;
    const found = judge(hostname, guard).then((fresh) => {
      looking.delete(hostname);
      if (judged.size >= MAX_REMEMBERED) judged.clear();
      if (fresh !== null) judged.set(hostname, { ...fresh, untilMs: guard.nowMs() + VALID_MS });
      return fresh;
    });
    looking.set(hostname, found);
    return found;
  };
  const call = (url: string, init: Init, place: Place, { needed, addresses }: Judged): Promise<Answer> => {
    check(place, needed, guard);
    const isHeld = addresses.length > 0 && guard.isHeld?.(place.origin) === true;
    return fetch(url, isHeld ? (guard.hold?.(init, addresses) ?? init) : init);
  };
  return (url, init) => {
    const place = places.get(url) ?? rememberPlace(places, url);
    const known = judged.get(place.hostname);
    if (known !== undefined && guard.nowMs() < known.untilMs) return call(url, init, place, known);
    const looked = look(place.hostname);
    return (guard.inTime?.(init, looked) ?? looked).then((found) => {
      if (found !== null) return call(url, init, place, found);
      if (guard.isHeld?.(place.origin) === true) throw unknownHost(place.hostname);
      return fetch(url, init);
    });
  };
}

interface Judged {
  needed: Reach;
  /** Of a name; nothing where the host is an address itself. */
  addresses: readonly string[];
}

interface Place {
  hostname: string;
  origin: string;
}

/** Most calls go to the same few addresses, so that these are read once. */
function rememberPlace(places: Map<string, Place>, url: string): Place {
  const { hostname, origin } = new URL(url);
  const place = { hostname, origin };
  if (places.size >= MAX_REMEMBERED) places.clear();
  places.set(url, place);
  return place;
}

/** The farthest of all its addresses: which one is called is not ours to choose. */
async function judge(hostname: string, { lookup }: Pick<Guard<never>, "lookup">): Promise<Judged | null> {
  const literal = judgeHost(hostname);
  if (literal !== null) return { needed: literal, addresses: [] };
  try {
    const addresses = (await lookup(hostname)).filter((address) => ipaddr.isValid(address));
    const [needed] = addresses.map(judgeAddress).toSorted((left, right) => RANK[right] - RANK[left]);
    return needed === undefined ? null : { needed, addresses };
  } catch {
    return null;
  }
}

function unknownHost(hostname: string): GatewayError {
  return new GatewayError({
    kind: "upstream_unavailable",
    message: `${hostname} cannot be looked up, so that nobody knows where it leads: it is not called. Look at its name, and at the name service of this machine.`,
  });
}

function check(
  { hostname, origin }: Place,
  needed: Reach,
  { reachOf, isHeld }: Pick<Guard<never>, "isHeld" | "reachOf">,
): void {
  if (isWithin(needed, reachOf(origin))) return;
  throw new GatewayError({
    kind: "not_configured",
    message: `${hostname} leads to ${describeReach(needed)}, where this provider may not be. ${advise(needed, isHeld?.(origin) === true)}`,
  });
}

function advise(needed: Reach, isHeld: boolean): string {
  if (!isHeld) return "If it is meant to be there, set allow_private = yes for it.";
  if (needed === "any") return "One that is added while the gateway runs never may.";
  return "If it is meant to be there, declare it in the configuration, or set allow_private_providers = yes there.";
}

/** In words, for errors. */
export function describeReach(reach: Reach): string {
  return reach === "any"
    ? "a link-local or reserved address, where clouds keep their machines' credentials"
    : "a private network";
}
