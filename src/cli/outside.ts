// The way to providers from this process: held to addresses that were judged, unless a proxy connects in our place and looks names up itself.

import type { Fetch } from "../gateway/index.ts";
import { usesProxy } from "../lib/dial.ts";
import { holdFetch } from "../lib/held-fetch.ts";

export const callOutside: Fetch = usesProxy(process.env) ? callByProxy : holdFetch<Parameters<Fetch>[1]>(fetch);

/** Where no connection came about it was most likely to the proxy, of which the runtime says nothing. */
const UNREACHED =
  /^(?:ConnectionRefused|ECONNREFUSED|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|FailedToOpenSocket)$/u;

async function callByProxy(...call: Parameters<Fetch>): Promise<Response> {
  try {
    return await fetch(...(call as Parameters<typeof fetch>));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!UNREACHED.test(code)) throw error;
    throw Object.assign(new Error(`${code} by way of a proxy`, { cause: error }), { code: `ERR_PROXY_${code}` });
  }
}
