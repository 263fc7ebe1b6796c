// What the commands on routes share: the book here, on the opened database and without a server, or at a gateway elsewhere, and the flags of a change. A
// server that runs takes a change up within a second.

import { type RouteChange, createRouteBook } from "../../../gateway/index.ts";
import type { JsonObject } from "../../../ir/index.ts";
import { isSecretText, judgeRoute, mergeRoutes, printStanding, printVersion } from "../../../server/index.ts";
import { byOperator } from "../../open.ts";
import type { Here, Place } from "../../place.ts";
import { type Remote, askAll, segment } from "../../remote/client.ts";
import { SHOWING } from "../../remote/directory.ts";
import { matchVersion } from "../../remote/match.ts";
import { refuseValue } from "../../value.ts";

type Fields = Readonly<Record<string, string>>;

/** Routes as they are printed. */
export interface RouteDesk {
  list(): Promise<JsonObject[]>;
  /** Throws where there is none. */
  show(name: string): Promise<JsonObject>;
  /** What a route of run time says. Throws where there is none. */
  fields(name: string): Promise<Fields>;
  history(name: string): Promise<JsonObject[]>;
  set(change: RouteChange, fields: Fields): Promise<JsonObject>;
  delete(change: RouteChange): Promise<JsonObject>;
  rollback(change: RouteChange, to: number): Promise<JsonObject>;
}

export function openBook(place: Place): RouteDesk {
  return place.remote === null ? makeDesk(place) : makeRemoteDesk(place.remote);
}

function makeDesk({ config, store }: Here): RouteDesk {
  const book = createRouteBook({
    store: store.routes,
    judge: (name, fields) => judgeRoute(config, name, fields),
    isSecret: (text) => isSecretText(config, text),
    now: Date.now,
    newId: () => Bun.randomUUIDv7(),
  });
  const list = async (): Promise<JsonObject[]> =>
    mergeRoutes(config, await store.routes.list()).standing.map(printStanding);
  return {
    list,
    async show(name) {
      const found = (await list()).find((route) => route["name"] === name);
      // Says what is missing.
      return found ?? printVersion(await book.get(name));
    },
    fields: async (name) => (await book.get(name)).fields ?? {},
    history: async (name) => (await book.history(name)).map(printVersion),
    set: async (change, fields) => printVersion(await book.set(change, fields)),
    delete: async (change) => printVersion(await book.delete(change)),
    rollback: async (change, to) => printVersion(await book.rollback(change, to)),
  };
}

const PATH = "/api/v1/admin/routes";

function makeRemoteDesk(remote: Remote): RouteDesk {
  const at = (name: string, more = ""): string => `${PATH}/${segment(name, "route")}${more}`;
  const one = async (question: Parameters<Remote["ask"]>[0]): Promise<JsonObject> =>
    (await remote.ask<{ route: JsonObject }>(question)).route;
  const history = (name: string): Promise<JsonObject[]> =>
    askAll(remote, { method: "GET", path: at(name, "/history") }, "history");
  return {
    list: () => askAll(remote, { method: "GET", path: PATH }, "routes"),
    show: (name) => one({ method: "GET", path: at(name) }),
    async fields(name) {
      const [newest] = await history(name);
      return (newest?.["fields"] ?? {}) as Fields;
    },
    history,
    set: ({ name, comment, expected }, fields) =>
      one({ method: "PUT", path: at(name), body: { ...fields, comment }, headers: matchVersion(expected) }),
    delete: ({ name, comment, expected }) =>
      one({
        method: "DELETE",
        path: at(name),
        query: { comment },
        headers: { ...SHOWING, ...matchVersion(expected) },
      }),
    rollback: ({ name, comment, expected }, version) =>
      one({
        method: "POST",
        path: at(name, "/rollback"),
        body: { version, comment },
        headers: matchVersion(expected),
      }),
  };
}

export const NAME_ARG = { name: { type: "positional", description: "Name of the route", required: true } } as const;

export const CHANGE_ARGS = {
  comment: { type: "string", description: "Why, for the history", valueHint: "TEXT" },
  "if-version": {
    type: "string",
    description: "Only where it is in this version; 0: only where there is none",
    valueHint: "VERSION",
  },
} as const;

export function readChange(flags: {
  name: string;
  comment?: string | undefined;
  "if-version"?: string | undefined;
}): RouteChange {
  const expected = flags["if-version"];
  const author = { author: "operator", authorId: null };
  return {
    name: flags.name,
    author,
    by: byOperator(),
    comment: flags.comment,
    expected: expected === undefined ? undefined : readVersion("if-version", expected),
  };
}

export function readVersion(flag: string, text: string): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw refuseValue(flag, `${JSON.stringify(text)} is no version: history lists them`);
}
