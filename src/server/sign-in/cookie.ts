// The cookies of a browser: its session, the mark by which it is known again when it comes back with a link, and likewise from an identity
// provider. Knows no store.

export const SESSION_COOKIE = "tokligence_session";
const BROWSER_COOKIE = "tokligence_browser";
export const ERRAND_COOKIE = "tokligence_errand";

export type CookieName = typeof BROWSER_COOKIE | typeof ERRAND_COOKIE | typeof SESSION_COOKIE;

/**
 * The value under this name; null where there is none. Where the browser reached us by https only the one counts that https alone can have
 * set, for this host alone: any other may have been planted on the way, or by a neighbour.
 */
export function readCookie(headers: Headers, name: CookieName, isSecure: boolean): string | null {
  const all = headers.get("cookie");
  if (all === null || !all.includes(name)) return null;
  const found = new Map(
    all.split(";").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    }),
  );
  return found.get(isSecure ? `__Host-${name}` : name) ?? null;
}

export function readBrowser(headers: Headers, isSecure: boolean): string | null {
  return readCookie(headers, BROWSER_COOKIE, isSecure);
}

/** `maxAgeMs` 0 takes it away. `isSecure`: the browser reached us by https. */
export function printCookie(
  name: CookieName,
  { value, maxAgeMs, isSecure }: { value: string; maxAgeMs: number; isSecure: boolean },
): string {
  const parts = ["Path=/", `Max-Age=${Math.floor(maxAgeMs / 1000)}`, "HttpOnly", "SameSite=Lax"];
  return isSecure
    ? [`__Host-${name}=${value}`, ...parts, "Secure"].join("; ")
    : [`${name}=${value}`, ...parts].join("; ");
}

export function printBrowser(value: string, how: { maxAgeMs: number; isSecure: boolean }): string {
  return printCookie(BROWSER_COOKIE, { value, ...how });
}
