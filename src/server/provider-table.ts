// Which providers are in force: those of the configuration, and above them those that were declared while the gateway runs, each with the credentials
// that may be sent to it. The table is swapped as a whole, so a request meets the one or the other. Knows no HTTP and no SQL.

import { readDeclaredProvider } from "../config/index.ts";
import type { Config, ProviderSettings } from "../config/value.ts";
import type { Judgement, OpenProvider, OpenSecret, ProviderFields, ProviderVersion } from "../gateway/index.ts";
import { listOrigins } from "../provider/index.ts";

export interface StandingProvider {
  name: string;
  /** `both`: the configuration's, with credentials that were set while the gateway runs. */
  source: "both" | "config" | "runtime";
  /** Null where it is the configuration's alone. */
  version: ProviderVersion | null;
  /** As it is in force; null where another of its name stands above it, or it cannot be used as it is. */
  settings: ProviderSettings | null;
  /** Why it is not in force, or is not called; null where it is. */
  obstacle: string | null;
  /** Everything about it that somebody should look at, in sentences. */
  findings: readonly string[];
  secrets: readonly StandingSecret[];
}

export interface StandingSecret extends Omit<OpenSecret, "text"> {
  /** Why it is not sent, the end of a sentence; null where it is. */
  fault: string | null;
}

export interface ProviderTableau {
  /** The configuration as it is in force. */
  config: Config;
  standing: StandingProvider[];
}

/** What is wrong with a provider, by the rules of the configuration's own sections and those for whoever does not hold the machine. */
export function judgeProvider(
  config: Config,
  name: string,
  fields: ProviderFields,
  secrets: Readonly<Record<string, string>>,
): Judgement {
  const configured = findConfigured(config, name, fields);
  const { faults, origins } = read(config, { name, fields, secrets, configured }, "runtime");
  return { faults, origins: configured === null ? origins : listOrigins(configured) };
}

/** By name, the configuration's first, as they are declared there. */
export function mergeProviders(config: Config, opened: readonly OpenProvider[]): ProviderTableau {
  const made = opened.flatMap((each) =>
    each.version.fields === null ? [] : [stand(config, each, each.version.fields)],
  );
  const above = new Map(made.flatMap((each) => (each.settings === null ? [] : [[each.name, each] as const])));
  const below = config.providers.flatMap((settings): StandingProvider[] => {
    const other = above.get(settings.name);
    // It is the same one, with other credentials.
    if (other?.source === "both") return [];
    const obstacle = other === undefined ? null : `the provider "${settings.name}" of run time stands above it`;
    const own = { name: settings.name, source: "config" as const, version: null, findings: [], secrets: [] };
    return [{ ...own, settings: other === undefined ? settings : null, obstacle }];
  });
  const providers = [
    ...config.providers.map((settings) => above.get(settings.name)?.settings ?? settings),
    ...[...above.values()].flatMap(({ name, settings }) =>
      settings === null || config.providers.some((each) => each.name === name) ? [] : [settings],
    ),
  ];
  const texts = opened.flatMap(({ secrets }) => secrets.flatMap(({ text }) => text ?? []));
  const routes = made.flatMap((each) => (each.settings === null ? [] : each.routes));
  return {
    config: {
      ...config,
      providers,
      routes: [...routes, ...config.routes],
      secrets: [...new Set([...config.secrets, ...texts.flatMap(listParts)])],
    },
    standing: [...below, ...made.map(({ routes: _routes, ...standing }) => standing)].toSorted(byName),
  };
}

function byName(left: StandingProvider, right: StandingProvider): number {
  if (left.name === right.name) return left.source === "config" ? 1 : -1;
  return left.name < right.name ? -1 : 1;
}

/** `Bearer x` says x, and the file of an account holds the key itself: each alone must not turn up in a log. */
function listParts(text: string): string[] {
  const [, word] = /^\S+ +(\S+)$/u.exec(text) ?? [];
  return [text, ...(word === undefined ? [] : [word]), ...(text.startsWith("{") ? listInner(text) : [])];
}

function listInner(text: string): string[] {
  try {
    return Object.entries(JSON.parse(text) as object).flatMap(([name, value]) =>
      typeof value === "string" && /(?:^|_)(?:key|secret|token)$/u.test(name) ? [value] : [],
    );
  } catch {
    return [];
  }
}

type Made = StandingProvider & { routes: Config["routes"] };

function stand(config: Config, opened: OpenProvider, fields: ProviderFields): Made {
  const { version, secrets, faults } = opened;
  const { name } = version;
  const configured = findConfigured(config, name, fields);
  const texts = listTexts(secrets);
  const origin = `runtime, version ${version.version}`;
  const whole = read(config, { name, fields, secrets: texts, configured }, origin);
  const origins = (configured === null ? whole.origins : listOrigins(configured)).join(" ");
  const isRead = configured !== null || whole.settings !== null;
  const judged = secrets.map(({ text: _text, ...secret }): StandingSecret => {
    const why = faults[secret.field] ?? (isRead ? judgeBinding(secret, origins) : null);
    return { ...secret, fault: why };
  });
  const bad = judged.filter(({ fault }) => fault !== null);
  const findings = bad.map(({ field, fault }) => `${field} of the provider "${name}" is not sent: ${fault}.`);
  const made = {
    name,
    source: configured === null ? ("runtime" as const) : ("both" as const),
    version,
    secrets: judged,
  };
  const [wrong] = whole.faults;
  if (whole.settings === null || wrong !== undefined) {
    const obstacle = findings[0] ?? `${wrong?.field ?? name}: ${wrong?.message ?? "it cannot be read"}`;
    return { ...made, settings: null, obstacle, findings: findings.length > 0 ? findings : [obstacle], routes: [] };
  }
  const usable = Object.fromEntries(
    Object.entries(texts).filter(([field]) => bad.every((each) => each.field !== field)),
  );
  const settings =
    configured === null
      ? strip({ name, fields, secrets: usable }, { origin, whole: whole.settings, isWhole: bad.length === 0 })
      : lay(config, { name, fields, secrets: usable, configured }, { origin, bad });
  const obstacle = findObstacle(settings, bad, findings);
  const held = obstacle === null ? settings : { ...settings, obstacle };
  return { ...made, settings: held, obstacle, findings, routes: whole.routes };
}

function listTexts(secrets: readonly OpenSecret[]): Record<string, string> {
  return Object.fromEntries(secrets.flatMap(({ field, text }) => (text === null ? [] : [[field, text]])));
}

function judgeBinding({ boundTo }: Pick<OpenSecret, "boundTo">, origins: string): string | null {
  if (boundTo === origins) return null;
  return `it was set for ${boundTo}, and this leads to ${origins}; set it again if it is meant to go there`;
}

/** A key less is no obstacle while there is another; of everything else there is only one. */
function findObstacle(
  settings: ProviderSettings,
  bad: readonly StandingSecret[],
  findings: readonly string[],
): string | null {
  const [first = null] = findings;
  if (first === null) return null;
  const isKey = bad.every(({ field }) => field === "api_key" || field.startsWith("api_key."));
  return isKey && settings.apiKey !== null ? null : first;
}

/** The configuration's own where nothing else is said than credentials, and how lots are drawn between them. */
function findConfigured(config: Config, name: string, fields: ProviderFields): ProviderSettings | null {
  const isOverlay = Object.keys(fields).every((field) => /^(?:key_strategy|api_key\..+\.weight)$/u.test(field));
  return (isOverlay ? config.providers.find((provider) => provider.name === name) : undefined) ?? null;
}

interface Draft {
  name: string;
  fields: ProviderFields;
  secrets: Readonly<Record<string, string>>;
  configured: ProviderSettings | null;
}

function read(config: Config, { name, fields, secrets, configured }: Draft, origin: string) {
  if (configured === null) {
    const reach = config.allowsPrivateProviders ? ("private" as const) : ("public" as const);
    return readDeclaredProvider(name, { fields: new Map(Object.entries({ ...fields, ...secrets })), origin, reach });
  }
  const { baseUrl, kind } = configured;
  // The built-in one has no type that could be said.
  const own = kind === "loopback" ? {} : { type: kind, ...(baseUrl === "" ? {} : { base_url: baseUrl }) };
  const all = new Map<string, string>(Object.entries({ ...own, ...fields, ...secrets }));
  return readDeclaredProvider(name, { fields: all, origin, reach: "configuration" });
}

/** Without what must not be sent. */
function strip(
  draft: Omit<Draft, "configured">,
  { origin, whole, isWhole }: { origin: string; whole: ProviderSettings; isWhole: boolean },
): ProviderSettings {
  if (isWhole) return whole;
  const fields = new Map(Object.entries({ ...draft.fields, ...draft.secrets }));
  const weightless = [...fields].filter(([field]) => {
    const label = /^api_key\.(.+)\.weight$/u.exec(field)?.[1];
    return label === undefined || fields.has(`api_key.${label}`);
  });
  const { settings } = readDeclaredProvider(draft.name, {
    fields: new Map(weightless),
    origin,
    reach: "configuration",
  });
  const { reach } = whole;
  return { ...(settings ?? { ...whole, apiKey: null, options: {}, headers: {} }), reach, isRemote: true };
}

/** The configuration's, with the credentials of run time in place of its own of the same names. */
function lay(
  config: Config,
  draft: Draft & { configured: ProviderSettings },
  { origin, bad }: { origin: string; bad: readonly StandingSecret[] },
): ProviderSettings {
  const { configured, secrets } = draft;
  const said = read(config, draft, origin).settings ?? configured;
  const gone = new Set(bad.map(({ field }) => nameLabel(field)));
  const fresh = said.keys ?? (said.apiKey === null ? [] : [{ label: BARE, apiKey: said.apiKey, weight: 1 }]);
  const old =
    configured.keys ?? (configured.apiKey === null ? [] : [{ label: BARE, apiKey: configured.apiKey, weight: 1 }]);
  const own = fresh.filter(({ label }) => Object.hasOwn(secrets, label === BARE ? "api_key" : `api_key.${label}`));
  const rest = old.filter(({ label }) => !gone.has(label) && own.every((each) => each.label !== label));
  const keys = [...own, ...rest];
  const [first] = keys;
  const { keys: _keys, ...bare } = configured;
  const pick = (values: Readonly<Record<string, string>>, prefix: string) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(secrets, prefix + name)));
  return {
    ...bare,
    apiKey: first?.apiKey ?? null,
    ...(first === undefined || (keys.length === 1 && first.label === BARE) ? {} : { keys }),
    ...(said.keyStrategy === undefined ? {} : { keyStrategy: said.keyStrategy }),
    options: { ...configured.options, ...pick(said.options, "") },
    headers: { ...configured.headers, ...pick(said.headers, "header.") },
  };
}

/** What the key is called that has no name. */
const BARE = "default";

function nameLabel(field: string): string {
  return field === "api_key" ? BARE : field.replace(/^api_key\./u, "");
}
