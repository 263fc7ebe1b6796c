// The one table of settings: from it come reading, checking, `config show`, the templates of `init` and what an error names.
// Knows no file and no layer.

import type * as z from "zod";
import { ANSWER_KEYS } from "./answer-key.ts";
import { CACHE_KEYS } from "./cache-key.ts";
import { CAP_KEYS } from "./cap-key.ts";
import { DEADLINE_KEYS } from "./deadline-key.ts";
import { ENTRY_KEYS } from "./entry-key.ts";
import { HEALTH_KEYS } from "./health-key.ts";
import { LEDGER_KEYS } from "./ledger-key.ts";
import { LOG_KEYS } from "./log-key.ts";
import { OIDC_KEYS } from "./oidc-key.ts";
import { RECOUNT_KEYS } from "./recount-key.ts";
import { SECRET_KEYS } from "./secret-key.ts";
import { SIGN_IN_KEYS } from "./sign-in-key.ts";
import { sortTable } from "./sort.ts";
import { TRAVEL_KEYS } from "./travel-key.ts";
import * as syntax from "./syntax.ts";

export interface Key {
  /** One line, for people. */
  about: string;
  group: Group;
  type: z.ZodType<unknown, string>;
  /** The default, in the words of a file. */
  fallback?: string;
  /** What a template shows after the key where there is no default. */
  example?: string;
  /** Our own variables, first wins, where they are not `TOKLIGENCE_<KEY>`. */
  env?: readonly [string, ...string[]];
  /** Names that other programs use for the same thing; read where ours are unset everywhere. */
  usual?: readonly string[];
  /** Never shown; may also be given as the path of a file that holds it (`<key>_file`, `<NAME>_FILE`). */
  secret?: true;
  /** The `_file` form alone: the value holds a secret only sometimes. */
  fileForm?: true;
  /**
   * `~` is expanded and relative paths start at the working folder; a database may be a DSN, a log may be `-`, a source an https:// address, and of targets,
   * which are a list, some may be URLs, which are not shown in full.
   */
  path?: "database" | "file" | "log" | "source" | "targets";
  /** Takes effect at the next start only. */
  restart?: true;
}

export type Group = keyof typeof GROUPS;

/** In the order of the templates. */
export const GROUPS = {
  start: "Which overlay is read, and where our own files live",
  http: "Listening",
  identity: "Identity",
  oidc: "Signing in at an identity provider (OpenID Connect); the section [oidc] may hold these, with or without oidc_",
  database: "Databases",
  ledger: "The books",
  notice: "E-mail",
  log: "Logging",
  upstream: "Calls to providers",
  cache: "Answers that are given again",
  cap: "How much is under way at once",
  health: "Leaving alone what fails; each may be said of one provider, too, in its section",
  recount: "Counting tokens again, to hold against the providers' figures",
  routing: "Models: routes and aliases",
  provider: "Providers",
} as const;

const DSN_EXAMPLE = "postgres://user:password@host:5432/tokligence";
const ZERO_IS_ENDLESS = { zeroMs: syntax.LONGEST_MS };
const OLD_MINUTES = { bareMs: 60_000 };

const GENERAL_KEYS = {
  admin_email: {
    about: "The root administrator, made at the first start",
    group: "identity",
    type: syntax.email,
    fallback: "admin@local",
    restart: true,
  },
  anthropic_api_key: {
    about: "Anthropic's key",
    group: "provider",
    type: syntax.headerText,
    usual: ["ANTHROPIC_API_KEY"],
    secret: true,
  },
  anthropic_base_url: {
    about: "Where Anthropic is reached, without /v1",
    group: "provider",
    type: syntax.baseUrl,
    fallback: "https://api.anthropic.com",
    usual: ["ANTHROPIC_BASE_URL"],
  },
  anthropic_beta_header: {
    about: "Sent to Anthropic as anthropic-beta with every call",
    group: "provider",
    type: syntax.headerText,
    example: "context-1m-2025-08-07",
  },
  anthropic_max_tokens: {
    about: "Output limit to ask Anthropic for where the client gives none; unset: by model",
    group: "provider",
    type: syntax.defineInteger(1, 10_000_000),
    example: "8192",
  },
  anthropic_version: {
    about: "Sent to Anthropic as anthropic-version",
    group: "provider",
    type: syntax.headerText,
    fallback: "2023-06-01",
  },
  db_conn_max_idle_time: {
    about: "Close a PostgreSQL connection that has been idle for so long; 0: never (a bare number counts minutes)",
    group: "database",
    type: syntax.defineDuration(OLD_MINUTES),
    fallback: "10m",
    restart: true,
  },
  db_conn_max_lifetime: {
    about: "Replace a PostgreSQL connection after so long; 0: never (a bare number counts minutes)",
    group: "database",
    type: syntax.defineDuration(OLD_MINUTES),
    fallback: "1h",
    restart: true,
  },
  db_max_open_conns: {
    about: "Most PostgreSQL connections at a time; SQLite needs none",
    group: "database",
    type: syntax.defineInteger(0, 100_000),
    fallback: "10",
    restart: true,
  },
  environment: {
    about: "Names the overlay config/<environment>/gateway.ini: dev, test, live or one of your own",
    group: "start",
    type: syntax.name,
    fallback: "dev",
    env: ["TOKLIGENCE_ENVIRONMENT", "TOKLIGENCE_ENV"],
  },
  facade_port: {
    about: "The port alone: the old form of http_address, used where that is unset",
    group: "http",
    type: syntax.defineInteger(0, 65_535),
    example: "8081",
    restart: true,
  },
  home: {
    about: "Folder of the gateway's own files",
    group: "start",
    type: syntax.plain,
    fallback: "~/.tokligence",
    path: "file",
    restart: true,
  },
  http_address: {
    about: "Where to listen: :8081 is every address, 127.0.0.1:8081 this machine only",
    group: "http",
    type: syntax.address,
    fallback: ":8081",
    usual: ["PORT"],
    restart: true,
  },
  identity_path: {
    about: `Users and keys: a SQLite file, or PostgreSQL as ${DSN_EXAMPLE}`,
    group: "database",
    type: syntax.database,
    fallback: "~/.tokligence/identity.db",
    fileForm: true,
    path: "database",
    restart: true,
  },
  ledger_durability: {
    about:
      "What a row of the ledger outlives once it is acknowledged: process (kill -9) or disk (loss of power, at the price of a sync)",
    group: "database",
    type: syntax.defineChoice(["process", "disk"]),
    fallback: "process",
    restart: true,
  },
  ledger_outbox: {
    about: "Rows of the ledger go to this SQLite file first where the ledger is PostgreSQL, and from there to it",
    group: "database",
    type: syntax.plain,
    fallback: "~/.tokligence/outbox.db",
    path: "file",
    restart: true,
  },
  ledger_path: {
    about: "The usage ledger, likewise; where only identity_path is PostgreSQL, the ledger lives there too",
    group: "database",
    type: syntax.database,
    fallback: "~/.tokligence/ledger.db",
    fileForm: true,
    path: "database",
    restart: true,
  },
  model_aliases: {
    about: "Other names for models, as name=>model, separated by commas; see [aliases] too",
    group: "routing",
    type: syntax.plain,
    example: "fast=>gpt-4.1-mini, best=>claude-opus",
  },
  model_aliases_dir: {
    about: "Folder of files with one name=>model a line",
    group: "routing",
    type: syntax.plain,
    example: "config/model_aliases.d",
    path: "file",
  },
  model_aliases_file: {
    about: "File with one name=>model a line",
    group: "routing",
    type: syntax.plain,
    example: "config/models.aliases",
    path: "file",
  },
  model_provider_routes: {
    about: "More routes, tried after those of routes: the old name",
    group: "routing",
    type: syntax.plain,
    example: "gpt*=openai, claude*=anthropic",
  },
  models_refresh: {
    about: "How often the providers' lists of models are read again; 0: only at the start",
    group: "upstream",
    type: syntax.defineDuration(ZERO_IS_ENDLESS),
    fallback: "10m",
  },
  openai_api_key: {
    about: "OpenAI's key",
    group: "provider",
    type: syntax.headerText,
    usual: ["OPENAI_API_KEY"],
    secret: true,
  },
  openai_base_url: {
    about: "Where OpenAI is reached, with /v1",
    group: "provider",
    type: syntax.baseUrl,
    fallback: "https://api.openai.com/v1",
    usual: ["OPENAI_BASE_URL"],
  },
  openai_org: {
    about: "Sent to OpenAI as openai-organization",
    group: "provider",
    type: syntax.headerText,
    example: "org-...",
    usual: ["OPENAI_ORG_ID"],
  },
  openai_project: {
    about: "Sent to OpenAI as openai-project",
    group: "provider",
    type: syntax.headerText,
    example: "proj_...",
    usual: ["OPENAI_PROJECT_ID"],
  },
  routes: {
    about: "Which provider answers which models, as pattern=>provider, separated by commas; see [routes] too",
    group: "routing",
    type: syntax.plain,
    example: "gpt-*=>openai, claude*=>anthropic, llama*=>ollama",
  },
  shutdown_timeout: {
    about: "How long a stop waits for running streams",
    group: "http",
    type: syntax.defineDuration(),
    fallback: "30s",
  },
  tls_cert: {
    about: "Certificate (PEM); with tls_key it makes the gateway serve HTTPS",
    group: "http",
    type: syntax.plain,
    example: "/etc/tokligence/tls.crt",
    path: "file",
    restart: true,
  },
  tls_key: {
    about: "The certificate's private key (PEM)",
    group: "http",
    type: syntax.plain,
    example: "/etc/tokligence/tls.key",
    path: "file",
    restart: true,
  },
  work_mode: {
    about: "auto translates where formats differ; passthrough refuses what would have to be translated",
    group: "upstream",
    type: syntax.defineChoice(["auto", "passthrough", "translation"]),
    fallback: "auto",
  },
  workers: {
    about: "Processes that serve the address together, each on a core (Linux): a number, or auto for one per core",
    group: "http",
    type: syntax.workers,
    fallback: "1",
    restart: true,
  },
} as const satisfies Record<string, Key>;

/** By name. */
export const KEYS = sortTable({
  ...GENERAL_KEYS,
  ...ANSWER_KEYS,
  ...CACHE_KEYS,
  ...CAP_KEYS,
  ...DEADLINE_KEYS,
  ...ENTRY_KEYS,
  ...HEALTH_KEYS,
  ...LEDGER_KEYS,
  ...LOG_KEYS,
  ...OIDC_KEYS,
  ...RECOUNT_KEYS,
  ...SECRET_KEYS,
  ...SIGN_IN_KEYS,
  ...TRAVEL_KEYS,
});

export type KeyName = keyof typeof KEYS;

type Spec<K extends KeyName> = (typeof KEYS)[K];

/** What a setting is once it has been read. Null where it is unset and has no default. */
export type Values = {
  [K in KeyName]: Spec<K> extends { fallback: string } ? z.output<Spec<K>["type"]> : z.output<Spec<K>["type"]> | null;
};

export const KEY_NAMES = Object.keys(KEYS) as readonly KeyName[];

export function isKeyName(name: string): name is KeyName {
  return Object.hasOwn(KEYS, name);
}

export function describeKey(name: KeyName): Key {
  return KEYS[name];
}

/** Whether `<key>_file` may name a file that holds the value. */
export function hasFileForm(key: Key): boolean {
  return key.secret === true || key.fileForm === true;
}

/** Our own variables for a setting, without the `_FILE` forms; the first that is set wins. */
export function listVariables(name: KeyName): readonly string[] {
  return describeKey(name).env ?? [`TOKLIGENCE_${name.toUpperCase()}`];
}
