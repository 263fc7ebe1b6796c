// Takes one INI file's lines into what is gathered: top-level keys, [provider.NAME], [routes], [aliases]. Reads no disk and no value.

import { findNearest } from "../lib/nearest.ts";
import type { FieldSetting, Gathered, Layer, Setting } from "./gathered.ts";
import { declareProvider, declareSection, listFileNames, put, putField, readFileForm, warnOld } from "./gathered.ts";
import type { IniEntry, IniFile } from "./ini.ts";
import { isKeyName } from "./key.ts";
import { findOldKey } from "./old-key.ts";
import type { Origin } from "./problem.ts";
import { describeBadValue, describeUnknown, printOrigin } from "./problem.ts";
import {
  PROVIDER_FIELDS,
  findFlatKey,
  isProviderField,
  isSecretField,
  listFlatForms,
  readFieldForm,
  readFlatForm,
} from "./provider-key.ts";
import { checkRule } from "./rule.ts";
import { SECTION_NAMES, type SectionId, describeSection, isSectionField } from "./section.ts";
import { isName } from "./syntax.ts";

export interface FileSource {
  ini: IniFile;
  /** The file's name as it is shown. */
  file: string;
  layer: Extract<Layer, "overlay" | "setting">;
}

type Section =
  | { kind: "aliases" | "routes" | "top" | "unusable" }
  | { kind: "named"; id: SectionId }
  | { kind: "prefixed"; prefix: string }
  | { kind: "provider"; name: string };

/** Where a line stands, and what its file has said before. */
interface Place {
  into: Gathered;
  origin: Origin;
  layer: FileSource["layer"];
  seen: Map<string, { line: number; isPath: boolean }>;
}

export function gatherFile(into: Gathered, { ini, file, layer }: FileSource): void {
  for (const { line, message } of ini.faults) {
    into.problems.push({ file, line, key: null, message, suggestion: null });
  }
  const sections = new Map<string, Section>();
  for (const { name, line } of ini.sections) {
    const section = sections.get(name) ?? readSection(into, name, { file, line });
    sections.set(name, section);
    if (section.kind === "provider") declareProvider(into, section.name, { file, line });
    if (section.kind === "named") declareSection(into, section.id, { file, line });
  }
  const seen: Place["seen"] = new Map();
  for (const entry of ini.entries) {
    const section = sections.get(entry.section) ?? { kind: "top" };
    gatherEntry(section, entry, { into, origin: { file, line: entry.line }, layer, seen });
  }
}

function gatherEntry(section: Section, entry: IniEntry, place: Place): void {
  switch (section.kind) {
    case "unusable":
      return;
    case "aliases":
    case "routes":
      return gatherRule(section.kind, entry, place);
    case "named":
      return gatherNamed(section.id, entry, place);
    case "provider":
      return gatherField(section.name, entry, place);
    case "prefixed": {
      const isWhole = entry.key.toLowerCase().startsWith(section.prefix);
      return gatherTop(isWhole ? entry : { ...entry, key: `${section.prefix}${entry.key}` }, place);
    }
    case "top":
      return gatherTop(entry, place);
    default:
      section satisfies never;
  }
}

function gatherTop(entry: IniEntry, place: Place): void {
  const { into, origin, layer } = place;
  const written = entry.key.toLowerCase();
  const { name, isPath } = readFileForm(written);
  const flat = readFlatForm(written);
  if (flat !== null) {
    if (entry.value === "") return;
    noteRepeat(`provider.${flat.provider}.${flat.field}`, flat.isPath, place);
    return putField(into, { ...flat, setting: { text: entry.value, isPath: flat.isPath, origin, layer } });
  }
  if (!isKeyName(name)) {
    if (findOldKey(written) !== null) return warnOld(into, written, { value: entry.value, origin });
    const candidates = [...listFileNames(), ...listFlatForms()];
    into.problems.push(describeUnknown(origin, { what: "key", name: written, candidates }));
    return;
  }
  if (entry.value === "") return;
  if (name === "environment" && layer === "overlay") {
    into.warnings.push(`${printOrigin(origin)}: environment has no effect in an overlay: say it in setting.ini`);
    return;
  }
  noteRepeat(name, isPath, place);
  put(into.settings, name, { text: entry.value, isPath, origin, layer });
}

function gatherField(provider: string, entry: IniEntry, place: Place): void {
  const { into, origin, layer } = place;
  const written = entry.key.toLowerCase();
  const { field, isPath } = readFieldForm(written);
  const setting: Setting = { text: entry.value, isPath, origin, layer };
  const id = `provider.${provider}.${field}`;
  if (field.startsWith("header.")) {
    if (entry.value === "") return;
    noteRepeat(id, false, place);
    return put(declareProvider(into, provider, origin).headers, field.slice("header.".length), setting);
  }
  if (!isProviderField(field)) {
    const files = PROVIDER_FIELDS.filter(isSecretField).map((name) => `${name}_file`);
    const candidates = [...PROVIDER_FIELDS, ...files, "header.<name>"];
    const problem = describeUnknown(origin, { what: "key", name: written, candidates });
    const isStray = isKeyName(readFileForm(written).name) || findOldKey(written) !== null;
    const hint = isStray ? ": the gateway's own settings stand above the first section" : "";
    into.problems.push({ ...problem, message: `${problem.message} in [provider.${provider}]${hint}` });
    return;
  }
  if (entry.value === "") return;
  noteRepeat(findFlatKey(provider, field) ?? id, isPath, place);
  putField(into, { provider, field, setting } satisfies FieldSetting);
}

function gatherNamed(id: SectionId, entry: IniEntry, place: Place): void {
  const { into, origin, layer } = place;
  const field = describeSection(id.kind).nameField?.(entry.key) ?? entry.key.toLowerCase();
  const written = `${id.kind}.${id.name}`;
  if (!isSectionField(id.kind, field)) {
    const candidates = [...describeSection(id.kind).fields];
    const problem = describeUnknown(origin, { what: "key", name: field, candidates });
    into.problems.push({ ...problem, message: `${problem.message} in [${written}]` });
    return;
  }
  if (entry.value === "") return;
  noteRepeat(`${written}.${field}`, false, place);
  put(declareSection(into, id, origin).fields, field, { text: entry.value, isPath: false, origin, layer });
}

function gatherRule(kind: "aliases" | "routes", entry: IniEntry, place: Place): void {
  const { into, origin, layer } = place;
  // In a section, too, people write the arrow: the reader has split at its first half.
  const target = entry.value.replace(/^>/, "").trim();
  const wrong = checkRule(entry.key, target);
  if (wrong !== null) {
    into.problems.push({ ...origin, key: null, message: `[${kind}]: ${wrong}`, suggestion: null });
    return;
  }
  const pattern = entry.key.toLowerCase();
  if (noteRepeat(`${kind}.${pattern}`, false, place)) {
    into[kind] = into[kind].filter(
      (rule) => rule.layer !== layer || rule.listedBy !== null || rule.pattern.toLowerCase() !== pattern,
    );
  }
  into[kind].push({ pattern: entry.key, target, origin, layer, listedBy: null });
}

/** True where the file has said it before, which is worth a warning; as a value and as a file at once it is wrong. */
function noteRepeat(id: string, isPath: boolean, { into, origin, seen }: Place): boolean {
  const earlier = seen.get(id);
  seen.set(id, { line: origin.line ?? 0, isPath });
  if (earlier === undefined) return false;
  if (earlier.isPath === isPath) {
    into.warnings.push(`${printOrigin(origin)}: ${id} is said again here, which overrules line ${earlier.line}`);
  } else {
    const message = `given both as a value and as a file (see line ${earlier.line}): keep one`;
    into.problems.push(describeBadValue(origin, id, message));
  }
  return true;
}

function readSection(into: Gathered, written: string, origin: Origin): Section {
  const header = written.toLowerCase();
  if (header === "routes" || header === "aliases") return { kind: header };
  if (header === "oidc") return { kind: "prefixed", prefix: "oidc_" };
  const refuse = (message: string, suggestion: string | null): Section => {
    into.problems.push({ ...origin, key: null, message, suggestion });
    return { kind: "unusable" };
  };
  for (const kind of ["provider", ...SECTION_NAMES] as const) {
    if (!header.startsWith(`${kind}.`)) continue;
    const name = header.slice(kind.length + 1);
    if (isName(name)) return kind === "provider" ? { kind, name } : { kind: "named", id: { kind, name } };
    return refuse(
      `a ${kind}'s name consists of a-z, 0-9, - and _, at most 64 of them, and begins with a letter or a digit`,
      null,
    );
  }
  const suggestion = guessSection(header);
  if (suggestion === null) return { kind: "top" };
  return refuse(`unknown section ${JSON.stringify(header.slice(0, 60))}`, suggestion);
}

const KINDS_OF_SECTION = ["provider", ...SECTION_NAMES].flatMap((kind) => [kind, `${kind}s`]);

/** Old files have headers of all kinds, which never meant anything; only what looks like one of ours is a mistake. */
function guessSection(header: string): string | null {
  const near = findNearest(header, ["aliases", "routes"], 1)[0];
  if (near !== undefined) return `[${near}]`;
  if (/^(model[ _-]?)?alias/.test(header)) return "[aliases]";
  if (/^(model[ _-]?)?(routes?|routing)\b/.test(header)) return "[routes]";
  const [, word = "", name = ""] = /^([a-z_]+)(?:[\s.:/-]+(.+))?$/.exec(header) ?? [];
  const kind = findNearest(word, KINDS_OF_SECTION, 1)[0]?.replace(/s$/u, "");
  if (kind === undefined) return null;
  return isName(name) ? `[${kind}.${name}]` : `[${kind}.NAME]`;
}
