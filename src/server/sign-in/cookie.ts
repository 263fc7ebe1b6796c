// The two cookies of a browser: its session, and the mark by which it is known again when it comes back with a link. Knows no store.

export const SESSION_COOKIE = "tokligence_session";
const BROWSER_COOKIE = "tokligence_browser";

export type CookieName = typeof BROWSER_COOKIE | typeof SESSION_COOKIE;

/** The value under this name, with or without the prefix that https adds; null where there is none. */
export function readCookie(headers: Headers, name: CookieName): string | null {
  const all = headers.get("cookie");
  if (all === null || !all.includes(name)) return null;
  const found = new Map(
    all.split(";").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    }),
  );
  // The one that only https can have set goes first: nobody else on the way could plant it.
  return found.get(`__Host-${name}`) ?? found.get(name) ?? null;
}

export function readBrowser(headers: Headers): string | null {
  return readCookie(headers, BROWSER_COOKIE);
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
