// What the commands on routes share: the book here, on the opened database and without a server, or at a gateway elsewhere.
// A server that runs takes a change up within a second.

import { type RouteChange, createRouteBook } from "../../../gateway/index.ts";
import type { JsonObject } from "../../../ir/index.ts";
import { isSecretText, judgeRoute, mergeRoutes, printStanding, printVersion } from "../../../server/index.ts";
import type { Here, Place } from "../../place.ts";
import { type Question, type Remote, askAll } from "../../remote/client.ts";
import { askVersioned } from "../../remote/versioned.ts";

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
  const { at, history, fields, ...there } = askVersioned(remote, { path: PATH, what: "route" });
  const one = async (question: Question): Promise<JsonObject> =>
    (await remote.ask<{ route: JsonObject }>(question, "route")).route;
  return {
    list: () => askAll(remote, { method: "GET", path: PATH }, "routes"),
    show: (name) => one({ method: "GET", path: at(name) }),
    fields,
    history,
    set: (change, said) => one(there.set(change, { fields: said })),
    delete: (change) => one(there.remove(change)),
    rollback: (change, to) => one(there.rollback(change, to)),
  };
}

export const NAME_ARG = { name: { type: "positional", description: "Name of the route", required: true } } as const;
