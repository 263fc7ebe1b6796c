// The built-in page under /ui/: a few files inside the executable, which ask nobody but this gateway. Knows no user.

/* oxlint-disable import/default -- imported as text: what they export is the browser's */

import type { PublicRoute } from "../route.ts";
import element from "./element.js" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import keys from "./keys.js" with { type: "text" };
import style from "./page.css" with { type: "text" };
import page from "./page.html" with { type: "text" };
import script from "./page.js" with { type: "text" };

/** Nothing from elsewhere, nothing inline, and in nobody's frame. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The runtime's types take it for a bundle; imported as text, it is its text. */
const PAGE = page as unknown as string;

const FILES = {
  "/ui/": { text: PAGE, type: "text/html" },
  "/ui/element.js": { text: element, type: "text/javascript" },
  "/ui/icon.svg": { text: icon, type: "image/svg+xml" },
  "/ui/keys.js": { text: keys, type: "text/javascript" },
  "/ui/login": { text: PAGE, type: "text/html" },
  "/ui/page.css": { text: style, type: "text/css" },
  "/ui/page.js": { text: script, type: "text/javascript" },
  "/ui/setup": { text: PAGE, type: "text/html" },
} as const satisfies Record<string, { text: string; type: string }>;

export function makeUiRoutes(): PublicRoute[] {
  const files = Object.entries(FILES).map(([path, { text, type }]): PublicRoute => {
    const headers = {
      "content-type": `${type}; charset=utf-8`,
      "content-security-policy": POLICY,
      "cache-control": "no-cache",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    };
    return { method: "GET", path, authority: "public", handle: () => new Response(text, { headers }) };
  });
  const toPage = (): Response => new Response(null, { status: 308, headers: { location: "/ui/" } });
  const others = ["/ui", "/h5"].map((path): PublicRoute => ({
    method: "GET",
    path,
    authority: "public",
    handle: toPage,
  }));
  return [...files, ...others];
}
