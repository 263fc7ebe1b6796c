// A page of a few words, for a browser that came by an address and got no further. Knows no route.

import { POLICY } from "./routes.ts";

interface Notice {
  status: number;
  title: string;
  /** May hold anything: they become text. */
  words: string;
  headers?: Readonly<Record<string, string>>;
}

export function answerNotice({ status, title, words, headers = {} }: Notice): Response {
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
    <meta name="color-scheme" content="light dark" />
    <title>${escapeHtml(title)} – Tokligence Gateway</title>
    <link rel="icon" href="/ui/icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/ui/page.css" />
  </head>
  <body>
    <header>
      <a class="brand" href="/ui/"><img src="/ui/icon.svg" alt="" width="24" height="24" />Tokligence Gateway</a>
    </header>
    <main class="narrow">
      <section>
        <h1>${escapeHtml(title)}</h1>
        <p role="alert">${escapeHtml(words)}</p>
        <p><a href="/ui/">Back to the sign-in page</a></p>
      </section>
    </main>
  </body>
</html>
`;
  return new Response(html, {
    status,
    headers: {
      ...headers,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
