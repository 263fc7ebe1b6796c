// Reads the whole configuration: lets the layers overrule one another, and makes one frozen value or one list of problems.

import { isAbsolute, relative } from "node:path";
import type { AliasRule, RouteRule } from "../gateway/rule.ts";
import { findHomedir } from "../lib/home.ts";
import { printSealKey, readSealKeys } from "../lib/seal.ts";
import { adjust } from "./adjust.ts";
import { readDeclaredBudgets } from "./budget.ts";
import { DEFAULT_ALIASES, DEFAULT_ROUTES } from "./default.ts";
import { readCache } from "./cache.ts";
import type { Disk } from "./disk.ts";
import { realDisk } from "./disk.ts";
import { isDsn } from "./dsn.ts";
import { FIRST, deriveFallback } from "./fallback.ts";
import { gatherFiles } from "./files.ts";
import type { Environment, Flags } from "./gather-env.ts";
import { gatherEnvironment, gatherFlags, gatherRuntime } from "./gather-env.ts";
import { createGathered } from "./gathered.ts";
import type { KeyName, Values } from "./key.ts";
import { KEY_NAMES, describeKey } from "./key.ts";
import { listHiddenRoutes } from "./hidden.ts";
import { readDeclaredLimits } from "./limit.ts";
import type { Problem } from "./problem.ts";
import { ConfigError, describeBadValue, printOrigin } from "./problem.ts";
import { readOidc } from "./oidc.ts";
import { readHealth } from "./health.ts";
import { readPrices } from "./price.ts";
import { refuseStrayLabels } from "./provider-pool.ts";
import { listProviderNames, readProviders } from "./provider.ts";
import type { EffectiveValue, Reading } from "./read.ts";
import { keepSecret, readSetting } from "./read.ts";
import { readAliases, readRoutes } from "./routing.ts";
import { printTarget } from "./target.ts";
import { checkTls } from "./tls.ts";
import { readRecount } from "./tokenizer.ts";
import { adoptUsual } from "./usual.ts";
import { readSmtp } from "./smtp.ts";
import type { Config } from "./value.ts";
import { readCaps, readTimeouts, readTravel } from "./way.ts";

export interface LoadOptions {
  /** Where relative paths start, and where the folder `config` is looked for. */
  cwd: string;
  env: Environment;
  flags?: Flags;
  /** What was set while the gateway runs, by key: above files, below the environment. */
  runtime?: Readonly<Record<string, string>>;
  /** Null where there is none; unless given, the user's. */
  homedir?: string | null;
  disk?: Disk;
}

export interface Loaded {
  config: Config;
  /** In the order of `config show`: settings by name, providers, routes, aliases. */
  effective: readonly EffectiveValue[];
  warnings: readonly string[];
  /** The INI files that were read, as absolute paths. */
  files: readonly string[];
  /** All that was read or looked for, absolute: these may change what is loaded. */
  watched: readonly string[];
}

/** Rejects with a ConfigError that holds every problem at once. */
export async function loadConfig(options: LoadOptions): Promise<Loaded> {
  const { cwd, env, flags = {} } = options;
  const gathered = createGathered();
  const reading: Reading = {
    gathered,
    disk: options.disk ?? realDisk,
    cwd,
    homedir: options.homedir === undefined ? findHomedir() : options.homedir,
    nameFile: (path) => nameFile(cwd, path),
    files: new Set(),
    effective: [],
    secrets: new Set(),
  };
  const files = gatherFiles(reading, env, flags);
  gatherEnvironment(gathered, env);
  gatherFlags(gathered, flags);
  gatherRuntime(gathered, options.runtime ?? {});
  adjust(gathered);
  adoptUsual(reading, env);
  const config = readConfig(reading);
  const watched = [...reading.files];
  if (gathered.problems.length > 0) throw new ConfigError(sortProblems(gathered.problems), watched);
  return freeze({ config, effective: reading.effective, warnings: gathered.warnings, files, watched });
}

/** By place, so that a file can be mended from top to bottom; files in the order in which they were read. */
function sortProblems(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))];
  return problems.toSorted(
    (left, right) => files.indexOf(left.file) - files.indexOf(right.file) || (left.line ?? 0) - (right.line ?? 0),
  );
}

function readLedger(values: Values): Config["ledger"] {
  return {
    anchors: values.ledger_anchor ?? [],
    anchorIntervalMs: values.ledger_anchor_interval,
    capture: values.capture,
    keyFile: values.ledger_key_file,
    retention: {
      capturedMs: values.retention_captured,
      payloadHashesMs: values.retention_payload_hashes,
      rowsMs: values.retention_rows,
    },
    signIntervalMs: values.ledger_sign_interval,
  };
}

function readConfig(reading: Reading): Config {
  const values = readValues(reading);
  const providers = readProviders(reading, values);
  const routes = readRoutes(reading, values, listProviderNames(reading));
  refuseStrayLabels(reading, routes, providers);
  const aliases = readAliases(reading, values);
  reading.gathered.warnings.push(...listHiddenRoutes(routes, [...aliases, ...DEFAULT_ALIASES]));
  warnOfHiddenLedger(reading, values);
  const smtp = readSmtp(reading, values);
  watchPriceFiles(reading, values);
  const overrides = readPrices(reading, providers);
  showRules(reading, { routes, aliases });
  return {
    environment: values.environment,
    home: values.home,
    http: {
      ...values.http_address,
      tlsCert: values.tls_cert,
      tlsKey: values.tls_key,
      tlsCertHash: checkTls(reading, values),
      maxBodyBytes: values.max_body_bytes,
    },
    adminEmail: values.admin_email,
    ...readSignIn(reading, values),
    identityPath: values.identity_path,
    ledgerPath: values.ledger_path,
    ledger: readLedger(values),
    metrics: { isPublic: values.metrics_public },
    budgets: readBudgets(reading, values),
    limits: readDeclaredLimits(reading),
    smtp,
    ...readBooks(values),
    database: {
      maxConnections: chooseConnections(reading, values),
      maxIdleMs: values.db_conn_max_idle_time,
      maxLifetimeMs: values.db_conn_max_lifetime,
    },
    log: {
      level: values.log_level,
      fileDaemon: chooseLogFile(values.log_file_daemon, values.log_file),
      fileCli: chooseLogFile(values.log_file_cli, values.log_file),
    },
    answers: readAnswers(values),
    ...readCache(reading, values),
    travel: readTravel(values),
    health: readHealth(values),
    timeouts: readTimeouts(values),
    caps: readCaps(values),
    prices: {
      overrides,
      file: values.price_file,
      publicKey: values.price_file_public_key,
      marketFile: values.market_price_file,
      refreshMs: values.price_refresh,
      onUnknown: values.on_unknown_price,
    },
    modelsRefreshMs: values.models_refresh,
    recount: readRecount(reading, values),
    workMode: chooseWorkMode(reading, values),
    workers: values.workers,
    ...readRunTime(reading, values),
    providers,
    routes,
    defaultRoutes: DEFAULT_ROUTES,
    aliases,
    defaultAliases: DEFAULT_ALIASES,
    secrets: [...reading.secrets],
  };
}

function readSignIn(reading: Reading, values: Values): Pick<Config, "entry" | "oidc" | "signIn"> {
  return {
    entry: { trustedProxies: values.trusted_proxies ?? [], badKeysPerMinute: values.bad_key_limit },
    signIn: { publicUrl: values.public_url, isLocalRootFree: values.root_loopback_login },
    oidc: readOidc(reading, values),
  };
}

function readBooks(values: Values): Pick<Config, "durability" | "outbox" | "outboxPath"> {
  return {
    outboxPath: values.ledger_outbox,
    outbox: { maxBytes: values.ledger_outbox_max_bytes, whenFull: values.ledger_outbox_full },
    durability: values.ledger_durability,
  };
}

function readBudgets(reading: Reading, values: Values): Config["budgets"] {
  return {
    alerts: values.budget_alerts,
    declared: readDeclaredBudgets(reading),
    defaultOutputTokens: values.budget_default_output_tokens,
    whenUnreachable: values.budget_when_unreachable,
  };
}

function readAnswers(values: Values): Config["answers"] {
  return {
    keepMs: values.responses_keep_days * DAY_MS,
    countPerUser: values.responses_max_per_user,
    bytesPerUser: values.responses_max_bytes_per_user,
    bytes: values.responses_max_bytes,
  };
}

/** Each key by itself must not turn up in a log. */
function readRunTime(reading: Reading, values: Values): Pick<Config, "allowsPrivateProviders" | "secretKeys"> {
  const { allow_private_providers: allowsPrivateProviders, secret_key: text } = values;
  const secretKeys = readSealKeys(text ?? "")?.map(printSealKey) ?? [];
  for (const key of [...secretKeys, ...(text ?? "").split(/[\s,]+/u)]) keepSecret(reading, key);
  return { allowsPrivateProviders, secretKeys };
}

const DAY_MS = 86_400_000;

function readValues(reading: Reading): Values {
  const values: Partial<Record<KeyName, unknown>> = {};
  for (const name of [...FIRST, ...KEY_NAMES.filter((key) => !FIRST.includes(key))]) {
    const key = { ...describeKey(name), ...deriveFallback(name, values) };
    values[name] = readSetting(reading, { name, key, setting: reading.gathered.settings.get(name) });
  }
  reading.effective.sort((left, right) => (left.key < right.key ? -1 : 1));
  // readSetting gives each key's own type, and null only where there is no default.
  return values as Values;
}

/** `-` is none; unset is what log_file says. */
function chooseLogFile(specific: string | null, base: string | null): string | null {
  const chosen = specific ?? base;
  return chosen === "-" ? null : chosen;
}

/** Old files say 0 for "without limit", which no PostgreSQL server has. */
function chooseConnections(reading: Reading, values: Values): number {
  if (values.db_max_open_conns > 0) return values.db_max_open_conns;
  const fallback = Number(describeKey("db_max_open_conns").fallback);
  warnAbout(reading, "db_max_open_conns", `0 (without limit) is not supported: ${fallback} are opened at most`);
  return fallback;
}

/** Old files name one, and their ledger moved along with the users when these did. */
function warnOfHiddenLedger(reading: Reading, values: Values): void {
  const isSaid = reading.gathered.settings.has("ledger_path");
  if (!isSaid || !isDsn(values.identity_path) || isDsn(values.ledger_path)) return;
  const remedy = "leave it out, or name a postgres:// URL to keep the ledger in another database";
  warnAbout(reading, "ledger_path", `the file is not used, as the ledger lies where identity_path says: ${remedy}`);
}

function chooseWorkMode(reading: Reading, values: Values): Config["workMode"] {
  if (values.work_mode !== "translation") return values.work_mode;
  warnAbout(reading, "work_mode", "translation means auto: nothing is translated where the formats agree already");
  return "auto";
}

function warnAbout(reading: Reading, name: KeyName, message: string): void {
  const origin = reading.gathered.settings.get(name)?.origin ?? { file: "default", line: null };
  reading.gathered.warnings.push(`${printOrigin(origin)}: ${name}: ${message}`);
}

/** A file that changes is taken in at once. Over plain HTTP anybody on the way could set prices, unless it is signed. */
function watchPriceFiles(reading: Reading, values: Values): void {
  for (const name of ["market_price_file", "price_file"] as const) {
    const file = values[name];
    if (file === null) continue;
    if (!/^https?:/iu.test(file)) reading.files.add(file);
    const origin = reading.gathered.settings.get(name)?.origin;
    const isSigned = name === "price_file" && values.price_file_public_key !== null;
    if (origin === undefined || isSigned || !/^http:/iu.test(file)) continue;
    const message =
      name === "price_file"
        ? "over http:// a price file must be signed: say price_file_public_key, or use https://"
        : "over http:// anybody on the way could set prices: use https://, or a path";
    reading.gathered.problems.push(describeBadValue(origin, name, message));
  }
}

interface Rules {
  routes: readonly RouteRule[];
  aliases: readonly AliasRule[];
}

/** Ours come after the operator's, as they are tried. */
function showRules(reading: Reading, { routes, aliases }: Rules): void {
  // What sections with a name say is shown as they say it.
  const plain = routes.filter(({ name }) => name === undefined);
  for (const { pattern, targets, origin } of [...plain, ...DEFAULT_ROUTES]) {
    const value = targets.map(printTarget).join(" | ");
    reading.effective.push({ key: `routes.${pattern}`, value, origin, secret: false });
  }
  for (const { pattern, target, origin } of [...aliases, ...DEFAULT_ALIASES]) {
    reading.effective.push({ key: `aliases.${pattern}`, value: target, origin, secret: false });
  }
}

function nameFile(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short.replaceAll("\\", "/");
}

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
