// Notices over HTTP: POST to a webhook, PUT into an object store. Goes nowhere but to the operator's own URL, and never repeats it:
// a path or a query may be the secret.

import { type Notice, type Send, TRY_MS, type World } from "./notice.ts";
import { fillUrl } from "./target.ts";

/** `text` is what chat systems show of a message that they are posted. */
export const sendToWebhook: Send<{ url: string }> = ({ url }, notice, world) =>
  call(world, { url, method: "POST", body: toMessage(notice), headers: {} });

function toMessage({ subject, text, data }: Notice): string {
  return JSON.stringify({ subject, text, data });
}

/** The data alone, as an object that stands for itself. */
export const putIntoStore: Send<{ url: string }> = ({ url }, { data }, world) =>
  call(world, {
    url: fillUrl(url, data),
    method: "PUT",
    body: `${JSON.stringify(data)}\n`,
    // Azure's blobs are not made without it; others ignore it: https://learn.microsoft.com/rest/api/storageservices/put-blob
    headers: { "x-ms-blob-type": "BlockBlob" },
  });

interface Call {
  url: string;
  method: "POST" | "PUT";
  body: string;
  headers: Record<string, string>;
}

async function call(world: World, { url, method, body, headers }: Call): Promise<void> {
  const { address, authorization } = splitCredentials(url);
  const all = { ...headers, "content-type": "application/json", "user-agent": "tokligence", ...authorization };
  let response: Response;
  try {
    response = await world.fetch(address, {
      method,
      headers: all,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TRY_MS),
    });
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
  // The answer's text is not needed, and may be without end.
  await response.body?.cancel().catch(() => undefined);
  if (response.ok) return;
  const redirects = response.status >= 300 && response.status < 400;
  throw new Error(
    redirects
      ? `it answered ${response.status}, which leads elsewhere: redirects are not followed`
      : `it answered with status ${response.status}`,
  );
}

/** `user:password@` becomes a header: no message of the runtime can then quote it. */
function splitCredentials(url: string): { address: string; authorization: Record<string, string> } {
  const parsed = new URL(url);
  if (parsed.username === "" && parsed.password === "") return { address: url, authorization: {} };
  const pair = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  parsed.username = "";
  parsed.password = "";
  return { address: parsed.href, authorization: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}

/** The runtime's words may hold the URL, so only its code is used. */
function explain(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return `it did not answer within ${TRY_MS / 1000} s`;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return `it cannot be reached${code}`;
}
