// IP addresses and ranges of them, of both kinds. Knows no request.

import ipaddr from "ipaddr.js";

export type RangeCheck = (address: string) => boolean;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

interface Range {
  address: Address;
  bits: number;
}

/** As it is kept: `10.1.2.3/8` is `10.0.0.0/8`, an address alone a range of one. Null where it is none. */
export function normalizeRange(text: string): string | null {
  const range = parseRange(text.trim());
  if (range === null) return null;
  const { address, bits } = range;
  const base =
    address instanceof ipaddr.IPv4
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${bits}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`);
  return `${base.toString()}/${bits}`;
}

/** Whether an address, as a connection or a proxy tells it, is in one of the ranges; what is no address is in none. */
export function compileRanges(ranges: readonly string[]): RangeCheck {
  const parsed = ranges.flatMap((text) => parseRange(text) ?? []);
  return (text) => {
    const address = parseAddress(text);
    return address !== null && parsed.some((range) => isIn(range, address));
  };
}

/** Whether no address is in `inner` that is not in `outer`, too. */
export function coversRange(outer: string, inner: string): boolean {
  const [wide, narrow] = [parseRange(outer), parseRange(inner)];
  return wide !== null && narrow !== null && wide.bits <= narrow.bits && isIn(wide, narrow.address);
}

/** IPv4 in the clothes of IPv6 is IPv4. Null where it is no address. */
export function normalizeAddress(text: string): string | null {
  return parseAddress(text)?.toString() ?? null;
}

/** Who may be one party: an IPv4 address, or the network of 64 bits that one customer is given in IPv6. */
export function findParty(text: string): string {
  const address = parseAddress(text);
  if (!(address instanceof ipaddr.IPv6)) return address?.toString() ?? text;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/64`).toString()}/64`;
}

function isIn({ address: base, bits }: Range, address: Address): boolean {
  if (address instanceof ipaddr.IPv4) return base instanceof ipaddr.IPv4 && address.match(base, bits);
  return base instanceof ipaddr.IPv6 && address.match(base, bits);
}

function parseRange(text: string): Range | null {
  const slash = text.indexOf("/");
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (address === null) return null;
  const most = address instanceof ipaddr.IPv4 ? 32 : 128;
  if (slash === -1) return { address, bits: most };
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/u.test(digits)) return null;
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const isMapped = most === 32 && text.slice(0, slash).includes(":");
  const bits = Number(digits) - (isMapped ? 96 : 0);
  return bits >= 0 && bits <= most ? { address, bits } : null;
}

/** Without the shapes that only old programs know, such as 10.1 or 012.0.0.1: two readers would read two addresses. */
function parseAddress(text: string): Address | null {
  if (!text.includes(":")) return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : null;
  const bare = plainText(text);
  if (!ipaddr.IPv6.isValid(bare)) return null;
  return ipaddr.process(bare);
}

/** A zone says by which of a machine's own wires it came. */
function plainText(text: string): string {
  const zone = text.indexOf("%");
  return zone === -1 ? text : text.slice(0, zone);
}
