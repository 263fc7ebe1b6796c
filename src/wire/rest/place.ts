// What an address means: the family, whether an object is named, and what it is called in the books. Knows no HTTP server.

import { REST } from "./family.ts";
import type { RestCallPath, RestCollection, RestEntry, RestFamily, RestMethod } from "./type.ts";

export interface Place {
  family: RestFamily;
  entry: RestEntry;
  collection: RestCollection | null;
  endpoint: string;
  /** Behind the version, as it was sent: `/files/file-1/content`. */
  path: string;
  /** Null where a collection is meant, or a call. */
  objectId: string | null;
  act: "call" | "create" | "list" | "object";
  /** What the object holds, as it was put there, instead of a description. */
  isContent: boolean;
}

export interface RestAddress {
  family: RestFamily;
  method: RestMethod;
  /** At the gateway. */
  path: string;
  /** True for what lies below it. */
  isBelow: boolean;
  /** The meaning of a request there; `tail` is what of its address follows `path`, as it was sent. */
  locate(tail: string): Place;
}

/** Collections whose objects tell of a cost once they are over, by family. */
export function listFollowed(): Map<string, RestCollection> {
  const entries: [string, RestEntry][] = Object.entries(REST);
  return new Map(
    entries.flatMap(([family, { collections = [] }]) =>
      collections.flatMap((collection) => (collection.finished === undefined ? [] : [[family, collection] as const])),
    ),
  );
}

/** Every address of the table; one with a longer path comes before one that it begins with. */
export function listAddresses(): RestAddress[] {
  const addresses = Object.entries<RestEntry>(REST).flatMap(([name, entry]) => {
    const family = name as RestFamily;
    return [
      ...(entry.calls ?? []).flatMap((call) => addressCall(family, entry, call)),
      ...(entry.collections ?? []).flatMap((collection) => addressCollection(family, entry, collection)),
    ];
  });
  return addresses.toSorted((left, right) => right.path.length - left.path.length);
}

/** What stands before a path at the gateway. */
const VERSION = "/v1";

function addressCall(family: RestFamily, entry: RestEntry, { path, endpoint, also = [] }: RestCallPath): RestAddress[] {
  const place: Place = {
    family,
    entry,
    collection: null,
    endpoint,
    path,
    objectId: null,
    act: "call",
    isContent: false,
  };
  const addresses = [VERSION + path, ...also];
  return addresses.map((address) => ({ family, method: "POST", path: address, isBelow: false, locate: () => place }));
}

function addressCollection(family: RestFamily, entry: RestEntry, collection: RestCollection): RestAddress[] {
  const { path, endpoint, methods, lists, also = [] } = collection;
  const base = { family, entry, collection };
  const addresses = [VERSION + path, ...also].flatMap((address) => methods.map((method) => ({ address, method })));
  return addresses.flatMap(({ address, method }): RestAddress[] => {
    const below: RestAddress = {
      family,
      method,
      path: address,
      isBelow: true,
      locate: (tail) => ({ ...base, ...readTail(endpoint, method, tail), path: path + tail, act: "object" }),
    };
    if (method === "DELETE" || (method === "GET" && !lists)) return [below];
    const act = method === "GET" ? "list" : "create";
    const root: Place = { ...base, path, endpoint: `${endpoint}.${act}`, objectId: null, act, isContent: false };
    return [{ family, method, path: address, isBelow: false, locate: () => root }, below];
  });
}

const CONTENT = new Set(["content", "results"]);
const VERBS = { DELETE: "delete", GET: "retrieve", POST: "update" } as const satisfies Record<RestMethod, string>;

/** `/id/files/other` → the id, and a name without any id: collections and ids take turns. */
function readTail(
  endpoint: string,
  method: RestMethod,
  tail: string,
): Pick<Place, "endpoint" | "isContent" | "objectId"> {
  const [id = "", ...rest] = tail.slice(1).split("/");
  const words = rest.filter((_, index) => index % 2 === 0);
  const last = words.at(-1) ?? "";
  return {
    objectId: decode(id),
    endpoint: [endpoint, ...(words.length === 0 ? [VERBS[method]] : words)].join("."),
    isContent: method === "GET" && CONTENT.has(last),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
