// What has changed, and what of it can take effect at once.

import { expect, test } from "bun:test";
import { diffReload } from "../../src/config/index.ts";
import { KEY_NAMES, describeKey } from "../../src/config/key.ts";
import { load } from "./scene.ts";
import { CERTIFICATE, PRIVATE_KEY } from "./tls.ts";

const change = async (env: Record<string, string>) => diffReload((await load({})).config, (await load({ env })).config);

test("nothing has changed", async () => {
  expect(await change({})).toEqual({ changes: [], needRestart: [] });
});

/** A value unlike the default, for every key. Keys of the built-in providers and of rules show under another name. */
const OTHER: Record<string, [value: string, shownAs?: string]> = {
  admin_email: ["a@b"],
  allow_private_providers: ["yes"],
  anthropic_api_key: ["k", "provider.anthropic"],
  anthropic_base_url: ["http://a", "provider.anthropic"],
  anthropic_beta_header: ["x", "provider.anthropic"],
  anthropic_max_tokens: ["5", "provider.anthropic"],
  anthropic_version: ["x", "provider.anthropic"],
  bad_key_limit: ["7"],
  breaker_alone: ["refuse"],
  breaker_error_percent: ["0"],
  breaker_failures: ["7"],
  breaker_min_calls: ["7"],
  breaker_open: ["7s"],
  breaker_open_max: ["7m"],
  breaker_slow: ["7s"],
  breaker_slow_percent: ["7"],
  breaker_trials: ["7"],
  breaker_window: ["7s"],
  budget_alerts: ["/x"],
  budget_default_output_tokens: ["1"],
  budget_when_unreachable: ["refuse"],
  cache: ["memory"],
  cache_max_bytes: ["1MiB"],
  cache_max_entry: ["1KiB"],
  cache_path: ["/c"],
  cache_scope: ["user"],
  cache_ttl: ["1s"],
  capture: ["on"],
  db_conn_max_idle_time: ["1s"],
  db_conn_max_lifetime: ["1s"],
  db_max_open_conns: ["3"],
  environment: ["live"],
  facade_port: ["1", "http_address"],
  hedge_after: ["1s"],
  home: ["/h"],
  http_address: ["127.0.0.1:8081"],
  idempotency: ["off"],
  idempotency_max_bytes: ["1MiB"],
  idempotency_window: ["1s"],
  identity_path: ["/i"],
  keep_alive: ["1s"],
  key_park_max: ["7h"],
  key_park_quota: ["7m"],
  key_park_revoked: ["7m"],
  ledger_anchor: ["/x"],
  ledger_anchor_interval: ["5m"],
  ledger_durability: ["disk"],
  ledger_key_file: ["/k"],
  ledger_outbox: ["/o"],
  ledger_outbox_full: ["grow"],
  ledger_outbox_max_bytes: ["64MiB"],
  ledger_path: ["/l"],
  ledger_sign_interval: ["5s"],
  log_file: ["/x", "log_file_cli"],
  log_file_cli: ["/x"],
  log_file_daemon: ["/x"],
  log_level: ["error"],
  max_attempts: ["1"],
  market_price_file: ["/m"],
  max_body_bytes: ["1"],
  max_concurrent: ["1"],
  max_concurrent_per_key: ["1"],
  max_concurrent_per_provider: ["1"],
  max_concurrent_per_user: ["1"],
  max_response_bytes: ["1"],
  metrics_public: ["true"],
  model_aliases: ["a=b", "aliases"],
  model_provider_routes: ["a=openai", "routes"],
  models_refresh: ["1s"],
  on_unknown_price: ["refuse"],
  openai_api_key: ["k", "provider.openai"],
  openai_base_url: ["http://a", "provider.openai"],
  openai_org: ["x", "provider.openai"],
  openai_project: ["x", "provider.openai"],
  price_file: ["/p"],
  price_file_public_key: ["k"],
  price_refresh: ["1s"],
  public_url: ["https://gate.example.com"],
  probe: ["models"],
  probe_calls_per_day: ["7"],
  probe_interval: ["7s"],
  queue_length: ["1"],
  queue_timeout: ["1s"],
  recount: ["off"],
  recount_count_endpoint: ["on"],
  recount_queue_bytes: ["1MiB"],
  recount_queue_rows: ["10"],
  recount_tolerance_percent: ["10"],
  redis_url: ["redis://r"],
  responses_keep_days: ["7"],
  responses_max_bytes: ["1GiB"],
  responses_max_bytes_per_user: ["1MiB"],
  responses_max_per_user: ["5"],
  retention_captured: ["30d"],
  retention_payload_hashes: ["52w"],
  retention_rows: ["400d"],
  root_loopback_login: ["no"],
  routes: ["a=openai"],
  retry_backoff: ["1s"],
  retry_backoff_max: ["1s"],
  retry_window: ["1s"],
  secret_key: ["ab".repeat(32)],
  shutdown_timeout: ["1s"],
  trusted_proxies: ["10.0.0.0/8"],
  upstream_connect_timeout: ["1s"],
  upstream_first_output_timeout: ["1s"],
  upstream_header_timeout: ["1s"],
  upstream_idle_timeout: ["1s"],
  upstream_total_timeout: ["1s"],
  work_mode: ["passthrough"],
  workers: ["auto"],
};

test.each(Object.entries(OTHER))("%s", async (name, [value, shownAs = name]) => {
  const { changes, needRestart } = await change({ [`TOKLIGENCE_${name.toUpperCase()}`]: value });
  const key = KEY_NAMES.find((known) => known === name);
  if (key === undefined) throw new Error(`${name} is no key`);
  const restart = describeKey(key).restart === true;
  expect(restart ? needRestart : changes).toContain(shownAs);
  expect(restart ? changes : needRestart).toEqual([]);
});

test("every key but those that name files or need each other is tried above", () => {
  const missing = KEY_NAMES.filter((name) => ![OTHER, MAIL, OIDC].some((tried) => Object.hasOwn(tried, name)));
  expect(missing).toEqual(["model_aliases_dir", "model_aliases_file", "tls_cert", "tls_key"]);
});

const MAIL = {
  smtp_from: "b@c.de",
  smtp_host: "::1",
  smtp_password: "other",
  smtp_port: "25",
  smtp_secure: "tls",
  smtp_username: "bob",
} as const;

test.each(Object.entries(MAIL))("%s, where there is a mail server", async (name, value) => {
  const env = {
    TOKLIGENCE_SMTP_FROM: "a@b.de",
    TOKLIGENCE_SMTP_HOST: "mail.example.com",
    TOKLIGENCE_SMTP_PASSWORD: "word",
    TOKLIGENCE_SMTP_USERNAME: "ada",
  };
  const before = (await load({ env })).config;
  const after = (await load({ env: { ...env, [`TOKLIGENCE_${name.toUpperCase()}`]: value } })).config;
  expect(diffReload(before, after)).toEqual({ changes: [], needRestart: [name] });
});

const OIDC = {
  oidc_client_id: "other",
  oidc_client_secret: "other",
  oidc_default_role: "none",
  oidc_domains: "*",
  oidc_issuer: "https://other.example.com",
  oidc_name: "Other",
  oidc_role_claim: "realm_access.roles",
  oidc_roles: "staff=>gateway_user",
  oidc_scopes: "email",
  oidc_trust_email: "issuer",
  oidc_users: "create",
} as const;

test.each(Object.entries(OIDC))("%s, where there is an identity provider", async (name, value) => {
  const env = {
    TOKLIGENCE_OIDC_CLIENT_ID: "gate",
    TOKLIGENCE_OIDC_CLIENT_SECRET: "word",
    TOKLIGENCE_OIDC_DOMAINS: "example.com",
    TOKLIGENCE_OIDC_ISSUER: "https://login.example.com",
    TOKLIGENCE_OIDC_ROLE_CLAIM: "groups",
    TOKLIGENCE_OIDC_ROLES: "staff=>gateway_admin",
  };
  const before = (await load({ env })).config;
  const after = (await load({ env: { ...env, [`TOKLIGENCE_${name.toUpperCase()}`]: value } })).config;
  expect(diffReload(before, after)).toEqual({ changes: [name], needRestart: [] });
});

test("TLS files need a restart, files of aliases do not", async () => {
  const files = { "/c": CERTIFICATE, "/k": PRIVATE_KEY, "/a": "a=b" };
  const before = (await load({ files })).config;
  const env = { TOKLIGENCE_TLS_CERT: "/c", TOKLIGENCE_TLS_KEY: "/k", TOKLIGENCE_MODEL_ALIASES_FILE: "/a" };
  expect(diffReload(before, (await load({ files, env })).config)).toEqual({
    changes: ["aliases"],
    needRestart: ["tls_cert", "tls_key"],
  });
});

test("a renewed certificate needs a restart, and is noticed", async () => {
  const env = { TOKLIGENCE_TLS_CERT: "/c", TOKLIGENCE_TLS_KEY: "/k" };
  const of = (certificate: string) => load({ files: { "/c": certificate, "/k": PRIVATE_KEY }, env });
  const before = await of(CERTIFICATE);
  expect(before.watched).toEqual(expect.arrayContaining(["/c", "/k"]));
  expect(diffReload(before.config, (await of(CERTIFICATE)).config)).toEqual({ changes: [], needRestart: [] });
  const renewed = await of(`${CERTIFICATE}\n${CERTIFICATE}`);
  expect(diffReload(before.config, renewed.config)).toEqual({ changes: [], needRestart: ["tls_cert"] });
});

test("a provider that comes, goes or changes is named", async () => {
  const ini = async (text: string) => (await load({ files: { "config/setting.ini": text } })).config;
  const before = await ini("[provider.a]\nbase_url=http://a\n[provider.b]\nbase_url=http://b\napi_key=1");
  const after = await ini("[provider.b]\nbase_url=http://b\napi_key=2\n[provider.c]\nbase_url=http://c");
  expect(diffReload(before, after)).toEqual({ changes: ["provider.a", "provider.b", "provider.c"], needRestart: [] });
});
