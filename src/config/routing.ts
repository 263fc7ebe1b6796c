// From what was said about routes and aliases to ordered lists of rules. Knows how rules are declared; matching is the gateway's.

import { join } from "node:path";
import type { AliasRule, RouteRule } from "../gateway/rule.ts";
import { findNearest } from "../lib/nearest.ts";
import { describeDiskError } from "./disk.ts";
import type { DraftRule } from "./gathered.ts";
import { LAYERS } from "./gathered.ts";
import type { KeyName, Values } from "./key.ts";
import type { Origin } from "./problem.ts";
import { describeBadValue, printOrigin, quote } from "./problem.ts";
import type { Reading } from "./read.ts";
import { readText } from "./read.ts";
import { readRoute } from "./route.ts";
import { splitRules, splitTargets } from "./rule.ts";
import { splitTarget } from "./target.ts";

/**
 * Higher layers first, so that where two rules are equally good the later word wins. Within a layer: `routes`, then sections in order,
 * then `model_provider_routes`. Of one pattern only the first rule is kept.
 */
export function readRoutes(reading: Reading, values: Values, providers: readonly string[]): RouteRule[] {
  const drafts = order(reading, [
    listOwn(reading, values, "routes"),
    reading.gathered.routes,
    listOwn(reading, values, "model_provider_routes"),
  ]);
  const routes = readNamedRoutes(reading, providers);
  for (const { pattern, target, origin } of drafts) {
    const targets = splitTargets(target).map(splitTarget);
    const unknown = targets.find(({ provider }) => !providers.includes(provider));
    const [first, ...others] = targets;
    if (first === undefined || unknown !== undefined) {
      const name = unknown?.provider ?? target;
      reading.gathered.problems.push(describeUnknownProvider(pattern, { target: name, origin, providers }));
      continue;
    }
    routes.push({ pattern, targets: [first, ...others], origin: printOrigin(origin) });
  }
  return routes;
}

/** Sections with a name: of one pattern all are kept that have conditions, and come before those that have none. */
function readNamedRoutes(reading: Reading, providers: readonly string[]): RouteRule[] {
  const { problems, warnings, sections } = reading.gathered;
  const always = new Map<string, string>();
  return [...sections.route].flatMap(([name, draft]) => {
    for (const [field, { text, origin }] of draft.fields) {
      const key = `route.${name}.${field}`;
      reading.effective.push({ key, value: text, origin: printOrigin(origin), secret: false });
    }
    const fields = new Map([...draft.fields].map(([field, { text }]) => [field, text]));
    const { rules, faults } = readRoute(name, fields, { providers, origin: printOrigin(draft.origin) });
    for (const { field, message, suggestion = null } of faults) {
      const origin = draft.fields.get(field)?.origin ?? draft.origin;
      problems.push({ ...origin, key: field, message: `[route.${name}]: ${field}: ${message}`, suggestion });
    }
    for (const { pattern, when } of rules) {
      const earlier = when === undefined ? always.get(pattern.toLowerCase()) : undefined;
      if (when === undefined && earlier === undefined) always.set(pattern.toLowerCase(), name);
      if (earlier === undefined) continue;
      const where = printOrigin(draft.origin);
      warnings.push(`${where}: ${quote(pattern)} has no effect in [route.${name}]: [route.${earlier}] comes first`);
    }
    return rules;
  });
}

/** As routes; files of aliases come last. */
export function readAliases(reading: Reading, values: Values): AliasRule[] {
  const fromFiles = [
    ...(values.model_aliases_file === null ? [] : readFile(reading, "model_aliases_file", values.model_aliases_file)),
    ...(values.model_aliases_dir === null ? [] : readFolder(reading, values.model_aliases_dir)),
  ];
  const drafts = order(reading, [listOwn(reading, values, "model_aliases"), reading.gathered.aliases, fromFiles]);
  for (const { pattern, target, origin } of drafts) {
    if (splitTargets(target).length === 1) continue;
    const message = `${quote(pattern)} is another name for one model; who is asked in turn is said in [routes]`;
    reading.gathered.problems.push({ ...origin, key: null, message, suggestion: null });
  }
  return drafts.map(({ pattern, target, origin }) => ({ pattern, target, origin: printOrigin(origin) }));
}

function order(reading: Reading, groups: DraftRule[][]): DraftRule[] {
  const drafts = groups.flat().toSorted((left, right) => LAYERS[right.layer] - LAYERS[left.layer]);
  const kept = new Map<string, DraftRule>();
  for (const draft of drafts) {
    const known = kept.get(draft.pattern.toLowerCase());
    if (known === undefined) {
      kept.set(draft.pattern.toLowerCase(), draft);
    } else if (known.layer === draft.layer && known.target !== draft.target) {
      const where = printOrigin(known.origin);
      reading.gathered.warnings.push(
        `${printOrigin(draft.origin)}: ${quote(draft.pattern)} has no effect here: ${where} says ${quote(known.target)} and comes first`,
      );
    }
  }
  return [...kept.values()];
}

/** Rules that stand in a key's value. */
function listOwn(
  reading: Reading,
  values: Values,
  key: "model_aliases" | "model_provider_routes" | "routes",
): DraftRule[] {
  const setting = reading.gathered.settings.get(key);
  const text = values[key];
  if (setting === undefined || text === null) return [];
  const { rules, faults } = splitRules(text);
  const { origin, layer } = setting;
  for (const { message } of faults) reading.gathered.problems.push(describeBadValue(origin, key, message));
  return rules.map(({ pattern, target }) => ({ pattern, target, origin, layer, listedBy: null }));
}

/** A file that is gone empties the list of aliases, which is worth a warning and no refusal: an old file may name a folder it had. */
function readFolder(reading: Reading, path: string): DraftRule[] {
  reading.files.add(path);
  const origin = findOrigin(reading, "model_aliases_dir");
  try {
    const names = reading.disk.listFolder(path);
    if (names === null) {
      reading.gathered.warnings.push(`${printOrigin(origin)}: model_aliases_dir: there is no folder ${quote(path)}`);
      return [];
    }
    const files = names.filter((name) => !name.startsWith(".")).toSorted();
    return files.flatMap((name) => readFile(reading, "model_aliases_dir", join(path, name)));
  } catch (error) {
    reading.gathered.problems.push(
      describeBadValue(origin, "model_aliases_dir", `${quote(path)} ${describeDiskError(error)}`),
    );
    return [];
  }
}

function readFile(reading: Reading, key: KeyName, path: string): DraftRule[] {
  const origin = findOrigin(reading, key);
  if (key === "model_aliases_dir" && reading.disk.listFolder(path) !== null) return [];
  const text = readText(reading, path, { origin, name: key, written: path });
  if (text === null) return [];
  const { rules, faults } = splitRules(text);
  const file = reading.nameFile(path);
  for (const { line, message } of faults) {
    reading.gathered.problems.push({ file, line, key: null, message, suggestion: null });
  }
  return rules.map(({ pattern, target, line }) => {
    return { pattern, target, origin: { file, line }, layer: "usual", listedBy: null };
  });
}

function findOrigin(reading: Reading, key: KeyName): Origin {
  return reading.gathered.settings.get(key)?.origin ?? { file: "default", line: null };
}

interface Unknown {
  target: string;
  origin: Origin;
  providers: readonly string[];
}

function describeUnknownProvider(pattern: string, { target, origin, providers }: Unknown) {
  const suggestion = findNearest(target, providers, 1)[0] ?? null;
  const known = suggestion === null ? ` (there are ${providers.join(", ")})` : "";
  const message = `${quote(pattern)} leads to ${quote(target)}, which is no provider${known}`;
  return { ...origin, key: null, message, suggestion };
}
