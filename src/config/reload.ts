// What has changed between two configurations, and what of it needs a restart. Knows no file.

import { isDeepStrictEqual } from "node:util";
import { findNearest } from "../lib/nearest.ts";
import type { KeyName } from "./key.ts";
import { KEY_NAMES, describeKey, isKeyName } from "./key.ts";
import type { Config } from "./value.ts";

export interface Difference {
  /** Names of what changed and takes effect at once: keys, `routes`, `aliases`, `provider.<name>`. */
  changes: string[];
  /** Names of what takes effect at the next start only. */
  needRestart: string[];
}

/** Everything of a Config but providers and rules, by the key that says it. */
const PARTS = {
  admin_email: (config) => config.adminEmail,
  allow_private_providers: (config) => config.allowsPrivateProviders,
  bad_key_limit: (config) => config.entry.badKeysPerMinute,
  breaker_alone: (config) => config.health.whenAlone,
  breaker_error_percent: (config) => config.health.errorPercent,
  breaker_failures: (config) => config.health.failures,
  breaker_min_calls: (config) => config.health.minCalls,
  breaker_open: (config) => config.health.openMs,
  breaker_open_max: (config) => config.health.openMaxMs,
  breaker_slow: (config) => config.health.slowMs,
  breaker_slow_percent: (config) => config.health.slowPercent,
  breaker_trials: (config) => config.health.trials,
  breaker_window: (config) => config.health.windowMs,
  budget_alerts: (config) => config.budgets.alerts,
  budget_default_output_tokens: (config) => config.budgets.defaultOutputTokens,
  budget_when_unreachable: (config) => config.budgets.whenUnreachable,
  cache: (config) => config.cache.store,
  cache_max_bytes: (config) => config.cache.maxBytes,
  cache_max_entry: (config) => config.cache.maxEntryBytes,
  cache_path: (config) => config.cache.path,
  cache_scope: (config) => config.cache.scope,
  cache_ttl: (config) => config.cache.ttlMs,
  capture: (config) => config.ledger.capture,
  db_conn_max_idle_time: (config) => config.database.maxIdleMs,
  db_conn_max_lifetime: (config) => config.database.maxLifetimeMs,
  db_max_open_conns: (config) => config.database.maxConnections,
  environment: (config) => config.environment,
  hedge_after: (config) => config.travel.hedgeAfterMs,
  home: (config) => config.home,
  http_address: (config) => [config.http.hostname, config.http.port],
  idempotency: (config) => config.idempotency.isOn,
  idempotency_max_bytes: (config) => config.idempotency.maxBytes,
  idempotency_window: (config) => config.idempotency.windowMs,
  identity_path: (config) => config.identityPath,
  keep_alive: (config) => config.timeouts.keepAliveMs,
  key_park_max: (config) => config.health.parkMaxMs,
  key_park_quota: (config) => config.health.parkQuotaMs,
  key_park_revoked: (config) => config.health.parkRevokedMs,
  ledger_anchor: (config) => config.ledger.anchors,
  ledger_anchor_interval: (config) => config.ledger.anchorIntervalMs,
  ledger_durability: (config) => config.durability,
  ledger_key_file: (config) => config.ledger.keyFile,
  ledger_outbox: (config) => config.outboxPath,
  ledger_outbox_full: (config) => config.outbox.whenFull,
  ledger_outbox_max_bytes: (config) => config.outbox.maxBytes,
  ledger_path: (config) => config.ledgerPath,
  ledger_sign_interval: (config) => config.ledger.signIntervalMs,
  log_file_cli: (config) => config.log.fileCli,
  log_file_daemon: (config) => config.log.fileDaemon,
  log_level: (config) => config.log.level,
  market_price_file: (config) => config.prices.marketFile,
  max_attempts: (config) => config.travel.maxAttempts,
  max_body_bytes: (config) => config.http.maxBodyBytes,
  max_concurrent: (config) => config.caps.total,
  max_concurrent_per_key: (config) => config.caps.perKey,
  max_concurrent_per_provider: (config) => config.caps.perProvider,
  max_concurrent_per_user: (config) => config.caps.perUser,
  max_response_bytes: (config) => config.caps.responseBytes,
  metrics_public: (config) => config.metrics.isPublic,
  models_refresh: (config) => config.modelsRefreshMs,
  oidc_client_id: (config) => config.oidc?.clientId,
  oidc_client_secret: (config) => config.oidc?.clientSecret,
  oidc_default_role: (config) => config.oidc?.defaultRole,
  oidc_domains: (config) => config.oidc?.domains,
  oidc_issuer: (config) => config.oidc?.issuer,
  oidc_name: (config) => config.oidc?.name,
  oidc_role_claim: (config) => config.oidc?.roleClaim,
  oidc_roles: (config) => config.oidc?.roles,
  oidc_scopes: (config) => config.oidc?.scopes,
  oidc_trust_email: (config) => config.oidc?.trustsIssuer,
  oidc_users: (config) => config.oidc?.createsUsers,
  on_unknown_price: (config) => config.prices.onUnknown,
  price_file: (config) => config.prices.file,
  price_file_public_key: (config) => config.prices.publicKey,
  price_refresh: (config) => config.prices.refreshMs,
  probe: (config) => config.health.probe,
  probe_calls_per_day: (config) => config.health.probeCallsPerDay,
  probe_interval: (config) => config.health.probeIntervalMs,
  public_url: (config) => config.signIn.publicUrl,
  queue_length: (config) => config.caps.queueLength,
  queue_timeout: (config) => config.caps.queueMs,
  recount: (config) => config.recount.isOn,
  recount_count_endpoint: (config) => config.recount.asksProviders,
  recount_queue_bytes: (config) => config.recount.maxBytes,
  recount_queue_rows: (config) => config.recount.maxRows,
  recount_tolerance_percent: (config) => config.recount.tolerancePercent,
  redis_url: (config) => config.redisUrl,
  responses_keep_days: (config) => config.answers.keepMs,
  responses_max_bytes: (config) => config.answers.bytes,
  responses_max_bytes_per_user: (config) => config.answers.bytesPerUser,
  responses_max_per_user: (config) => config.answers.countPerUser,
  retention_captured: (config) => config.ledger.retention.capturedMs,
  retention_payload_hashes: (config) => config.ledger.retention.payloadHashesMs,
  retention_rows: (config) => config.ledger.retention.rowsMs,
  retry_backoff: (config) => config.travel.backoff.baseMs,
  retry_backoff_max: (config) => config.travel.backoff.capMs,
  retry_window: (config) => config.travel.totalMs,
  root_loopback_login: (config) => config.signIn.isLocalRootFree,
  secret_key: (config) => config.secretKeys,
  shutdown_timeout: (config) => config.timeouts.shutdownMs,
  smtp_from: (config) => config.smtp?.from,
  smtp_host: (config) => config.smtp?.host,
  smtp_password: (config) => config.smtp?.password,
  smtp_port: (config) => config.smtp?.port,
  smtp_secure: (config) => config.smtp?.security,
  smtp_username: (config) => config.smtp?.username,
  tls_cert: (config) => [config.http.tlsCert, config.http.tlsCertHash],
  tls_key: (config) => config.http.tlsKey,
  trusted_proxies: (config) => config.entry.trustedProxies,
  upstream_connect_timeout: (config) => config.timeouts.upstream.connect,
  upstream_first_output_timeout: (config) => config.timeouts.upstream.firstOutput,
  upstream_header_timeout: (config) => config.timeouts.upstream.header,
  upstream_idle_timeout: (config) => config.timeouts.upstream.idle,
  upstream_total_timeout: (config) => config.timeouts.upstream.total,
  work_mode: (config) => config.workMode,
  workers: (config) => config.workers,
} as const satisfies Partial<Record<KeyName, (config: Config) => unknown>>;

/** These say where secrets are sent, whom the gateway believes, or how far administrators reach: only whoever holds the machine may. */
const MACHINE_ONLY: ReadonlySet<string> = new Set([
  "allow_private_providers",
  "environment",
  "oidc_client_id",
  "oidc_issuer",
  "public_url",
  "root_loopback_login",
  "smtp_host",
  "smtp_port",
  "smtp_secure",
  "smtp_username",
  "trusted_proxies",
]);

/** Why a setting cannot be changed while the gateway runs, or null where it can. */
export function findSettingObstacle(name: string): string | null {
  if (!isKeyName(name)) {
    const [near] = findNearest(name, KEY_NAMES, 1);
    return near === undefined ? "there is no such setting" : `there is no such setting — did you mean "${near}"?`;
  }
  const { restart, secret, fileForm, path } = describeKey(name);
  if (restart === true) return "it takes effect at the next start only: say it in the file or the environment";
  const isOfMachine = secret === true || fileForm === true || path !== undefined || MACHINE_ONLY.has(name);
  if (isOfMachine) return "it concerns secrets, files or the machine itself: say it in the file or the environment";
  return Object.hasOwn(PARTS, name) ? null : "it has a resource of its own, such as providers or routes";
}

/** Whether a change of it waits for the next start. */
export function needsRestart(name: string): boolean {
  return isKeyName(name) && describeKey(name).restart === true;
}

export function diffReload(before: Config, after: Config): Difference {
  const difference: Difference = { changes: [], needRestart: [] };
  for (const [name, read] of Object.entries(PARTS)) {
    if (isDeepStrictEqual(read(before), read(after))) continue;
    const restart = isKeyName(name) && describeKey(name).restart === true;
    (restart ? difference.needRestart : difference.changes).push(name);
  }
  difference.changes.push(...diffProviders(before, after));
  if (!isDeepStrictEqual(before.prices.overrides, after.prices.overrides)) difference.changes.push("prices");
  if (!isDeepStrictEqual(before.budgets.declared, after.budgets.declared)) difference.changes.push("budgets");
  if (!isDeepStrictEqual(before.limits, after.limits)) difference.changes.push("limits");
  if (!isDeepStrictEqual(before.recount.tokenizers, after.recount.tokenizers))
    difference.needRestart.push("tokenizers");
  if (!isDeepStrictEqual(before.routes, after.routes)) difference.changes.push("routes");
  if (!isDeepStrictEqual(before.aliases, after.aliases)) difference.changes.push("aliases");
  return difference;
}

/** Added, removed or changed. */
function diffProviders(before: Config, after: Config): string[] {
  const names = new Set([...before.providers, ...after.providers].map((provider) => provider.name));
  const find = (config: Config, name: string) => config.providers.find((provider) => provider.name === name);
  return [...names]
    .filter((name) => !isDeepStrictEqual(find(before, name), find(after, name)))
    .map((name) => `provider.${name}`);
}
