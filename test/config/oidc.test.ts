// The identity provider, as the configuration says it: in a section or not, whole or not at all, and its secret never shown.

import { expect, test } from "bun:test";
import { findShown, load, loadProblems } from "./scene.ts";

const INI = `
[oidc]
issuer = https://login.example.com/realms/staff
client_id = gate
client_secret = canary-secret
oidc_domains = Example.com, @bücher.example
`;
const ini = (text: string) => ({ files: { "config/setting.ini": text } });

test("stands in a section, with or without its name before each key", async () => {
  const loaded = await load(ini(INI));
  expect(loaded.config.oidc).toEqual({
    issuer: "https://login.example.com/realms/staff",
    clientId: "gate",
    clientSecret: "canary-secret",
    name: "single sign-on",
    scopes: "openid email profile",
    domains: ["example.com", "xn--bcher-kva.example"],
    trustsIssuer: false,
    createsUsers: false,
    roleClaim: null,
    roles: [],
    defaultRole: "gateway_user",
  });
  expect(loaded.config.secrets).toContain("canary-secret");
  expect(findShown(loaded, "oidc_client_secret")).not.toContain("canary");
});

test("says roles in the order in which they are looked for", async () => {
  const more =
    "role_claim = groups\nroles = CN=Admins;OU=X => gateway_admin, staff=>gateway_user\nusers = create\ndomains = *\n";
  const { config } = await load(ini(INI.replace(/oidc_domains.*\n/u, "") + more));
  expect(config.oidc).toMatchObject({
    domains: null,
    createsUsers: true,
    roleClaim: "groups",
    roles: [
      { value: "CN=Admins;OU=X", role: "gateway_admin" },
      { value: "staff", role: "gateway_user" },
    ],
  });
});

test("gives out its people's addresses itself, where the operator says so", async () => {
  const { config } = await load(ini(`${INI}trust_email = issuer\n`));
  expect(config.oidc).toMatchObject({ trustsIssuer: true, domains: ["example.com", "xn--bcher-kva.example"] });
});

test("is nobody where nothing is said", async () => {
  expect((await load({})).config.oidc).toBeNull();
});

test.each<[string, string, string]>([
  ["client_id = gate", "oidc_client_id", "it means nothing without oidc_issuer"],
  ["issuer = https://a.example.com\nclient_id = gate", "oidc_issuer", "oidc_domains is needed too"],
  ["issuer = https://a.example.com\ndomains = a.com", "oidc_issuer", "oidc_client_id is needed too"],
  ["issuer = http://a.example.com\nclient_id = gate\ndomains = *", "oidc_issuer", "asked by https:// alone"],
  ["issuer = a.example.com", "oidc_issuer", "no https:// URL"],
  ["issuer = https://a.example.com?x=1", "oidc_issuer", "no credentials, query or fragment"],
  [`${INI.replace(/oidc_domains.*/u, "domains = *")}trust_email = issuer`, "oidc_trust_email", "not *"],
  [
    `${INI.replace("realms/staff", "organizations/v2.0")}trust_email = issuer`,
    "oidc_trust_email",
    "speaks for many organisations",
  ],
  [`${INI}trust_email = all`, "oidc_trust_email", "is not one of verified, issuer"],
  [`${INI}roles = a=>gateway_user`, "oidc_roles", "oidc_role_claim is needed too"],
  [`${INI}role_claim = groups`, "oidc_role_claim", "oidc_roles is needed too"],
  [`${INI}role_claim = groups\nroles = a=>root_admin`, "oidc_roles", "no claim makes a root_admin"],
  [`${INI}role_claim = groups\nroles = a=>king`, "oidc_roles", '"king" is no role'],
  [`${INI}role_claim = groups\nroles = a`, "oidc_roles", '"" is no role'],
  [`${INI}domains = a b`, "oidc_domains", "is no domain"],
])("%s is refused", async (text, key, message) => {
  const { problems } = await loadProblems(ini(text.includes("[oidc]") ? text : `[oidc]\n${text}`));
  expect(problems).toContainEqual(expect.objectContaining({ key, message: expect.stringContaining(message) as never }));
});

test("a key that no section knows is named as what it would be", async () => {
  const { text } = await loadProblems(ini("[oidc]\nisuer = https://a.example.com"));
  expect(text).toContain('unknown key "oidc_isuer" — did you mean "oidc_issuer"?');
});
