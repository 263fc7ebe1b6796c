// The identity provider at which people may sign in, from its settings. Asks nobody whether it is there.

import type { KeyName, Values } from "./key.ts";
import { describeBadValue, quote } from "./problem.ts";
import type { Reading } from "./read.ts";
import type { Config } from "./value.ts";

type Oidc = NonNullable<Config["oidc"]>;

/** What nothing can be done without. */
const NEEDED = ["oidc_client_id", "oidc_domains"] as const satisfies readonly KeyName[];
/** What means nothing without the issuer. */
const DEPENDENT = ["oidc_client_id", "oidc_client_secret", "oidc_domains", "oidc_role_claim", "oidc_roles"] as const;

/** How such providers call the issuer that stands for all of their customers. */
const SHARED_ISSUER = /\/(?:common|consumers|organizations|\{tenantid\})(?:\/|$)/iu;

export function readOidc(reading: Reading, values: Values): Oidc | null {
  const refuse = (name: KeyName, message: string): null => {
    const origin = reading.gathered.settings.get(name)?.origin;
    if (origin !== undefined) reading.gathered.problems.push(describeBadValue(origin, name, message));
    return null;
  };
  const { oidc_issuer: issuer, oidc_client_id: clientId, oidc_role_claim: roleClaim } = values;
  if (issuer === null) {
    const stray = DEPENDENT.find((name) => values[name] !== null);
    return stray === undefined ? null : refuse(stray, "it means nothing without oidc_issuer");
  }
  const missing = NEEDED.find((name) => values[name] === null);
  if (missing !== undefined || clientId === null) {
    const why =
      missing === "oidc_domains"
        ? "oidc_domains is needed too: the domains whose addresses may sign in, or * for every address that the provider has verified"
        : "oidc_client_id is needed too";
    return refuse("oidc_issuer", why);
  }
  const trustsIssuer = values.oidc_trust_email === "issuer";
  if (trustsIssuer && values.oidc_domains === "*") {
    return refuse(
      "oidc_trust_email",
      "oidc_domains must name the domains whose addresses the issuer gives out itself, not *",
    );
  }
  if (trustsIssuer && SHARED_ISSUER.test(issuer)) {
    return refuse(
      "oidc_trust_email",
      "this issuer speaks for many organisations, of which any could say your addresses: name the one that is yours in oidc_issuer",
    );
  }
  if (values.oidc_roles !== null && roleClaim === null) return refuse("oidc_roles", "oidc_role_claim is needed too");
  if (roleClaim !== null && values.oidc_roles === null) return refuse("oidc_role_claim", "oidc_roles is needed too");
  const { roles, wrong } = readRoles(values.oidc_roles ?? "");
  if (wrong !== null) return refuse("oidc_roles", wrong);
  return {
    issuer,
    clientId,
    clientSecret: values.oidc_client_secret,
    name: values.oidc_name,
    scopes: values.oidc_scopes,
    domains: values.oidc_domains === "*" ? null : (values.oidc_domains?.split(",") ?? []),
    trustsIssuer,
    createsUsers: values.oidc_users === "create",
    roleClaim,
    roles,
    defaultRole: values.oidc_default_role === "none" ? null : values.oidc_default_role,
  };
}

/** `value=>role` pairs; values may hold anything but commas and arrows. */
function readRoles(text: string): { roles: Oidc["roles"]; wrong: string | null } {
  const roles: { value: string; role: "gateway_admin" | "gateway_user" }[] = [];
  for (const pair of text.split(",").filter((each) => each.trim() !== "")) {
    const [value = "", role = "", ...rest] = pair.split("=>").map((part) => part.trim());
    if (value === "" || rest.length > 0)
      return { roles: [], wrong: `${quote(pair.trim())} is no pair: write it like value=>gateway_admin` };
    if (role === "root_admin") {
      return { roles: [], wrong: "no claim makes a root_admin: make one here, and connect the account at the page" };
    }
    if (role !== "gateway_admin" && role !== "gateway_user") {
      return { roles: [], wrong: `${quote(role)} is no role: use gateway_admin or gateway_user` };
    }
    roles.push({ value, role });
  }
  return { roles, wrong: null };
}
