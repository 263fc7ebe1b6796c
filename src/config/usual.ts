// What other programs call the settings of providers: GROQ_API_KEY, AZURE_OPENAI_ENDPOINT and the like, by the table of kinds.
// A key that is there declares its provider. Reads no value.

import { KINDS, type ProviderKindDefinition, type ProviderOption, listImplying } from "../provider/index.ts";
import { isOwnKey, makeOwnAddressTest } from "./adjust.ts";
import type { Disk } from "./disk.ts";
import { type Environment, readVariables } from "./gather-env.ts";
import type { Gathered, ProviderDraft, Setting } from "./gathered.ts";
import { declareProvider, findKindName, put } from "./gathered.ts";
import { printOrigin } from "./problem.ts";
import { findFlatKey } from "./provider-key.ts";
import { type Reading, expandPath } from "./read.ts";

/** Call it when all else has been gathered: what was said in our own words goes before. */
export function adoptUsual(reading: Reading, env: Environment): void {
  const { gathered } = reading;
  for (const [name, kind] of KINDS) adoptNamesake(gathered, env, { name, kind });
  for (const [name, draft] of gathered.providers) {
    const kind = KINDS.get(findKindName(name, draft));
    for (const [field, option] of Object.entries(kind?.options ?? {})) {
      if (findFlatKey(name, field) !== null) continue;
      const setting = readOption(reading, env, option);
      if (setting !== null) put(draft.fields, field, setting);
    }
  }
}

/** The key and the address of the provider that is named like its kind: another of that kind is another account. */
function adoptNamesake(
  into: Gathered,
  env: Environment,
  { name, kind }: { name: string; kind: ProviderKindDefinition },
): void {
  if (findFlatKey(name, "api_key") !== null) return;
  const draft = into.providers.get(name);
  if (draft === undefined ? !isImplied(env, kind) : findKindName(name, draft) !== name) return;
  const key = readVariables(into, env, { variables: kind.keyVariables, layer: "usual", fileForm: true });
  const isOurs = key !== null && !key.isPath && isOwnKey(key.text);
  if (isOurs) warnUnused(into, key, `${name}'s key`, "it holds a key of a gateway, not of the provider");
  if (isOurs && draft === undefined) return;
  const url = readVariables(into, env, { variables: kind.urlVariables, layer: "usual", fileForm: false });
  const origin = key?.origin ?? url?.origin ?? { file: "environment", line: null };
  const { fields } = draft ?? declareProvider(into, name, origin);
  if (key !== null && !isOurs) put(fields, "api_key", key);
  if (url !== null) adoptUrl(into, fields, { name, url: { ...url, text: kind.readUrl?.(url.text) ?? url.text } });
}

function adoptUrl(
  into: Gathered,
  fields: ProviderDraft["fields"],
  { name, url }: { name: string; url: Setting },
): void {
  if (!makeOwnAddressTest(into)(url.text)) return put(fields, "base_url", url);
  warnUnused(into, url, `${name}'s base_url`, "it is this gateway's own address");
}

function warnUnused(into: Gathered, { origin }: Setting, what: string, reason: string): void {
  into.warnings.push(`${printOrigin(origin)} is not used for ${what}: ${reason}`);
}

function isImplied(env: Environment, kind: ProviderKindDefinition): boolean {
  const isSet = (variable: string): boolean =>
    (env[variable]?.trim() ?? "") !== "" || (env[`${variable}_FILE`]?.trim() ?? "") !== "";
  return listImplying(kind).some((variables) => variables.every(isSet));
}

/** A value, else a variable that names a file, else the file where other programs keep it. */
function readOption(reading: Reading, env: Environment, option: ProviderOption): Setting | null {
  const { fileVariables = [], usualFile, variables } = option;
  const into = reading.gathered;
  const said = readVariables(into, env, { variables, layer: "usual", fileForm: option.secret === true });
  if (said !== null) return said;
  const named = readVariables(into, env, { variables: fileVariables, layer: "usual", fileForm: false });
  if (named !== null) return { ...named, isPath: true };
  if (usualFile === undefined || reading.homedir === null) return null;
  if (!isThere(reading.disk, expandPath(reading, "file", usualFile))) return null;
  return { text: usualFile, isPath: true, origin: { file: usualFile, line: null }, layer: "usual" };
}

function isThere(disk: Disk, path: string): boolean {
  try {
    return disk.readFile(path) !== null;
  } catch {
    return false;
  }
}
