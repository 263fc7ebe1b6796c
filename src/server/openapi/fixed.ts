// What all routes share in the reference: how callers say who they are, and what errors look like.

import { z } from "zod";
import type { JsonObject } from "../../ir/index.ts";
import { SESSION_COOKIE } from "../sign-in/cookie.ts";

export const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer", description: "An API key, `tok_…`; X-API-Key does as well" },
  session: {
    type: "apiKey",
    in: "cookie",
    name: SESSION_COOKIE,
    description: "What signing in sets in a browser; over https its name begins with `__Host-`",
  },
} as const;

const ERROR = z
  .object({
    message: z.string(),
    type: z.string(),
    code: z.string().nullable(),
    param: z.string().nullable().optional(),
    request_id: z.string().optional(),
  })
  .meta({ id: "Error" });
const FAILURE = z.object({ error: ERROR }).meta({ id: "Failure" });
const PROBLEM = z
  .object({ path: z.string().describe("Such as `budget.limit_usd`; empty for the whole"), message: z.string() })
  .meta({ id: "Problem" });
const REFUSAL = z.object({ error: ERROR, errors: z.array(PROBLEM).min(1) }).meta({ id: "Refusal" });

export const ERROR_SHAPES: readonly z.ZodType[] = [ERROR, FAILURE, PROBLEM, REFUSAL];

function describe(description: string, shape = "Failure", headers: JsonObject = {}): JsonObject {
  return {
    description,
    headers: { "X-Request-Id": printHeader("Under which the log tells more"), ...headers },
    content: { "application/json": { schema: { $ref: `#/components/schemas/${shape}` } } },
  };
}

function printHeader(description: string): JsonObject {
  return { description, schema: { type: "string" } };
}

export const ERRORS: JsonObject = {
  400: describe("It cannot be read, such as a body that is no JSON"),
  401: describe("No valid key, and no session", "Failure", { "WWW-Authenticate": printHeader("`Bearer`") }),
  403: describe("The role or the key's scopes do not allow it"),
  404: describe("There is no such thing, or none of the caller's"),
  409: describe("It does not go with what there is"),
  412: describe("It has changed since it was seen: If-Match or If-None-Match does not hold"),
  413: describe("The body is too large"),
  422: describe("What is said does not hold, field by field", "Refusal"),
  429: describe("Too much at a time, such as wrong keys from one address", "Failure", {
    "Retry-After": printHeader("Seconds; missing where waiting does not help"),
  }),
  502: describe("Another server did not answer as it should"),
  503: describe("Something that this takes is not set up"),
  default: describe("Something went wrong"),
};
