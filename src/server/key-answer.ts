// An API key as it is answered: with its state, and with its token where there is a new one. Knows no route.

import { type ApiKey, type IssuedKey, printKey } from "../identity/index.ts";
import type { JsonObject } from "../ir/index.ts";
import { makeEtag } from "./etag.ts";

export function answerKey(key: ApiKey): Response {
  return Response.json({ api_key: printKey(key) }, { headers: { etag: etagOf(key) } });
}

/** `list`: under which it is found. */
export function answerIssued({ token, key }: IssuedKey, list: string, more: JsonObject = {}): Response {
  const headers = { etag: etagOf(key), location: `${list}/${key.id}` };
  return Response.json({ token, api_key: printKey(key), ...more }, { status: 201, headers });
}

/** Of what a change could run over: not of its last use. */
export function etagOf(key: ApiKey): string {
  const { last_used_at: _used, ...seen } = printKey(key);
  return makeEtag(seen);
}
