// Providers, routes and decisions, as they are answered.

import { z } from "zod";
import { ANY_OBJECT, COUNT, MAYBE_COUNT, MAYBE_TEXT, MAYBE_TIME, MAYBE_USD, TEXT, TEXTS, TIME } from "./basic.ts";

const CHANGED = {
  version: COUNT,
  deleted: z.boolean(),
  fields: z.record(TEXT, TEXT).nullable(),
  comment: MAYBE_TEXT,
  changed_by: MAYBE_TEXT,
  changed_at: TIME,
};
/** Missing where it stands in the configuration alone. */
const MAY_BE_CHANGED = z.object(CHANGED).partial().shape;

export const ROUTE_VERSION = z.object({ name: TEXT, ...CHANGED }).meta({ id: "RouteVersion" });

const TARGET = z
  .object({
    provider: TEXT,
    keys: TEXTS.optional(),
    model: MAYBE_TEXT,
    weight: z.number(),
    set: ANY_OBJECT.optional(),
  })
  .meta({ id: "RouteTarget" });
const RULE = { targets: z.array(TARGET), strategy: TEXT, conditions: TEXTS };

export const ROUTE = z
  .object({
    name: TEXT,
    ...MAY_BE_CHANGED,
    source: TEXT,
    origin: MAYBE_TEXT,
    in_force: z.boolean(),
    why_not: TEXT.optional(),
    match: TEXTS,
    ...z.object(RULE).partial().shape,
  })
  .meta({ id: "Route" });
export const ROUTE_RULE = z
  .object({ pattern: TEXT, route: MAYBE_TEXT, origin: TEXT, ...RULE })
  .meta({ id: "RouteRule", description: "What is tried, in this order" });

const KEY_END = z.object({ field: TEXT, hint: MAYBE_TEXT.describe("The end of the key, where it is long enough") });
export const PROVIDER_VERSION = z
  .object({ name: TEXT, ...CHANGED, keys: z.array(KEY_END) })
  .meta({ id: "ProviderVersion" });

const CONTROL = { action: TEXT.optional(), action_since: TIME.optional(), action_by: MAYBE_TEXT.optional() };
const HEALTH_FIELDS = {
  ready: z.boolean(),
  missing: TEXT.optional(),
  state: TEXT,
  ...CONTROL,
  keys: z.array(
    z.object({
      key: MAYBE_TEXT,
      state: TEXT,
      ...CONTROL,
      reason: MAYBE_TEXT,
      since: MAYBE_TIME,
      parked_until: MAYBE_TIME,
    }),
  ),
  models: z.array(
    z.object({
      model: MAYBE_TEXT,
      key: MAYBE_TEXT,
      state: TEXT,
      ...CONTROL,
      since: MAYBE_TIME,
      open_until: MAYBE_TIME,
      parked: MAYBE_TEXT,
      parked_until: MAYBE_TIME,
      calls: COUNT,
      failures: COUNT,
      slow: COUNT,
      error_rate: z.number().nullable(),
      latency_ms: MAYBE_COUNT,
      in_flight: COUNT,
      last_failure: z.object({ reason: TEXT, at: TIME, seconds_ago: z.number() }).nullable(),
    }),
  ),
};
const HEALTH = z.object(HEALTH_FIELDS).meta({ id: "Health" });
export const PROVIDER_HEALTH = z.object({ provider: TEXT, ...HEALTH_FIELDS }).meta({ id: "ProviderHealth" });

export const PROVIDER = z
  .object({
    name: TEXT,
    ...MAY_BE_CHANGED,
    origin: TEXT,
    in_force: z.boolean().optional(),
    usable: z.boolean().optional(),
    why_not: TEXT.optional(),
    type: MAYBE_TEXT.optional(),
    base_url: MAYBE_TEXT.optional(),
    keys: z.array(
      KEY_END.extend({
        origin: TEXT.optional(),
        sent: z.boolean().optional(),
        why_not: TEXT.optional(),
        bound_to: TEXTS.optional(),
        encrypted_with: MAYBE_TEXT.optional(),
        set_at: TIME.optional(),
        set_by: MAYBE_TEXT.optional(),
      }),
    ),
    headers: TEXTS.optional(),
    findings: TEXTS.optional(),
    disabled: z.boolean().optional(),
    state: MAYBE_TEXT.optional(),
    health: HEALTH.optional(),
  })
  .meta({ id: "Provider" });

export const TRIALS = z
  .looseObject({ provider: TEXT })
  .meta({ id: "ProviderTest", description: "What was tried of a provider, step by step" });

export const DECISION = z
  .object({
    model: TEXT,
    provider: TEXT,
    upstream_model: TEXT,
    reason: TEXT,
    route: MAYBE_TEXT,
    strategy: TEXT,
    ready: z.boolean(),
    missing: TEXT.optional(),
    fallbacks: z.array(z.object({ provider: TEXT, upstream_model: TEXT, ready: z.boolean() })),
    candidates: z.array(
      z.object({
        provider: TEXT,
        upstream_model: TEXT,
        role: TEXT,
        outcome: TEXT,
        why: TEXT,
        weight: z.number(),
        ready: z.boolean(),
        latency_ms: MAYBE_COUNT,
        in_flight: COUNT,
        breaker: TEXT,
        cost_usd: MAYBE_USD,
        dropped: TEXTS.optional(),
      }),
    ),
    considered: z.array(z.object({ rule: TEXT, origin: TEXT, outcome: TEXT })),
    request: ANY_OBJECT.optional(),
  })
  .meta({ id: "RoutingDecision", description: "Where a request goes, and why" });
