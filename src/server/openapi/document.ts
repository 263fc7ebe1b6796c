// The reference of all routes as OpenAPI 3.1, made of what they say of themselves and of who may call them. Knows no route by name.
// https://spec.openapis.org/oas/v3.1.1

import { z } from "zod";
import { SCOPES } from "../../identity/index.ts";
import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import type { About, Media } from "../about.ts";
import { TAGS } from "../about.ts";
import type { Permit } from "../permit.ts";
import { API_PATHS } from "../refusal.ts";
import type { Route } from "../route.ts";
import { describeCall } from "./call.ts";
import { ERRORS, ERROR_SHAPES, SECURITY_SCHEMES } from "./fixed.ts";

export interface DocumentInit {
  routes: readonly Route[];
  permits: ReadonlyMap<Route, Permit>;
  version: string;
}

export function makeDocument({ routes, permits, version }: DocumentInit): JsonObject {
  const schemas: Record<string, JsonObject> = {};
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes) {
    const about = route.about ?? describeCall(route);
    if (about === null) continue;
    const path = printPath(route.path);
    const at = (paths[path] ??= {});
    // Several formats may share an address; the first that is mounted answers.
    at[route.method.toLowerCase()] ??= describe(route, about, {
      permit: permits.get(route) ?? "public",
      path,
      schemas,
    });
  }
  for (const shape of ERROR_SHAPES) take(shape, schemas);
  return {
    openapi: "3.1.1",
    info: {
      title: "Tokligence Gateway",
      version,
      summary: "One address for every provider of models, with books that hold up in a dispute",
      description: INTRODUCTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: sort(paths),
    components: { securitySchemes: SECURITY_SCHEMES, responses: ERRORS, schemas: sort(schemas) },
    "x-scopes": { ...SCOPES },
  };
}

const INTRODUCTION = [
  "Answers hold what is described here; fields may be added. Lists that can grow come a page at a time: `limit` rows, and `next_cursor` for the next.",
  "What can be changed says its state in `ETag`; a change with `If-Match` is made to that state alone, and is a `412` where it has changed since.",
  "A removal may be asked for again: what was removed before is answered as it was then, and what never was is a `404`.",
  "A body or query that does not hold is a `422` that names each field. Every error has the same shape, with the request's id.",
].join("\n\n");

interface Place {
  permit: Permit;
  path: string;
  schemas: Record<string, JsonObject>;
}

function describe(route: Route, about: About, { permit, path, schemas }: Place): JsonObject {
  const { summary, more, tag, body } = about;
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/gu)].map(([, name = ""]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    })),
    ...listQuery(about, schemas),
    ...listConditions(route, about),
  ];
  return {
    operationId: nameOperation(route.method, path),
    tags: [tag],
    summary,
    description: [more, printNeed(permit)].filter((text) => text !== undefined).join("\n\n"),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: describeBody(body, schemas) }),
    responses: listAnswers(route, about, { permit, path, schemas }),
    security: listSecurity(permit),
    ...(typeof permit === "object" ? { "x-role": permit.role, "x-any-scope": [...permit.anyOf] } : {}),
  };
}

function describeBody(body: z.ZodType, schemas: Place["schemas"]): JsonObject {
  const isNeeded = !body.safeParse({}).success && !body.safeParse(undefined).success;
  return { required: isNeeded, content: { "application/json": { schema: take(body, schemas) } } };
}

function listQuery({ query }: About, schemas: Place["schemas"]): JsonObject[] {
  if (query === undefined || query === "any") return [];
  return Object.entries(query.shape).map(([name, each]) => {
    const { description, ...schema } = take(each as z.ZodType, schemas);
    const isRequired = !(each as z.ZodType).safeParse(undefined).success;
    return { name, in: "query", required: isRequired, ...(description === undefined ? {} : { description }), schema };
  });
}

/** Whether it is made to one state alone, where that is said. */
function heedsMatch({ method }: Route, { isTagged = false, isConditional = false }: About): boolean {
  return isConditional || (isTagged && method !== "GET" && method !== "POST");
}

function listConditions(route: Route, about: About): JsonObject[] {
  if (!heedsMatch(route, about)) return [];
  const text = { type: "string" };
  const match = {
    name: "If-Match",
    in: "header",
    required: false,
    schema: text,
    description: "The ETag of what was seen",
  };
  const none = {
    name: "If-None-Match",
    in: "header",
    required: false,
    schema: text,
    description: "`*`: only where there is none yet",
  };
  return route.method === "PUT" ? [match, none] : [match];
}

function listAnswers(route: Route, about: About, { permit, schemas }: Place): JsonObject {
  const { answer, status = [answer === null ? 204 : 200], errors = [] } = about;
  const answers: Record<string, JsonObject> = {};
  for (const each of status) {
    const headers = describeHeaders(about, each);
    answers[each] = { description: DONE[each] ?? "Done", ...headers, ...describeAnswer(answer, schemas) };
  }
  const codes = new Set<number>(errors);
  if (permit !== "public") for (const code of [401, 403, 429]) codes.add(code);
  if (route.path.startsWith(API_PATHS)) codes.add(422);
  if (about.body !== undefined) for (const code of [400, 413]) codes.add(code);
  if (heedsMatch(route, about)) codes.add(412);
  if (about.gone !== undefined) {
    const description = "Done; what is gone, for whoever sends `Prefer: return=representation`";
    answers["200"] = { description, ...describeAnswer(about.gone, schemas) };
  }
  for (const code of codes) answers[code] = { $ref: `#/components/responses/${code}` };
  answers["default"] = { $ref: "#/components/responses/default" };
  return answers;
}

function describeHeaders(
  { answer, headers: own = {}, isTagged = false, isPlaced = false }: About,
  status: number,
): JsonObject {
  const schema = { type: "string" };
  const headers = {
    ...(isTagged && answer !== null
      ? { ETag: { description: "Its state, for If-Match; missing where it cannot be changed here", schema } }
      : {}),
    ...(isPlaced && (status === 201 || status === 303)
      ? { Location: { description: "Where it is found", schema } }
      : {}),
    ...Object.fromEntries(Object.entries(own).map(([name, description]) => [name, { description, schema }])),
  };
  return Object.keys(headers).length === 0 ? {} : { headers };
}

const DONE: Readonly<Record<number, string>> = {
  200: "Done",
  201: "Made",
  202: "Taken, and under way",
  204: "Done, and there is nothing to say",
  303: "Elsewhere",
};

function describeAnswer(answer: About["answer"], schemas: Place["schemas"]): JsonObject {
  if (answer === null) return {};
  if (!isMedia(answer)) return { content: { "application/json": { schema: take(answer, schemas) } } };
  return { content: Object.fromEntries(answer.media.map((type) => [bareType(type), {}])) };
}

function isMedia(answer: Media | z.ZodType): answer is Media {
  return "media" in answer;
}

/** Without its parameters. */
function bareType(type: string): string {
  return type.split(";")[0]?.trim() ?? type;
}

function listSecurity(permit: Permit): JsonObject[] {
  if (permit === "public") return [];
  const scopes = typeof permit === "object" ? permit.anyOf.map((scope) => [scope]) : [[]];
  const each = scopes.flatMap((needed) => Object.keys(SECURITY_SCHEMES).map((scheme) => ({ [scheme]: [...needed] })));
  return typeof permit === "object" && permit.orPublic === true ? [...each, {}] : each;
}

function printNeed(permit: Permit): string {
  if (permit === "public") return "Anyone may.";
  if (permit === "any-key") return "Takes any valid key, or a session.";
  return `Takes the scope ${permit.anyOf.map((scope) => `\`${scope}\``).join(" or ")}, and the role \`${permit.role}\` or one above it.`;
}

/** The schema, with what has a name of its own among the components. */
function take(schema: z.ZodType, schemas: Place["schemas"]): JsonObject {
  const printed = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override({ jsonSchema }) {
      // A pattern of 300 characters says less than the name of the format.
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  const { $schema: _dialect, $defs = {}, ...own } = moveReferences(printed as Json) as JsonObject;
  for (const [name, each] of Object.entries($defs as JsonObject)) schemas[name] = strip(each as JsonObject);
  const { id } = schema.meta() ?? {};
  if (id === undefined) return strip(own);
  schemas[id] ??= strip(own);
  return { $ref: `#/components/schemas/${id}` };
}

/** A name here is the key that it stands under. */
function strip(schema: JsonObject): JsonObject {
  const { id: _id, ...own } = schema;
  return typeof _id === "string" ? own : schema;
}

function moveReferences(value: Json): Json {
  if (Array.isArray(value)) return value.map(moveReferences);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === "$ref" && typeof inner === "string"
        ? inner.replace("#/$defs/", "#/components/schemas/")
        : moveReferences(inner),
    ]),
  );
}

/** `/a/:id{.+}` is `/a/{id}`. */
function printPath(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{[^}]*\})?/gu, (whole, name: string, at: number) =>
    path[at - 1] === "/" ? `{${name}}` : whole,
  );
}

function nameOperation(method: string, path: string): string {
  const words = path.replace(/^\/api\/v1\//u, "").match(/\w+/gu) ?? [];
  const named = words.map((word) => `${word[0]?.toUpperCase() ?? ""}${word.slice(1)}`);
  const operation = `${method.toLowerCase()}${named.join("")}`;
  // What ends in a slash, and the address without it, are two.
  return path.length > 1 && path.endsWith("/") ? `${operation}_` : operation;
}

function sort<Of>(table: Record<string, Of>): Record<string, Of> {
  return Object.fromEntries(Object.entries(table).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
