// Routes that are declared while the gateway runs, by HTTP. What a route may say is the configuration's to judge, and what a change is, the book's;
// here are only addresses, bodies and shapes.

import type { Config } from "../../config/value.ts";
import { type RouteBook, type RouteStore, type RouteVersion, createRouteBook } from "../../gateway/index.ts";
import type { Caller } from "../../identity/index.ts";
import { GatewayError, type JsonObject } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { GuardedRoute } from "../route.ts";
import { type LiveRoutes, type StandingRoute, isSecretText, judgeRoute, mergeRoutes } from "../route-table.ts";
import { readFields } from "../route-field.ts";
import { SOURCES } from "../about.ts";
import { ROUTE_ABOUT as ABOUT } from "./route-about.ts";
import { answerPage } from "../page.ts";
import { makeVersionedRoutes } from "./versioned.ts";

export interface RouteParts {
  routeStore: RouteStore;
  live: LiveRoutes;
  config: () => Config;
  clock: Pick<Clock, "wallMs">;
  newId: () => string;
  limit: () => number;
}

export function makeRouteRoutes(parts: RouteParts): GuardedRoute[] {
  const book = openBook(parts);
  return [...makeReads(parts, book), ...makeWrites(parts, book)];
}

const READ = { anyOf: ["routes:read", "routes:write"] } as const;
const WRITE = { anyOf: ["routes:write"] } as const;
const PATH = "/api/v1/admin/routes";

function makeReads({ live, config }: RouteParts, book: RouteBook): GuardedRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      authority: READ,
      about: ABOUT.list,
      async handle({ query }) {
        await live.refresh();
        const { rules, standing } = mergeRoutes(config(), live.versions());
        const page = await answerPage(query, standing, {
          name: "routes",
          idOf: placeOf,
          print: printStanding,
          filters: { source: ({ source }) => source },
          choices: { source: SOURCES },
        });
        return Response.json({ ...page, rules: rules.map(printRule) });
      },
    },
    {
      method: "GET",
      path: `${PATH}/:id`,
      authority: READ,
      about: ABOUT.show,
      async handle({ params }) {
        await live.refresh();
        const { standing } = mergeRoutes(config(), live.versions());
        const found = standing.filter(({ name }) => name === params["id"]);
        const [first] = found;
        if (first === undefined) await book.get(params["id"] ?? "");
        const headers = first?.version ? { etag: `"${first.version.version}"` } : {};
        const below = found.slice(1).map(printStanding);
        return Response.json({ route: first === undefined ? null : printStanding(first), below }, { headers });
      },
    },
  ];
}

function makeWrites({ live, limit }: RouteParts, book: RouteBook): GuardedRoute[] {
  const show = async (version: RouteVersion): Promise<JsonObject> => {
    await live.refresh();
    return { route: printVersion(version) };
  };
  const routes = makeVersionedRoutes({
    path: PATH,
    read: READ,
    write: WRITE,
    about: ABOUT,
    limit,
    book,
    set: (change, said) => book.set(change, readFields(said)),
    check: (change, said) => book.check(change, readFields(said)),
    async isThere(name) {
      await live.refresh();
      return live.versions().some((each) => each.name === name && each.fields !== null);
    },
    print: printVersion,
    show,
    showGone: show,
  });
  return routes.map((route) => ({
    ...route,
    handle(context) {
      if (route.method !== "GET") requireAllModels(context.caller);
      return route.handle(context);
    },
  }));
}

/** A route says which model a name stands for: whoever may use some names only would have all of them. Throws forbidden. */
function requireAllModels({ limits }: Pick<Caller, "limits">): void {
  if (limits === null || limits.models === null) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "wider_than_own",
    message:
      "This API key may use some models only, and a route decides which model a name stands for, so it changes none. Do it at the console, or with a key that is not limited to models.",
  });
}

function openBook({ routeStore: store, config, clock, newId }: RouteParts): RouteBook {
  return createRouteBook({
    store,
    judge: (name, fields) => judgeRoute(config(), name, fields),
    isSecret: (text) => isSecretText(config(), text),
    now: clock.wallMs,
    newId,
  });
}

/** One change of a route, for people and programs. */
export function printVersion(version: RouteVersion): JsonObject {
  return {
    name: version.name,
    version: version.version,
    deleted: version.fields === null,
    fields: version.fields === null ? null : { ...version.fields },
    comment: version.comment,
    changed_by: version.author,
    changed_at: version.createdAt.toISOString(),
  };
}

/** A route, where it comes from, and whether it is in force. */
export function printStanding({ name, source, rules, obstacle, version, origin }: StandingRoute): JsonObject {
  return {
    ...(version === null ? { name } : printVersion(version)),
    source,
    origin,
    in_force: obstacle === null,
    ...(obstacle === null ? {} : { why_not: obstacle }),
    match: (rules ?? []).map(({ pattern }) => pattern),
    ...(rules?.[0] === undefined ? {} : describeRule(rules[0])),
  };
}

/** What stands in files and is overruled has the name of what overrules it. */
function placeOf({ name, source, origin }: StandingRoute): string {
  return `${name} ${source} ${origin ?? ""}`;
}

function printRule(rule: Config["routes"][number]): JsonObject {
  return { pattern: rule.pattern, route: rule.name ?? null, origin: rule.origin, ...describeRule(rule) };
}

function describeRule({ targets, strategy = "priority", when }: Config["routes"][number]): JsonObject {
  return {
    targets: targets.map(({ provider, keys, model, weight = 1, set }) => ({
      provider,
      ...(keys === undefined ? {} : { keys: [...keys] }),
      model,
      weight,
      ...(set === undefined ? {} : { set: { ...set } }),
    })),
    strategy,
    conditions: Object.keys(when ?? {}),
  };
}
