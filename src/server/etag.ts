// Which state of a thing somebody has seen: he changes no other unawares. Knows no thing.

import { hash } from "node:crypto";
import { GatewayError } from "../ir/index.ts";

/** `seen`: all of it that matters, as it is printed. */
export function makeEtag(seen: object): string {
  return `"${hash("sha256", JSON.stringify(seen), "base64url").slice(0, 22)}"`;
}

/** For whoever makes a change: throws where the thing is in another state than the request was meant for. Undefined where it says nothing of that. */
export function readMeant<Of>(
  request: Pick<Request, "headers">,
  etagOf: (thing: Of) => string,
): ((standing: Of) => void) | undefined {
  return request.headers.has("if-match") ? (standing) => requireMatch(request, etagOf(standing)) : undefined;
}

/** Throws conflict where the request was meant for another state than this one. */
function requireMatch({ headers }: Pick<Request, "headers">, etag: string): void {
  const wanted = headers.get("if-match");
  if (wanted === null || wanted.trim() === "*") return;
  if (wanted.split(",").some((each) => each.trim() === etag)) return;
  throw new GatewayError({
    kind: "conflict",
    code: "changed_meanwhile",
    message: "It was changed since you read it. Read it again, and send the If-Match of what you have seen.",
  });
}
