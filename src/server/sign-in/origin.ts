// From where a browser's request comes: our own pages or a stranger's, by https or not, from this very machine or not. Pure; knows no route.

import { GatewayError } from "../../ir/index.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Throws forbidden for a request that changes something, speaks for a session, and does not come from a page of ours: browsers send the
 * cookie whoever's page makes them ask. `publicUrl`: how we are known beside the address that was asked.
 */
export function refuseCrossSite(
  { method, headers, url }: Pick<Request, "headers" | "method" | "url">,
  publicUrl: string | null,
): void {
  if (SAFE_METHODS.has(method) || isSameOrigin(headers, url, publicUrl)) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "cross_site",
    message: "A session acts only from the gateway's own pages. Programs use an API key instead of a cookie.",
  });
}

/** False where the request does not say. */
export function isSameOrigin(headers: Headers, url: string, publicUrl: string | null): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") return false;
  const origin = headers.get("origin");
  if (origin === null) return site === "same-origin";
  if (publicUrl !== null && origin === new URL(publicUrl).origin) return true;
  const host = headers.get("host") ?? new URL(url).host;
  const from = URL.parse(origin);
  // A page that came over plain http may have been written by anybody on the way; at this machine there is nobody.
  const isTrusted = from?.protocol === "https:" || !isSecure(url, publicUrl) || LOCAL_HOST.test(host);
  return from?.host === host && isTrusted;
}

/** Whether the browser came by https: to us, or to the address that the operator says is ours. */
export function isSecure(url: string, publicUrl: string | null): boolean {
  return url.startsWith("https:") || publicUrl?.startsWith("https:") === true;
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/u;
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/iu;
/** What those who pass requests on leave behind, each in its own way. */
const FORWARDED =
  /^(?:forwarded|via|cdn-loop|proxy-.+|x-forwarded(?:-.+)?|x-real-ip|x-original-.+|x-envoy-.+|x-proxy-.+|x-appengine-.+|x-azure-.+|cf-.+|fly-.+|fastly-.+|tailscale-.+|ngrok-.+|true-client-ip|.*client-?ip|.*cluster-?ip)$/iu;

export interface Standing {
  /** The address at the other end of the connection itself; null where it is unknown. */
  peer: string | null;
  /** Where we listen; null: on all addresses. */
  listensOn: string | null;
  isContainer: boolean;
  /** Where people reach us, as the operator says; null: nothing is said. */
  publicUrl: string | null;
}

/**
 * Whether only somebody at this machine can have sent it, from our own page: no proxy in between that says so, no foreign name that leads here, no
 * other way in.
 */
export function isAtThisMachine(
  { headers, url }: Pick<Request, "headers" | "url">,
  { peer, listensOn, isContainer, publicUrl }: Standing,
): boolean {
  // An address that others reach leads through a server beside us, which looks like this machine and need not say that it passes requests on.
  if (publicUrl !== null && !LOCAL_HOST.test(new URL(publicUrl).host)) return false;
  if (peer === null || !LOOPBACK.test(peer) || isContainer) return false;
  if (listensOn === null || !(LOOPBACK.test(listensOn) || listensOn === "localhost")) return false;
  if (!LOCAL_HOST.test(headers.get("host") ?? "")) return false;
  for (const [name] of headers) if (FORWARDED.test(name)) return false;
  // Browsers keep their connections; proxies that say nothing else at least say this.
  if (/\bclose\b/iu.test(headers.get("connection") ?? "")) return false;
  return isSameOrigin(headers, url, null);
}
