// The configuration as the rest of the program sees it: one frozen value. How it is read and checked is the business of the other files here.

import type { AliasRule, RouteRule } from "../gateway/rule.ts";
import type { DeadlineName } from "../gateway/way/deadline.ts";
import type { Smtp, Target } from "../notice/index.ts";
import type { DeclaredLimit } from "./limit.ts";
import type { DeclaredBudget, PriceOverride } from "../ledger/index.ts";
import type { HealthSettings, ProviderSettings } from "../provider/settings.ts";

export type { AliasRule, RouteRule } from "../gateway/rule.ts";
export type { ProviderSettings } from "../provider/settings.ts";

/** A `tokenizer.json` of the operator's, and patterns of the models that it is for. */
export interface TokenizerSettings {
  name: string;
  models: readonly string[];
  file: string;
}

export interface Config {
  environment: string;
  /** Folder of our own files, `~/.tokligence` unless TOKLIGENCE_HOME says otherwise. */
  home: string;
  http: {
    /** Null: all addresses. */
    hostname: string | null;
    port: number;
    tlsCert: string | null;
    tlsKey: string | null;
    /** Of the certificate's file, so that a renewed one is told from the one that is served. */
    tlsCertHash: string | null;
    maxBodyBytes: number;
  };
  adminEmail: string;
  entry: {
    /** Ranges of IP addresses. */
    trustedProxies: readonly string[];
    /** 0: no limit. */
    badKeysPerMinute: number;
  };
  signIn: {
    /** Without a trailing slash; null: not said. */
    publicUrl: string | null;
    /** Whether the only administrator needs no proof at this very machine. */
    isLocalRootFree: boolean;
  };
  /** Where people may sign in elsewhere; null: nowhere. */
  oidc: {
    issuer: string;
    clientId: string;
    /** Null: the provider wants none of us. */
    clientSecret: string | null;
    /** For people. */
    name: string;
    /** Separated by spaces. */
    scopes: string;
    /** In lower case and ASCII; null: every address that the provider has verified. */
    domains: readonly string[] | null;
    /** Whether an address counts of which the provider does not say whether it is verified. */
    trustsIssuer: boolean;
    /** Whether a stranger of these domains becomes a user. */
    createsUsers: boolean;
    /** A name, or names with dots in between. Null: roles are given here alone. */
    roleClaim: string | null;
    /** The first that fits holds. */
    roles: readonly { value: string; role: "gateway_admin" | "gateway_user" }[];
    /** Where none does; null: no admission. */
    defaultRole: "gateway_user" | null;
  } | null;
  /** An absolute file path, or a postgres:// DSN. */
  identityPath: string;
  ledgerPath: string;
  ledger: {
    /** Where signed heads go, beside our own folder. */
    anchors: readonly Target[];
    anchorIntervalMs: number;
    /** The private key that signs the books. */
    keyFile: string;
    signIntervalMs: number;
    /** Whether text of calls is kept. */
    capture: boolean;
    /** How long what is kept, in milliseconds; 0: for ever. */
    retention: { capturedMs: number; payloadHashesMs: number; rowsMs: number };
  };
  /** Whether anyone may read the metrics. */
  metrics: { isPublic: boolean };
  budgets: {
    /** Who is told of percentages. */
    alerts: readonly Target[];
    /** Those that the configuration itself declares, in order of declaration. */
    declared: readonly DeclaredBudget[];
    /** Reserved where a call sets no limit. */
    defaultOutputTokens: number;
    whenUnreachable: "allow" | "refuse";
  };
  /** Rate limits that the configuration itself declares. */
  limits: readonly DeclaredLimit[];
  /** Null: no e-mail can be sent. */
  smtp: Smtp | null;
  /** Where rows go first while the ledger is PostgreSQL. */
  outboxPath: string;
  outbox: {
    maxBytes: number;
    /** What becomes of new requests beyond that. */
    whenFull: "grow" | "refuse";
  };
  /** What an acknowledged row outlives: the death of this process, or of the machine's power. */
  durability: "disk" | "process";
  database: { maxConnections: number; maxIdleMs: number; maxLifetimeMs: number };
  log: { level: "debug" | "error" | "info" | "warn"; fileDaemon: string | null; fileCli: string | null };
  /** Answers that clients may refer to later. */
  answers: {
    /** 0: none is kept. */
    keepMs: number;
    countPerUser: number;
    bytesPerUser: number;
    /** Of all users together. */
    bytes: number;
  };
  /** Answers that are given again to the same request. */
  cache: {
    store: "memory" | "off" | "redis" | "sqlite";
    ttlMs: number;
    scope: "global" | "key" | "user";
    maxBytes: number;
    maxEntryBytes: number;
    /** The file, where it is one. */
    path: string;
  };
  /** Calls that name themselves by an Idempotency-Key. */
  idempotency: {
    isOn: boolean;
    /** How long a finished answer is given again; 0: only to those who wait for it. */
    windowMs: number;
    maxBytes: number;
  };
  /** For what gateways share; null: nothing is. */
  redisUrl: string | null;
  /** How often and how long another answer is tried for. */
  travel: {
    maxAttempts: number;
    backoff: { baseMs: number; capMs: number };
    totalMs: number;
    hedgeAfterMs: number;
  };
  /** When what fails is left alone, unless its provider says otherwise. */
  health: HealthSettings;
  timeouts: {
    /** Between two signs of life to a client whose stream has not begun; 0: none. */
    keepAliveMs: number;
    /** How long a provider may take, in milliseconds, unless something is said of it or of a route. */
    upstream: Readonly<Record<DeadlineName, number>>;
    /** How long a stop waits for streams that are running. */
    shutdownMs: number;
  };
  /** How much may be under way at once; 0: without limit. */
  caps: {
    total: number;
    perKey: number;
    perUser: number;
    /** Unless a provider says otherwise. */
    perProvider: number;
    /** Of each queue. */
    queueLength: number;
    queueMs: number;
    /** The longest answer that is held in memory. */
    responseBytes: number;
  };
  prices: {
    /** The operator's own, above every list. */
    overrides: readonly PriceOverride[];
    /** A path, or an https:// address; null: the bundled list alone. */
    file: string | null;
    /** What the file must be signed with; null: it need not be. */
    publicKey: string | null;
    /** What a marketplace's services cost: a path, or an https:// address; null: nothing is bought there. */
    marketFile: string | null;
    refreshMs: number;
    onUnknown: "allow" | "refuse" | "warn";
  };
  /** How often the providers' model lists are read again. */
  modelsRefreshMs: number;
  /** Our own count of every call's tokens, beside the provider's. */
  recount: {
    isOn: boolean;
    /** Whether providers are asked to count what only they can. */
    asksProviders: boolean;
    tolerancePercent: number;
    /** Most calls, and most bytes of their text, that wait to be counted. */
    maxRows: number;
    maxBytes: number;
    tokenizers: readonly TokenizerSettings[];
  };
  /** Processes that serve the address together. */
  workers: number | "auto";
  /** `passthrough` refuses what would have to be translated; `auto` translates where formats differ. */
  workMode: "auto" | "passthrough";
  /** What keys of providers that are set while the gateway runs are encrypted with: the current one first; none where a file of our own has them. */
  secretKeys: readonly string[];
  /** Whether providers that are added while the gateway runs may lead to private networks. */
  allowsPrivateProviders: boolean;
  /** Built-ins first, then as declared. */
  providers: readonly ProviderSettings[];
  /** The operator's, in order of declaration. */
  routes: readonly RouteRule[];
  /** Ours, tried where none of the operator's match. */
  defaultRoutes: readonly RouteRule[];
  aliases: readonly AliasRule[];
  defaultAliases: readonly AliasRule[];
  /** All secret values in effect, for the log's redaction. */
  secrets: readonly string[];
}
