// The reference of the gateway's addresses: as OpenAPI for programs, and as a page for people, which asks nobody but this gateway. Knows no route.

import { matchPermits } from "../permit.ts";
import type { PublicRoute, Route } from "../route.ts";
import { POLICY } from "../ui/routes.ts";
import { makeDocument } from "./document.ts";
import style from "./page.css" with { type: "text" };
import page from "./page.html" with { type: "text" };
import script from "./page.js" with { type: "text" };

/** The runtime's types take it for a bundle; imported as text, it is its text. */
const PAGE = page as unknown as string;

const FILES = {
  "/docs": { text: PAGE, type: "text/html" },
  "/docs/page.css": { text: style, type: "text/css" },
  "/docs/page.js": { text: script, type: "text/javascript" },
} as const satisfies Record<string, { text: string; type: string }>;

const SAFE = {
  "content-security-policy": POLICY,
  "cache-control": "no-cache",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export function makeReferenceRoutes({
  routes,
  version,
}: {
  /** All that there are, these too. */
  routes: () => readonly Route[];
  version: string;
}): PublicRoute[] {
  /** Made when somebody asks for it first; it depends on the program alone. */
  let text: string | null = null;
  const print = (): string =>
    JSON.stringify(makeDocument({ routes: routes(), permits: matchPermits(routes()), version }));
  const files = Object.entries(FILES).map(([path, file]): PublicRoute => ({
    method: "GET",
    path,
    authority: "public",
    handle: () => new Response(file.text, { headers: { ...SAFE, "content-type": `${file.type}; charset=utf-8` } }),
  }));
  return [
    {
      method: "GET",
      path: "/openapi.json",
      authority: "public",
      handle() {
        text ??= print();
        return new Response(text, { headers: { ...SAFE, "content-type": "application/json; charset=utf-8" } });
      },
    },
    ...files,
  ];
}
