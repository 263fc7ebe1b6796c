// Takes environment variables and flags into what is gathered. Reads no file and no value.

import { findNearest } from "../lib/nearest.ts";
import type { Gathered, Layer, Setting } from "./gathered.ts";
import { declareProvider, declareSection, put, putField, warnOld } from "./gathered.ts";
import type { KeyName } from "./key.ts";
import { KEY_NAMES, describeKey, hasFileForm, listVariables } from "./key.ts";
import { listOldVariables } from "./old-key.ts";
import type { Origin } from "./problem.ts";
import { describeUnknown } from "./problem.ts";
import { type FlatForm, PROVIDER_FIELDS, isSecretField, readFlatForm } from "./provider-key.ts";
import { SECTION_NAMES, describeSection } from "./section.ts";
import { readPoolVariable } from "./provider-pool.ts";
import { isName } from "./syntax.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** By setting; `config` is the folder or the file to read. */
export type Flags = Readonly<Partial<Record<KeyName | "config", string | undefined>>>;

export const CONFIG_VARIABLE = "TOKLIGENCE_CONFIG";
const PREFIX = "TOKLIGENCE_";
/** What commands read that ask a gateway elsewhere: no setting of a gateway. */
const NO_SETTINGS: ReadonlySet<string> = new Set(["TOKLIGENCE_KEY", "TOKLIGENCE_URL"]);
const PROVIDER_PREFIX = "TOKLIGENCE_PROVIDER_";

/** Call it after the files: a variable of a declared provider is recognised by the provider's name. */
export function gatherEnvironment(into: Gathered, env: Environment): void {
  const known = new Set<string>([CONFIG_VARIABLE]);
  for (const name of KEY_NAMES) {
    const key = describeKey(name);
    for (const [layer, variables] of [
      ["usual", key.usual ?? []],
      ["environment", listVariables(name)],
    ] as const) {
      const setting = readVariables(into, env, { variables, layer, fileForm: hasFileForm(key) });
      if (setting !== null) put(into.settings, name, setting);
      for (const variable of variables) known.add(variable).add(`${variable}_FILE`);
      if (layer === "environment" && !hasFileForm(key)) warnOfFiles(into, env, variables);
    }
  }
  const old = listOldVariables();
  for (const variable of Object.keys(env).toSorted()) {
    const value = env[variable]?.trim() ?? "";
    if (value === "" || !variable.startsWith(PREFIX) || known.has(variable) || NO_SETTINGS.has(variable)) continue;
    const origin = { file: variable, line: null };
    const oldName = old.get(variable);
    const flat = readFlatForm(variable.slice(PREFIX.length).toLowerCase());
    if (flat !== null) gatherFlatVariable(into, env, { flat, variable, value });
    else if (oldName !== undefined) warnOld(into, oldName, { value, origin });
    else if (variable.startsWith(PROVIDER_PREFIX)) gatherProviderVariable(into, env, { variable, value, origin });
    else if (!gatherSectionVariable(into, variable, value)) warnMisspelt(into, variable, [...known, ...old.keys()]);
  }
}

const OWN_VARIABLES: ReadonlySet<string> = new Set(KEY_NAMES.flatMap(listVariables));

/** Whoever keeps secrets in files may think that all else can stand there, too. */
function warnOfFiles(into: Gathered, env: Environment, variables: readonly string[]): void {
  for (const variable of variables) {
    const written = `${variable}_FILE`;
    if (OWN_VARIABLES.has(written) || (env[written]?.trim() ?? "") === "") continue;
    into.warnings.push(`${written} has no effect: only what may be secret is read from a file; set ${variable}`);
  }
}

/** TOKLIGENCE_GROQ_API_KEY is the short form of TOKLIGENCE_PROVIDER_GROQ_API_KEY. */
function gatherFlatVariable(
  into: Gathered,
  env: Environment,
  { flat: { provider, field, isPath }, variable, value }: { flat: FlatForm; variable: string; value: string },
): void {
  const plain = variable.replace(/_FILE$/, "");
  if (isPath && (env[plain]?.trim() ?? "") !== "") return noteBoth(into, plain);
  const origin = { file: variable, line: null };
  putField(into, { provider, field, setting: { text: value, isPath, origin, layer: "environment" } });
}

export function gatherFlags(into: Gathered, flags: Flags): void {
  for (const name of KEY_NAMES) {
    const text = flags[name]?.trim() ?? "";
    if (text === "") continue;
    put(into.settings, name, { text, isPath: false, origin: nameFlag(name), layer: "flag" });
  }
}

/** What was set while the gateway runs. A name that is none of ours any more says nothing. */
export function gatherRuntime(into: Gathered, fields: Readonly<Record<string, string>>): void {
  for (const name of KEY_NAMES) {
    const text = fields[name]?.trim() ?? "";
    if (text !== "") put(into.settings, name, { text, isPath: false, origin: RUNTIME, layer: "runtime" });
  }
}

export const RUNTIME: Origin = { file: "runtime", line: null };

export function nameFlag(name: string): Origin {
  return { file: `--${name.replaceAll("_", "-")}`, line: null };
}

interface Variables {
  variables: readonly string[];
  layer: Layer;
  fileForm: boolean;
}

/** The first that is set, as a value or as a file. */
export function readVariables(
  into: Gathered,
  env: Environment,
  { variables, layer, fileForm }: Variables,
): Setting | null {
  for (const variable of variables) {
    const text = env[variable]?.trim() ?? "";
    const path = fileForm ? (env[`${variable}_FILE`]?.trim() ?? "") : "";
    if (text !== "" && path !== "") noteBoth(into, variable);
    if (text !== "") return { text, isPath: false, origin: { file: variable, line: null }, layer };
    if (path !== "") return { text: path, isPath: true, origin: { file: `${variable}_FILE`, line: null }, layer };
  }
  return null;
}

function noteBoth(into: Gathered, variable: string): void {
  const message = `${variable}_FILE is set too: keep one`;
  into.problems.push({ file: variable, line: null, key: variable, message, suggestion: null });
}

/** API_VERSION before VERSION. */
const LONGEST_FIRST = PROVIDER_FIELDS.toSorted((left, right) => right.length - left.length);

interface Variable {
  variable: string;
  value: string;
  origin: Origin;
}

/** TOKLIGENCE_PROVIDER_<NAME>_<FIELD>, _API_KEY_FILE, _HEADER_<NAME>. */
function gatherProviderVariable(into: Gathered, env: Environment, { variable, value, origin }: Variable): void {
  const rest = variable.slice(PROVIDER_PREFIX.length);
  const setting: Setting = { text: value, isPath: false, origin, layer: "environment" };
  const header = /^(.+?)_HEADER_([A-Z0-9_]+)$/.exec(rest);
  if (header !== null) {
    const provider = findProviderName(into, header[1] ?? "");
    const headers = declareProvider(into, provider, origin).headers;
    return put(headers, (header[2] ?? "").toLowerCase().replaceAll("_", "-"), setting);
  }
  const key = readPoolVariable(rest);
  if (key !== null) {
    const plain = variable.slice(0, -"_FILE".length);
    if (key.isPath && (env[plain]?.trim() ?? "") !== "") return noteBoth(into, plain);
    const { field, isPath } = key;
    return putField(into, {
      provider: findProviderName(into, key.provider),
      field,
      setting: { ...setting, isPath },
    });
  }
  for (const field of LONGEST_FIRST) {
    const isPath = isSecretField(field) && rest.endsWith(`_${field.toUpperCase()}_FILE`);
    const suffix = `_${field.toUpperCase()}${isPath ? "_FILE" : ""}`;
    const provider = findProviderName(into, rest.slice(0, -suffix.length));
    if (!rest.endsWith(suffix) || !isName(provider)) continue;
    if (isPath && (env[variable.slice(0, -"_FILE".length)]?.trim() ?? "") !== "") {
      return noteBoth(into, variable.slice(0, -"_FILE".length));
    }
    return putField(into, { provider, field, setting: { ...setting, isPath } });
  }
  if (isFromKubernetes(variable)) return;
  const fields = PROVIDER_FIELDS.map((field) => field.toUpperCase()).join(", ");
  const message = `this variable is none of a provider's: it must end in one of ${fields}, API_KEY_FILE, API_KEY_<LABEL>, HEADER_<NAME>`;
  into.problems.push({ ...origin, key: variable, message, suggestion: null });
}

/** `MY_SERVER` is the declared `my-server` if there is one, else `my_server`. */
function findProviderName(into: Gathered, written: string): string {
  for (const name of into.providers.keys()) {
    if (name.toUpperCase().replaceAll("-", "_") === written) return name;
  }
  return written.toLowerCase();
}

/** TOKLIGENCE_<KIND>_<NAME>_<FIELD>; false where the variable is none of these. */
function gatherSectionVariable(into: Gathered, variable: string, text: string): boolean {
  for (const kind of SECTION_NAMES) {
    const prefix = `${PREFIX}${kind.toUpperCase()}_`;
    const { fields, hasVariables } = describeSection(kind);
    if (!hasVariables || !variable.startsWith(prefix)) continue;
    const rest = variable.slice(prefix.length);
    const longestFirst = fields.toSorted((left, right) => right.length - left.length);
    const field = longestFirst.find((candidate) => rest.endsWith(`_${candidate.toUpperCase()}`));
    const written = field === undefined ? "" : rest.slice(0, -field.length - 1);
    if (field === undefined || !isName(written.toLowerCase())) continue;
    const known = [...into.sections[kind].keys()].find((name) => name.toUpperCase().replaceAll("-", "_") === written);
    const origin = { file: variable, line: null };
    const draft = declareSection(into, { kind, name: known ?? written.toLowerCase() }, origin);
    put(draft.fields, field, { text, isPath: false, origin, layer: "environment" });
    return true;
  }
  return false;
}

/** Other programs' variables may begin like ours, so an unknown one is worth a word only if it resembles one of ours. */
function warnMisspelt(into: Gathered, variable: string, known: string[]): void {
  if (isFromKubernetes(variable)) return;
  const ours = known.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
  const near = findNearest(variable.slice(PREFIX.length), ours, 1)[0];
  if (near === undefined) return;
  const origin = { file: "environment", line: null };
  const problem = describeUnknown(origin, { what: "variable", name: variable, candidates: [] });
  into.warnings.push(`${problem.message} — did you mean "${PREFIX}${near}"?`);
}

/** It gives every container the addresses of services, such as TOKLIGENCE_GATEWAY_PORT_8081_TCP. */
function isFromKubernetes(variable: string): boolean {
  return /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP)(_\w+)?)$/.test(variable);
}
