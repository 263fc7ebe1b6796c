// What the routes under /api/v1/admin/routes say of themselves. Knows no handler.

import { z } from "zod";
import { type About, NEXT_CURSOR, PAGE_QUERY, SOURCES } from "../about.ts";
import { ROUTE, ROUTE_RULE, ROUTE_VERSION } from "../shape/way.ts";

const tag = "Routes";
const VERSION = z.object({ route: ROUTE_VERSION });
const COMMENT = z.string().nullable().optional().describe("Why, for the history");

/** As a section of the configuration says them; beside those that are named here, any condition and any `set.FIELD`. */
const FIELDS = {
  match: z.unknown().optional().describe("Names of models, as patterns"),
  targets: z.unknown().optional().describe("[{provider, keys, model, weight, set}], or text as in a file"),
  strategy: z.string().optional(),
  header: z.record(z.string(), z.unknown()).optional().describe("Conditions over headers, by name"),
  set: z.record(z.string(), z.unknown()).optional().describe("Fields of requests, as they are to be"),
  fields: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Any of these as text, word for word as a version shows them"),
  comment: COMMENT,
};
const BODY = z.looseObject(FIELDS).meta({ id: "RouteFields" });

export const ROUTE_ABOUT = {
  create: {
    tag,
    summary: "Declare a route",
    body: z.looseObject({ name: z.string(), ...FIELDS }),
    answer: VERSION,
    status: [201],
    errors: [409],
    isPlaced: true,
    isTagged: true,
  },
  delete: {
    tag,
    summary: "Delete a route",
    query: z.object({ comment: z.string().optional().describe("Why, for the history") }),
    answer: null,
    gone: z.object({ route: ROUTE_VERSION }),
    errors: [400, 404, 409],
    isTagged: true,
  },
  history: {
    tag,
    summary: "Show all versions of a route",
    query: z.object(PAGE_QUERY),
    answer: z.object({ history: z.array(ROUTE_VERSION), ...NEXT_CURSOR }),
    errors: [404],
  },
  list: {
    tag,
    summary: "List routes, and the rules that are made of them",
    query: z.object({
      ...PAGE_QUERY,
      source: z.enum(SOURCES).optional(),
    }),
    answer: z.object({ routes: z.array(ROUTE), rules: z.array(ROUTE_RULE), ...NEXT_CURSOR }),
  },
  rollback: {
    tag,
    summary: "Go back to a version of a route",
    body: z.strictObject({ version: z.int().min(1), comment: COMMENT }),
    answer: VERSION,
    errors: [404, 409],
    isConditional: true,
    isTagged: true,
  },
  set: {
    tag,
    summary: "Declare or change a route",
    body: BODY,
    answer: VERSION,
    status: [200, 201],
    errors: [409],
    isPlaced: true,
    isTagged: true,
  },
  show: {
    tag,
    summary: "Show a route, and what it overrules",
    answer: z.object({ route: ROUTE.nullable(), below: z.array(ROUTE) }),
    errors: [404],
    isTagged: true,
  },
} as const satisfies Record<string, About>;
