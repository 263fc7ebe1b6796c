// Which words may stand at each flag and place of the commands: one line each. Knows no shell and no database.

import { CHANGE_KINDS } from "../../audit/change/action.ts";
import { CHANGE_FORMATS } from "../../audit/change/print.ts";
import { DIMENSIONS as AUDITED } from "../../audit/token-report.ts";
import { KEYS, describeKey, isKeyName } from "../../config/key.ts";
import { findSettingObstacle } from "../../config/index.ts";
import { ROUTE_FIELDS } from "../../config/route.ts";
import { listChoices } from "../../config/syntax.ts";
import { ROLES, SCOPES, STATUSES } from "../../identity/model.ts";
import { EXPORT_FORMATS } from "../../ledger/export.ts";
import { DIMENSIONS } from "../../ledger/report.ts";
import { CHANGE_ACTIONS } from "../../lib/change.ts";
import { BUCKETS } from "../../lib/zone.ts";
import { KINDS } from "../../provider/index.ts";
import { type Source, listOf, words } from "./model.ts";

const FILE: Source = { isFile: true, find: () => [] };

const USER: Source = { find: ({ names, prefix }) => names.users(prefix) };
const KEY_ID: Source = { find: ({ names, prefix }) => names.keyIds(prefix) };
const KEY_PREFIX: Source = { find: ({ names, prefix }) => names.keyPrefixes(prefix) };
/** Either will do; what a token begins with cannot be taken for an id. */
const KEY: Source = {
  find: ({ names, prefix }) => (prefix.startsWith("tok") ? names.keyPrefixes(prefix) : names.keyIds(prefix)),
};
const PROVIDER: Source = { find: ({ names }) => names.providers() };
const ROUTE: Source = { find: ({ names }) => names.routes() };
const BUDGET: Source = { find: ({ names }) => names.budgets() };
const LIMIT: Source = { find: ({ names }) => names.limits() };
const MODEL: Source = { find: ({ names }) => names.models() };
const OVERLAY: Source = { find: ({ names }) => names.overlays() };
const SCOPE: Source = { find: () => Object.entries(SCOPES).map(([name, about]) => ({ name, about })) };
const SETTING: Source = { find: () => Object.entries(KEYS).map(([name, { about }]) => ({ name, about })) };
/** Loaded only here: they are many. */
const CLIENT: Source = {
  async find() {
    const { GUIDES } = await import("../connect/index.ts");
    return Object.keys(GUIDES).map((name) => ({ name, about: "" }));
  },
};
const ENDPOINT: Source = {
  async find() {
    const { ENDPOINTS } = await import("../../server/endpoint.ts");
    return ENDPOINTS.map((name) => ({ name, about: "" }));
  },
};
const CHANGEABLE: Source = {
  async find(asked) {
    const all = await SETTING.find(asked);
    return all.filter(({ name }) => findSettingObstacle(name) === null);
  },
};
/** What the setting before it can be. */
const SETTING_VALUE: Source = {
  find({ before: [key = ""] }) {
    if (!isKeyName(key)) return [];
    const { type, fallback = "" } = describeKey(key);
    const choices = listChoices(type);
    // Where it may be anything, what it is unless said shows how it is written.
    const all = choices.length > 0 ? choices : [fallback];
    return all.flatMap((name) => (name === "" ? [] : [{ name, about: name === fallback ? "unless said" : "" }]));
  },
};
const STATUS = words(...STATUSES);
const PERIOD = words("minute", "hour", "day", "week", "month", "lifetime");
/** Fields of a provider's section, and the types that it may have. */
const PROVIDER_FIELD: Source = {
  find: ({ prefix }) =>
    prefix.startsWith("type=")
      ? [...KINDS.keys()].map((name) => ({ name: `type=${name}`, about: "" }))
      : ["base_url=", "type="].map((name) => ({ name, about: "" })),
};
const ROUTE_FIELD: Source = { find: () => ROUTE_FIELDS.map((name) => ({ name: `${name}=`, about: "" })) };
const CALL: Source = {
  isList: true,
  async find({ names, prefix }) {
    const [provider, model] = prefix.split("/");
    if (model === undefined) return (await names.providers()).map(({ name, about }) => ({ name: `${name}/`, about }));
    return (await names.models()).map(({ name, about }) => ({ name: `${provider}/${name}`, about }));
  },
};

/** Kinds, and what there is of one that is written out. */
function listActions(prefix: string): { name: string; about: string }[] {
  const all = prefix.includes(".") ? CHANGE_ACTIONS : CHANGE_KINDS;
  return all.map((name) => ({ name, about: "" }));
}

type Places = Readonly<Record<string, Source>>;

/** Flags and places that mean the same wherever they are. */
const EVERYWHERE: Places = {
  action: { find: ({ prefix }) => listActions(prefix) },
  actor: USER,
  "allow-models": listOf(MODEL),
  "allow-providers": listOf(PROVIDER),
  api: words("chat", "responses", "messages", "gemini"),
  "budget-period": PERIOD,
  call: CALL,
  config: FILE,
  direction: words("consume", "supply"),
  email: USER,
  env: OVERLAY,
  key: KEY,
  "log-level": words("debug", "info", "warn", "error"),
  mode: words("enforce", "shadow"),
  model: MODEL,
  pack: FILE,
  period: PERIOD,
  provider: PROVIDER,
  role: words(...ROLES),
  scopes: listOf(SCOPE),
  shell: words("bash", "fish", "powershell", "zsh"),
  unpriced: words("allow", "refuse"),
  user: USER,
};

/** Places of one command or of those under it, which go before the others. */
const BY_COMMAND: Readonly<Record<string, Places>> = {
  // Where no key is spoken of, it is the one that opens a gateway elsewhere: nobody completes that.
  admin: { key: words() },
  "admin api-keys": { id: KEY_ID, prefix: KEY_PREFIX, status: words("all", "open") },
  "admin audit export": { format: words(...CHANGE_FORMATS) },
  "admin budgets": { each: words("key", "user"), id: BUDGET },
  "admin budgets create": { key: KEY },
  "admin budgets list": { key: KEY_ID },
  "admin limits": { name: LIMIT, per: listOf(words("key", "model", "provider", "user")) },
  "admin limits list": { key: KEY_ID, source: words("config", "runtime") },
  "admin limits set": { key: KEY },
  "admin providers": { fields: PROVIDER_FIELD, name: PROVIDER },
  "admin providers list": { origin: words("both", "config", "runtime"), type: words(...KINDS.keys()) },
  "admin route": { fields: ROUTE_FIELD, name: ROUTE },
  "admin routes": { fields: ROUTE_FIELD, name: ROUTE },
  "admin routes list": { source: words("config", "runtime") },
  "admin settings": { setting: CHANGEABLE, value: SETTING_VALUE },
  "admin users": { id: USER, status: STATUS },
  "audit tokens": { endpoint: ENDPOINT, by: listOf(words(...AUDITED)) },
  "config show": { setting: SETTING },
  connect: { client: CLIENT },
  init: { email: words(), provider: words() },
  usage: { endpoint: ENDPOINT },
  "usage breakdown": { by: listOf(words(...DIMENSIONS)) },
  "usage export": { format: words(...EXPORT_FORMATS) },
  "usage timeseries": { bucket: words(...BUCKETS) },
};

const FILE_HINTS: ReadonlySet<string> = new Set(["FILE", "FOLDER", "PATH"]);

/** Null where anything may stand. */
export function findSource(
  command: readonly string[],
  place: string,
  { valueHint }: { valueHint?: string | undefined },
): Source | null {
  for (let length = command.length; length > 0; length--) {
    const places = BY_COMMAND[command.slice(0, length).join(" ")];
    const found = places !== undefined && Object.hasOwn(places, place) ? places[place] : undefined;
    if (found !== undefined) return found;
  }
  if (valueHint !== undefined && FILE_HINTS.has(valueHint)) return FILE;
  return Object.hasOwn(EVERYWHERE, place) ? (EVERYWHERE[place] ?? null) : null;
}
