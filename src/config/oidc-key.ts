// The rows of the table of settings that are about signing in at an identity provider (OpenID Connect). Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const OIDC_KEYS = {
  oidc_client_id: {
    about: "What this gateway is called at the identity provider",
    group: "oidc",
    type: syntax.plain,
    example: "tokligence",
  },
  oidc_client_secret: {
    about: "Its secret there; unset: it has none, and PKCE alone proves that it was we who asked",
    group: "oidc",
    type: syntax.plain,
    secret: true,
  },
  oidc_default_role: {
    about: "What users are whose claim names no role of oidc_roles; none: they do not get in",
    group: "oidc",
    type: syntax.defineChoice(["gateway_user", "none"]),
    fallback: "gateway_user",
  },
  oidc_domains: {
    about:
      "Domains of e-mail addresses that may sign in, separated by commas; * where the provider knows nobody but your own people",
    group: "oidc",
    type: syntax.domains,
    example: "example.com, example.org",
  },
  oidc_issuer: {
    about: "The identity provider, as its own discovery document calls it; unset: nobody signs in there",
    group: "oidc",
    type: syntax.issuer,
    example: "https://login.example.com/realms/staff",
  },
  oidc_name: {
    about: "What the button on the page calls it",
    group: "oidc",
    type: syntax.title,
    fallback: "single sign-on",
  },
  oidc_role_claim: {
    about: "The claim that says what somebody may do here, such as groups or realm_access.roles; unset: we decide",
    group: "oidc",
    type: syntax.plain,
    example: "groups",
  },
  oidc_roles: {
    about:
      "Which values of that claim mean which role (gateway_admin or gateway_user), as value=>role, separated by commas; the first that fits holds, at every sign-in",
    group: "oidc",
    type: syntax.plain,
    example: "llm-admins=>gateway_admin, staff=>gateway_user",
  },
  oidc_scopes: {
    about: "What the provider is asked for",
    group: "oidc",
    type: syntax.scopes,
    fallback: "openid email profile",
  },
  oidc_trust_email: {
    about:
      "Whose addresses count: verified (only where the provider says email_verified) or issuer (also where it says nothing of that; for one that gives its people their addresses itself, with oidc_domains)",
    group: "oidc",
    type: syntax.defineChoice(["verified", "issuer"]),
    fallback: "verified",
  },
  oidc_users: {
    about: "Who gets in: known (users that are here already) or create (whoever signs in becomes a user)",
    group: "oidc",
    type: syntax.defineChoice(["known", "create"]),
    fallback: "known",
  },
} as const satisfies Record<string, Key>;
