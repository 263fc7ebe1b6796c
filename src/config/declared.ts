// Providers that are declared while the gateway runs: what a section of the configuration may say of one, read by the same code, without the files of
// this machine, its environment and its accounts. Knows no database.

import type { RouteRule } from "../gateway/rule.ts";
import {
  KINDS,
  type ProviderSettings,
  describeReach,
  isStandIn,
  isWithin,
  judgeHost,
  judgeRemote,
  listOrigins,
} from "../provider/index.ts";
import type { Disk } from "./disk.ts";
import { type Gathered, createGathered, declareProvider, put, putField } from "./gathered.ts";
import { type Values, describeKey } from "./key.ts";
import { type Origin, describeUnknown } from "./problem.ts";
import { PROVIDER_FIELDS, isProviderField, isSecretField, listFlatKeys, readFieldForm } from "./provider-key.ts";
import { isSecretHeader, readProvider } from "./provider.ts";
import { type Reading, readSetting } from "./read.ts";
import { readRoutes } from "./routing.ts";

export interface DeclaredProvider {
  /** Null where something is wrong with it. */
  settings: ProviderSettings | null;
  /** By its `models`. */
  routes: RouteRule[];
  /** Sentences by field. */
  faults: { field: string; message: string }[];
  /** Scheme, host and port of each address that its credentials go to. */
  origins: string[];
  /** All that must not turn up in a log. */
  secrets: string[];
}

interface Said {
  /** Those that are secret, too. */
  fields: ReadonlyMap<string, string>;
  /** For people, such as `runtime, version 3`. */
  origin: string;
  /** Whether it may lead to private networks; `configuration` where the addresses are the configuration's own. */
  reach: "configuration" | "private" | "public";
}

/** Whether a field is a credential: kept encrypted, shown never. */
export function isCredential(field: string): boolean {
  return field.startsWith("header.") ? isSecretHeader(field.slice("header.".length)) : isSecretField(field);
}

export function readDeclaredProvider(name: string, { fields, origin, reach }: Said): DeclaredProvider {
  const place: Origin = { file: origin, line: null };
  const reading = openReading();
  declareProvider(reading.gathered, name, place);
  for (const [field, text] of fields) gather(reading.gathered, name, { field, text, place });
  // How far it may lead is judged below, in words for what is no section of a file.
  if (reach !== "configuration" && !fields.has("allow_private"))
    gather(reading.gathered, name, { field: "allow_private", text: "yes", place });
  const settings = { ...readProvider(reading, readFlat(reading, name), name) };
  // Only lists of patterns are among them, which are read without the rest of the settings.
  const routes = readRoutes(reading, {} as Values, [name]);
  const found = reading.gathered.problems.map(({ key, message, suggestion }) => ({
    field: nameField(name, key, fields),
    message: suggestion === null ? message : `${message} — did you mean "${suggestion}"?`,
  }));
  // That was said by us.
  const faults = found.filter(({ field }) => field !== "allow_private" || fields.has(field));
  const secrets = [...reading.secrets];
  if (reach === "configuration") return finish({ settings, routes, faults, secrets });
  const type = fields.get("type")?.toLowerCase();
  if (type === "loopback") faults.push({ field: "type", message: "loopback is there already" });
  else if (name === "loopback") faults.push({ field: "name", message: "loopback is there already" });
  if (fields.has("allow_private") && !/^(?:0|false|no|off)$/iu.test(fields.get("allow_private") ?? "")) {
    const message = "only the configuration may say so; allow_private_providers there is for all that are added here";
    faults.push({ field: "allow_private", message });
  }
  const remote: ProviderSettings = { ...settings, reach, isRemote: true };
  if (faults.length === 0) faults.push(...judgeAddresses(remote));
  const own = faults.length === 0 ? judgeRemote(remote) : null;
  if (own !== null) faults.push(own);
  return finish({ settings: remote, routes, faults, secrets });
}

function finish({
  settings,
  faults,
  ...rest
}: Omit<DeclaredProvider, "origins"> & { settings: ProviderSettings }): DeclaredProvider {
  if (faults.length > 0) return { ...rest, faults, settings: null, routes: [], origins: [] };
  return { ...rest, faults, settings, origins: listOrigins(settings) };
}

/** Of this machine nothing is read. */
const NO_DISK: Disk = { readFile: () => null, listFolder: () => null };

function openReading(): Reading {
  return {
    gathered: createGathered(),
    disk: NO_DISK,
    cwd: "/",
    homedir: "/",
    nameFile: (path) => path,
    files: new Set(),
    effective: [],
    secrets: new Set(),
  };
}

function gather(
  into: Gathered,
  provider: string,
  { field, text, place }: { field: string; text: string; place: Origin },
): void {
  const setting = { text, isPath: false, origin: place, layer: "flag" } as const;
  if (text === "") return;
  if (field.startsWith("header.")) {
    return put(declareProvider(into, provider, place).headers, field.slice("header.".length), setting);
  }
  if (readFieldForm(field).isPath) {
    const message = "files of this machine are the configuration's alone: say the key itself";
    into.problems.push({ ...place, key: field, message, suggestion: null });
    return;
  }
  if (isProviderField(field)) return putField(into, { provider, field, setting });
  const candidates = [...PROVIDER_FIELDS, "header.<name>"];
  into.problems.push({ ...describeUnknown(place, { what: "field", name: field, candidates }), key: field });
}

/** What built-in providers have under keys of their own. */
function readFlat(reading: Reading, provider: string): Values {
  const values = listFlatKeys(provider).map((name) => {
    const key = describeKey(name);
    return [name, readSetting(reading, { name, key, setting: reading.gathered.settings.get(name) })];
  });
  // readProvider asks for these and no others.
  return Object.fromEntries(values) as Values;
}

/** A problem names a key of the configuration; here it is one of the fields that were said. */
function nameField(provider: string, key: string | null, fields: ReadonlyMap<string, string>): string {
  const written = key?.replace(`provider.${provider}.`, "") ?? "";
  if (fields.has(written)) return written;
  const bare = written.startsWith(`${provider}_`) ? written.slice(provider.length + 1) : written;
  const near = [...fields.keys()].find((field) => bare === field || bare.startsWith(`${field}_`));
  return near ?? (bare === "" ? "name" : bare);
}

/** By what they say of themselves; names are judged by what they resolve to, when they are called. */
function judgeAddresses(settings: ProviderSettings): { field: string; message: string }[] {
  const options = Object.entries(KINDS.get(settings.kind)?.options ?? {});
  const named = options.flatMap(([field, { isUrl }]) => {
    const url = isUrl === true ? settings.options[field] : undefined;
    return url === undefined ? [] : [{ field, url }];
  });
  const derived = listOrigins(settings).map((url) => ({ field: "base_url", url }));
  const seen = new Set<string>();
  return [...named, { field: "base_url", url: settings.baseUrl }, ...derived].flatMap(({ field, url }) => {
    const message = url === "" ? null : judgeAddress(url, settings.reach);
    if (message === null || seen.has(message)) return [];
    seen.add(message);
    return [{ field, message }];
  });
}

function judgeAddress(url: string, reach: ProviderSettings["reach"]): string | null {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/u.test(parsed.protocol)) return "with this no address can be made of it";
  const needed = judgeHost(parsed.hostname);
  if (needed === "any") return `this is ${describeReach("any")}: no provider is there`;
  if (needed !== null && !isWithin(needed, reach)) {
    return `this is ${describeReach(needed)}: set allow_private_providers=yes in the configuration if it is meant, or declare it there`;
  }
  if (isStandIn(parsed.hostname)) return "this is an address of a test network: no provider is there";
  if (parsed.protocol === "https:") return null;
  if (isLoopback(parsed.hostname)) return null;
  return "it must begin with https://, for prompts and keys would go in the clear";
}

/** Where nothing leaves the machine; that it may be called at all has been looked at before. */
function isLoopback(hostname: string): boolean {
  const bare = hostname.replace(/\.$/u, "").toLowerCase();
  return bare === "localhost" || bare.endsWith(".localhost") || bare === "[::1]" || bare.startsWith("127.");
}
