// Who said what, before anything is read into values: settings by name, each with its origin and layer. Knows no file format.

import type { KeyName } from "./key.ts";
import { KEY_NAMES, describeKey, hasFileForm, isKeyName } from "./key.ts";
import { OLD_KEYS, findOldKey } from "./old-key.ts";
import type { Origin, Problem } from "./problem.ts";
import { describeBadValue, printOrigin } from "./problem.ts";
import { DECLARABLE, findFlatKey } from "./provider-key.ts";
import { checkRule } from "./rule.ts";
import { type SectionDraft, type SectionDrafts, type SectionId, createSections } from "./section.ts";
import { boolean, parseText } from "./syntax.ts";

/** Higher overrules lower. `usual`: what other programs call it; `runtime`: what was set while the gateway runs. */
export const LAYERS = { usual: 0, setting: 1, overlay: 2, runtime: 3, environment: 4, flag: 5 } as const;
export type Layer = keyof typeof LAYERS;

export interface Setting {
  /** The value, or the path of the file that holds it. Not to be printed without asking whether the key is secret. */
  text: string;
  isPath: boolean;
  origin: Origin;
  layer: Layer;
}

export interface DraftRule {
  pattern: string;
  target: string;
  origin: Origin;
  layer: Layer;
  /** The provider whose `models` it stands in. */
  listedBy: string | null;
}

export interface ProviderDraft {
  origin: Origin;
  /** By name: those for all kinds, and options of one. */
  fields: Map<string, Setting>;
  headers: Map<string, Setting>;
}

export interface Gathered {
  settings: Map<KeyName, Setting>;
  /** In order of declaration. */
  providers: Map<string, ProviderDraft>;
  /** Every other section that has a name. */
  sections: SectionDrafts;
  /** Lines of `[routes]` and of providers' `models`, layer by layer, in order of declaration. */
  routes: DraftRule[];
  /** Lines of `[aliases]`, likewise. */
  aliases: DraftRule[];
  problems: Problem[];
  warnings: string[];
  /** Old settings that were warned about: once each is enough. */
  warned: Set<string>;
}

export function createGathered(): Gathered {
  return {
    settings: new Map(),
    providers: new Map(),
    sections: createSections(),
    routes: [],
    aliases: [],
    problems: [],
    warnings: [],
    warned: new Set(),
  };
}

/** Lower layers never overrule; within a layer the later word does. */
export function put<Name>(settings: Map<Name, Setting>, name: Name, setting: Setting): void {
  const known = settings.get(name);
  if (known === undefined || LAYERS[known.layer] <= LAYERS[setting.layer]) settings.set(name, setting);
}

export function declareProvider(into: Gathered, name: string, origin: Origin): ProviderDraft {
  const known = into.providers.get(name);
  if (known !== undefined) return known;
  const draft: ProviderDraft = { origin, fields: new Map(), headers: new Map() };
  into.providers.set(name, draft);
  return draft;
}

export function declareSection(into: Gathered, { kind, name }: SectionId, origin: Origin): SectionDraft {
  const draft = into.sections[kind].get(name) ?? { origin, fields: new Map() };
  into.sections[kind].set(name, draft);
  return draft;
}

/** What it says it is; else the kind of its own name; else a server that speaks the common formats. A wrong word counts as none. */
export function findKindName(name: string, draft: ProviderDraft | undefined): string {
  if (name === "loopback") return name;
  const words = [draft?.fields.get("type")?.text.toLowerCase(), name];
  return words.find((word) => word !== undefined && DECLARABLE.includes(word)) ?? "compatible";
}

export interface FieldSetting {
  provider: string;
  field: string;
  setting: Setting;
}

/** A built-in provider's field goes where the flat key of the same meaning goes. */
export function putField(into: Gathered, { provider, field, setting }: FieldSetting): void {
  const flat = findFlatKey(provider, field);
  if (flat !== null) return put(into.settings, flat, setting);
  put(declareProvider(into, provider, setting.origin).fields, field, setting);
  if (field === "models") putModels(into, provider, setting);
}

/** `models` declares routes in the place where it stands; said again, it replaces what was said before. */
function putModels(into: Gathered, provider: string, setting: Setting): void {
  const { origin, layer } = setting;
  into.routes = into.routes.filter((rule) => rule.listedBy !== provider);
  for (const part of setting.text.split(/[,\n]/)) {
    const pattern = part.trim();
    if (pattern === "") continue;
    const wrong = checkRule(pattern, provider);
    if (wrong === null) into.routes.push({ pattern, target: provider, origin, layer, listedBy: provider });
    else into.problems.push(describeBadValue(origin, "models", wrong));
  }
}

/** One warning for each old setting, and none where the old switch asks for what is so anyway. */
export function warnOld(into: Gathered, name: string, { value, origin }: { value: string; origin: Origin }): void {
  const old = findOldKey(name);
  if (old === null || value === "") return;
  if (old.fulfilledBy !== undefined) {
    const said = parseText(boolean, value);
    if ("message" in said) into.problems.push(describeBadValue(origin, name, said.message));
    else if (said.value === old.fulfilledBy) return;
  }
  if (into.warned.has(name)) return;
  into.warned.add(name);
  into.warnings.push(`${printOrigin(origin)}: ${name} has no effect: ${old.reason}`);
}

/** `openai_api_key_file` is `openai_api_key` given as a path. */
export function readFileForm(name: string): { name: string; isPath: boolean } {
  const base = name.endsWith("_file") ? name.slice(0, -"_file".length) : "";
  if (isKeyName(base) && hasFileForm(describeKey(base))) return { name: base, isPath: true };
  return { name, isPath: false };
}

/** Every name that may stand at the top of a file. */
export function listFileNames(): string[] {
  const forms = KEY_NAMES.filter((name) => hasFileForm(describeKey(name))).map((name) => `${name}_file`);
  return [...KEY_NAMES, ...forms, ...Object.keys(OLD_KEYS)];
}
