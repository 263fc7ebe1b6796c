// The scripted upstream of a rig: every call is noted, and refused where it was not announced on the books. Knows no gateway.

import type { UpstreamInit } from "../src/gateway/send.ts";
import type { IntentWatch } from "./intent-watch.ts";

export interface UpstreamCall {
  url: string;
  method: string;
  headers: Headers;
  /** The text as it was sent. */
  text: string;
  bytes: Uint8Array;
  body: unknown;
  signal: AbortSignal;
  /** What the call is held to. */
  addresses: readonly string[] | undefined;
}

export type Upstream = (call: UpstreamCall) => Response | Promise<Response>;

/** What the script says; lists of models are empty where it says nothing. */
export async function answer(
  url: string,
  init: UpstreamInit,
  { upstream, calls, books }: { upstream: Upstream | undefined; calls: UpstreamCall[]; books: IntentWatch },
): Promise<Response> {
  const bytes =
    init.body instanceof ReadableStream ? await new Response(init.body).bytes() : Buffer.from(init.body ?? "");
  const text = Buffer.from(bytes).toString("utf8");
  const call: UpstreamCall = {
    url,
    method: init.method,
    headers: new Headers(init.headers),
    text,
    bytes,
    body: parseBody(text),
    signal: init.signal,
    addresses: init.addresses,
  };
  if (init.method === "GET" && /(?:[/-]models|\/inference-profiles)(?:\?|$)/u.test(url)) {
    return upstream?.(call) ?? Response.json({ object: "list", data: [] });
  }
  books.check(url);
  calls.push(call);
  if (upstream === undefined) throw new Error("the test scripted no upstream");
  return upstream(call);
}

/** What is no JSON stays text: a sign-in sends a form. */
function parseBody(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return text;
  }
}
