// Answers of a gateway held against what its reference says of them. Knows no route.

import { expect } from "bun:test";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Rig } from "../rig.ts";

// oxlint-disable-next-line no-explicit-any -- what comes back is what is tested
type Json = Record<string, any>;

export const NEVER = "019ac1f2-7a3b-7c4d-8e5f-6a7b8c9d0e1f";

export interface Sent {
  id?: string;
  query?: string;
  body?: unknown;
  token?: string | null;
  headers?: Record<string, string>;
}

export interface Checked {
  status: number;
  body: Json;
  headers: Headers;
}

interface Reference {
  rig: Rig;
  document: Json;
  /** Statuses that came, by method and path. */
  seen: Map<string, Set<string>>;
}

/** Asks, and holds the answer against the reference. */
export async function ask(
  { rig, document, seen }: Reference,
  { method, path, ...sent }: Sent & { method: string; path: string },
): Promise<Checked> {
  const { id = path.includes("{provider}") ? "loopback" : NEVER, query = "", body, token = null, headers = {} } = sent;
  const operation = document["paths"][path][method.toLowerCase()];
  const address = path.replace("{id}", encodeURIComponent(id)).replace("{provider}", id);
  const response = await rig.send(`${address}${query}`, {
    method,
    token,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const { status } = response;
  const name = `${method} ${path}`;
  const known = seen.get(name) ?? new Set();
  seen.set(name, known.add(String(status)));
  const declared = operation.responses[status];
  const text = await response.text();
  if (declared === undefined) throw new Error(`${name} answered ${status}, which is not declared: ${text}`);
  const found = declared.$ref === undefined ? declared : document["components"].responses[status];
  const says = Object.keys(found.headers ?? {}).map((header) => header.toLowerCase());
  for (const header of ["etag", "location"]) {
    const isThere = response.headers.has(header);
    if (isThere && !says.includes(header)) throw new Error(`${name} ${status} has ${header}, which is not declared`);
    if (!isThere && says.includes(header) && header === "location")
      throw new Error(`${name} ${status} lacks ${header}`);
  }
  if (status === 401) expect([name, response.headers.get("www-authenticate")]).toEqual([name, "Bearer"]);
  expect(response.headers.get("x-request-id")).toMatch(/\w/u);
  const content = found.content?.["application/json"];
  if (found.content === undefined) expect([name, status, text]).toEqual([name, status, ""]);
  const parsed = content === undefined ? {} : (JSON.parse(text) as Json);
  if (content !== undefined)
    expect([name, status, validate(document, content.schema, parsed)]).toEqual([name, status, []]);
  return { status, body: parsed, headers: response.headers };
}

/** A field that is not documented is a fault, too; `additionalProperties: {}` says that there may be others. */
export function validate(document: Json, schema: Json, body: unknown): unknown[] {
  const check = compiled.get(schema) ?? compile(document, schema);
  compiled.set(schema, check);
  return check(body)
    ? []
    : (check.errors ?? []).map(({ instancePath, message, params }) => [instancePath, message, params]);
}

/** By the schema itself, as it stands in the document: the same one is asked for again and again. */
const compiled = new WeakMap<object, ValidateFunction>();

function compile(document: Json, schema: Json): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  const { schemas } = document["components"];
  return ajv.compile(close({ ...schema, components: { schemas } }) as object);
}

function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== "object" || value === null) return value;
  const closed = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, close(inner)]));
  const isClosed = "properties" in value && !("additionalProperties" in value);
  return isClosed ? { ...closed, additionalProperties: false } : closed;
}
