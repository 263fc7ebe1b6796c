// People, their keys, sessions and accounts, as they are answered.

import { z } from "zod";
import { ROLES, STATUSES } from "../../identity/index.ts";
import { COUNT, MAYBE_TEXT, MAYBE_TIME, TEXT, TEXTS, TIME } from "./basic.ts";

export const ROLE = z.enum(ROLES).meta({ id: "Role", description: "Each may do all that those behind it may" });

const USER_FIELDS = {
  id: TEXT,
  email: TEXT,
  role: ROLE,
  display_name: MAYBE_TEXT,
  status: z.enum(STATUSES),
  created_at: TIME,
  updated_at: TIME,
};
export const USER = z.object(USER_FIELDS).meta({ id: "User" });

export const NEW_PERSON = z
  .object({ ...USER_FIELDS, link: TEXT.optional(), link_expires_at: TIME.optional() })
  .meta({ id: "ImportedUser", description: "A user, with a link to sign in where one was asked for" });

export const API_KEY = z
  .object({
    id: TEXT,
    user_id: TEXT,
    name: MAYBE_TEXT,
    prefix: TEXT.describe("The first characters of the token, enough to recognise it"),
    scopes: TEXTS.describe("Empty: all that the owner's role allows"),
    strict: z.boolean(),
    allowed_models: TEXTS,
    allowed_providers: TEXTS,
    allowed_ips: TEXTS,
    tags: TEXTS,
    former: z.array(z.object({ prefix: TEXT, ends_at: TIME })),
    expires_at: MAYBE_TIME,
    last_used_at: MAYBE_TIME,
    revoked_at: MAYBE_TIME,
    created_at: TIME,
    updated_at: TIME,
  })
  .meta({ id: "ApiKey" });

export const ISSUED_KEY = z
  .object({
    token: TEXT.describe("Shown here and never again"),
    api_key: API_KEY,
    budget: z.looseObject({}).optional(),
  })
  .meta({ id: "IssuedApiKey" });

const SESSION_FIELDS = {
  id: TEXT,
  user_id: TEXT,
  created_at: TIME,
  last_seen_at: TIME,
  expires_at: TIME,
  user_agent: MAYBE_TEXT,
  address: MAYBE_TEXT,
  current: z.boolean().describe("Whether it is the one that asks"),
};
export const OWN_SESSION = z.object(SESSION_FIELDS).meta({ id: "OwnSession" });
export const SESSION = z.object({ ...SESSION_FIELDS, email: TEXT }).meta({ id: "Session" });
export const ENDED = z.object({ ended: COUNT.describe("Sessions") });

export const IDENTITY = z
  .object({
    id: TEXT,
    user_id: TEXT,
    issuer: TEXT,
    subject: TEXT,
    email: MAYBE_TEXT,
    created_at: TIME,
    last_used_at: TIME,
  })
  .meta({ id: "Identity", description: "An account at the identity provider" });

export const PROFILE = z
  .object({
    user: z.object({ id: TEXT, email: TEXT, display_name: MAYBE_TEXT, role: ROLE, roles: TEXTS }),
    provider: z.null(),
    marketplace: z.object({ connected: z.boolean() }),
  })
  .meta({ id: "Profile" });
