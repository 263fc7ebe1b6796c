// Routes that are declared while the gateway runs, by HTTP. What a route may say is the configuration's to judge, and what a change is, the book's;
// here are only addresses, bodies and shapes.

import { z } from "zod";
import type { Config } from "../../config/value.ts";
import {
  type RouteBook,
  type RouteChange,
  type RouteStore,
  type RouteVersion,
  createRouteBook,
} from "../../gateway/index.ts";
import type { Caller } from "../../identity/index.ts";
import type { JsonObject } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { answerGone } from "../gone.ts";
import { readExpected, readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type LiveRoutes, type StandingRoute, isSecretText, judgeRoute, mergeRoutes } from "../route-table.ts";
import { readFields } from "../route-field.ts";
import { ROUTE_ABOUT as ABOUT } from "./route-about.ts";
import { answerPage } from "../page.ts";

const CHANGE = z.looseObject({ comment: z.string().nullable().optional() });
const NEW = CHANGE.extend({ name: z.string() });
const ROLLBACK = z.strictObject({ version: z.int().min(1), comment: z.string().nullable().optional() });

export interface RouteParts {
  routeStore: RouteStore;
  live: LiveRoutes;
  config: () => Config;
  clock: Pick<Clock, "wallMs">;
  newId: () => string;
  limit: () => number;
}

export function makeRouteRoutes(parts: RouteParts): GuardedRoute[] {
  return [...makeReads(parts), ...makeWrites(parts)];
}

const READ = { anyOf: ["routes:read", "routes:write"] } as const;
const WRITE = { anyOf: ["routes:write"] } as const;
const PATH = "/api/v1/admin/routes";

function makeReads({ live, config, ...parts }: RouteParts): GuardedRoute[] {
  const book = openBook({ live, config, ...parts });
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
    {
      method: "GET",
      path: `${PATH}/:id/history`,
      authority: READ,
      about: ABOUT.history,
      async handle({ params, query }) {
        const history = await book.history(params["id"] ?? "");
        return Response.json(
          await answerPage(query, history, { name: "history", idOf: ({ id }) => id, print: printVersion }),
        );
      },
    },
  ];
}

function makeWrites(parts: RouteParts): GuardedRoute[] {
  const { live, limit } = parts;
  const book = openBook(parts);
  const check = (name: string, { comment, ...said }: Partial<z.output<typeof CHANGE>>): void =>
    book.check({ name, comment }, readFields(said));
  const answer = async (version: RouteVersion, status: number): Promise<Response> => {
    await live.refresh();
    const location = status === 201 ? { location: `${PATH}/${version.name}` } : {};
    const headers = { etag: `"${version.version}"`, ...location };
    return Response.json({ route: printVersion(version) }, { status, headers });
  };
  return [
    {
      method: "POST",
      path: PATH,
      authority: WRITE,
      about: ABOUT.create,
      async handle({ request, caller }) {
        const judge = ({ name = "", ...said }: Partial<z.output<typeof NEW>>) => check(name, said);
        const { name, comment, ...said } = await readJson(request, limit(), NEW, judge);
        return answer(await book.set({ ...by(caller), name, comment, expected: 0 }, readFields(said)), 201);
      },
    },
    {
      method: "PUT",
      path: `${PATH}/:id`,
      authority: WRITE,
      about: ABOUT.set,
      async handle({ request, params, caller }) {
        const { comment, ...said } = await readJson(request, limit(), CHANGE, (body) =>
          check(params["id"] ?? "", body),
        );
        const change = { ...by(caller), name: params["id"] ?? "", comment, expected: readExpected(request) };
        const version = await book.set(change, readFields(said));
        return answer(version, version.version === 1 ? 201 : 200);
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:id`,
      authority: WRITE,
      about: ABOUT.delete,
      async handle({ request, params, caller, query }) {
        const change = { ...by(caller), name: params["id"] ?? "", comment: query.get("comment") };
        const version = await book.delete({ ...change, expected: readExpected(request) });
        await live.refresh();
        return answerGone(request, { route: printVersion(version) });
      },
    },
    {
      method: "POST",
      path: `${PATH}/:id/rollback`,
      authority: WRITE,
      about: ABOUT.rollback,
      async handle({ request, params, caller }) {
        const { version, comment } = await readJson(request, limit(), ROLLBACK);
        const change = { ...by(caller), name: params["id"] ?? "", comment, expected: readExpected(request) };
        return answer(await book.rollback(change, version), 200);
      },
    },
  ];
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

function by({ email, userId, from }: Caller): Pick<RouteChange, "author" | "by"> {
  return { author: { author: email, authorId: userId }, by: from };
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
