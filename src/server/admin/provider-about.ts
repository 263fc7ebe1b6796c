// What the routes under /api/v1/admin/providers say of themselves. Knows no handler.

import { z } from "zod";
import { type About, NEXT_CURSOR, ORIGINS, PAGE_QUERY } from "../about.ts";
import { PROVIDER, PROVIDER_VERSION, TRIALS } from "../shape/way.ts";

const tag = "Providers";
const ANSWER = z.object({ provider: PROVIDER, change: PROVIDER_VERSION.optional() });
const COMMENT = z.string().nullable().optional().describe("Why, for the history");

/** As a section of the configuration says them; beside those that are named here, any option of the type. */
const FIELDS = {
  type: z.string().optional(),
  base_url: z.string().optional(),
  api_key: z.string().optional().describe("Kept encrypted, and never shown again"),
  api_keys: z.record(z.string(), z.unknown()).optional().describe("Several, by name: text, or {key, weight}"),
  headers: z.record(z.string(), z.unknown()).optional(),
  models: z.unknown().optional(),
  comment: COMMENT,
};
const NOTHING = z.strictObject({}).optional();

export const PROVIDER_ABOUT = {
  create: {
    tag,
    summary: "Declare a provider",
    body: z.looseObject({ name: z.string(), ...FIELDS }),
    answer: ANSWER,
    status: [201],
    errors: [409, 503],
    isPlaced: true,
    isTagged: true,
  },
  delete: {
    tag,
    summary: "Delete a provider and its keys",
    query: z.object({ comment: z.string().optional().describe("Why, for the history") }),
    answer: null,
    gone: z.object({ provider: PROVIDER_VERSION }),
    errors: [400, 404, 409],
    isTagged: true,
  },
  disable: { tag, summary: "Call a provider no more", body: NOTHING, answer: ANSWER, errors: [404] },
  enable: { tag, summary: "Call a provider again", body: NOTHING, answer: ANSWER, errors: [404] },
  history: {
    tag,
    summary: "Show all versions of a provider",
    query: z.object(PAGE_QUERY),
    answer: z.object({ history: z.array(PROVIDER_VERSION), ...NEXT_CURSOR }),
    errors: [404],
  },
  list: {
    tag,
    summary: "List providers, with how they are doing",
    query: z.object({
      ...PAGE_QUERY,
      origin: z.enum(ORIGINS).optional(),
      type: z.string().optional(),
    }),
    answer: z.object({ providers: z.array(PROVIDER), ...NEXT_CURSOR }),
  },
  rollback: {
    tag,
    summary: "Go back to a version of a provider",
    body: z.strictObject({ version: z.int().min(1), comment: COMMENT }),
    answer: ANSWER,
    errors: [404, 409],
    isConditional: true,
    isTagged: true,
  },
  rotateSecret: {
    tag,
    summary: "Encrypt all keys of providers anew",
    body: NOTHING,
    answer: z.looseObject({
      encrypted_with: z.string().nullable(),
      own_file: z.boolean().describe("Whether that key lies in a file, and not in the configuration"),
    }),
    errors: [503],
  },
  set: {
    tag,
    summary: "Declare or change a provider",
    body: z.looseObject(FIELDS).meta({ id: "ProviderFields" }),
    answer: ANSWER,
    status: [200, 201],
    errors: [409, 503],
    isPlaced: true,
    isTagged: true,
  },
  setKeys: {
    tag,
    summary: "Set a provider's keys, and nothing else",
    body: z.looseObject({ api_key: FIELDS.api_key, api_keys: FIELDS.api_keys, comment: COMMENT }),
    answer: ANSWER,
    errors: [404, 409, 503],
    isTagged: true,
  },
  show: {
    tag,
    summary: "Show a provider, and what it overrules",
    answer: z.object({ provider: PROVIDER, below: z.array(PROVIDER) }),
    errors: [404],
    isTagged: true,
  },
  test: {
    tag,
    summary: "Try whether a provider answers",
    more: "Its list of models is asked for, or with a model a short answer, which stands in the books.",
    body: z.strictObject({ model: z.string().nullable().optional() }),
    answer: TRIALS,
    errors: [404],
  },
} as const satisfies Record<string, About>;
