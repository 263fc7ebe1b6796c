// Text and numbers that a database will take. Knows no table.

/** U+0000 does not exist in a PostgreSQL text, half a surrogate pair not in UTF-8: both become U+FFFD, so that no row is lost to them. */
export function cleanText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\uFFFD") : whole;
}

/** `cleanText` for every string inside a JSON value, names of members too. */
export function cleanJson<T>(value: T): T {
  const text = JSON.stringify(value);
  if (!/\\u(0000|[dD][89a-fA-F])/.test(text)) return value;
  return cleanParts(JSON.parse(text)) as T;
}

function cleanParts(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map(cleanParts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [cleanText(name), cleanParts(part)]));
}

/** A count that a 64-bit column takes: upstreams have been seen to send fractions. Null where it is no number at all. */
export function wholeNumber(value: number | null): number | null {
  if (value === null || Number.isSafeInteger(value)) return value;
  if (Number.isNaN(value)) return null;
  return Math.max(Math.min(Math.round(value), Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER);
}
