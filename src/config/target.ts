// Targets of a route as they are written: `openai weight=2, azure/gpt4o set.temperature=0`. Knows no route and no file.

import type { Overrides, RouteTarget } from "../gateway/rule.ts";
import { findNearest } from "../lib/nearest.ts";
import { quote } from "./problem.ts";

type Json = Overrides[string];

/** What is wrong, by the field that says it. */
export interface Fault {
  field: string;
  message: string;
  suggestion?: string;
}

export class Faults {
  readonly list: Fault[] = [];

  add(field: string, message: string, suggestion?: string): void {
    this.list.push({ field, message, ...(suggestion === undefined ? {} : { suggestion }) });
  }

  isFree(field: string): boolean {
    return this.list.every((fault) => fault.field !== field);
  }
}

interface Reading {
  field: string;
  providers: readonly string[];
  faults: Faults;
}

export function splitWords(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** Those that can be read; what is wrong with the others is told. */
export function readTargets(text: string, reading: Reading): RouteTarget[] {
  const { field, faults, providers } = reading;
  return splitWords(text).flatMap((part) => {
    const [written = "", ...options] = part.split(/\s+/u);
    const { provider, model, ...keys } = splitTarget(written);
    if (!providers.includes(provider)) {
      const [near] = findNearest(provider, providers, 1);
      const known = near === undefined ? ` (there are ${providers.join(", ")})` : "";
      faults.add(field, `${quote(written)} leads to ${quote(provider)}, which is no provider${known}`, near);
      return [];
    }
    if (model?.includes("*") === true) {
      faults.add(field, `${quote(written)} must be a model's name: leave it out for the one that was asked for`);
      return [];
    }
    return [{ provider, model, ...keys, ...readOptions(options, reading) }];
  });
}

/**
 * `provider`, or `provider/model` where it has another name for the model; behind a `#` the label of the key that it is to be asked with, or
 * several with `+`: `provider#eu+us/model`.
 */
export function splitTarget(written: string): Pick<RouteTarget, "keys" | "model" | "provider"> {
  const slash = written.indexOf("/");
  const [name, model] = slash <= 0 ? [written, ""] : [written.slice(0, slash), written.slice(slash + 1)];
  const [provider = "", labels] = name.toLowerCase().split("#");
  return { provider, model: model || null, ...(labels === undefined ? {} : { keys: labels.split("+") }) };
}

const MOST_WEIGHT = 1_000_000;

function readOptions(options: readonly string[], { field, faults }: Reading): Pick<RouteTarget, "set" | "weight"> {
  const set: Record<string, Json> = {};
  let weight: number | undefined;
  for (const option of options) {
    const [, name = "", value = ""] = /^([^=]+)=(.+)$/u.exec(option) ?? [];
    if (name === "weight") {
      weight = /^\d+(?:\.\d+)?$/u.test(value) ? Number(value) : 0;
      if (weight > 0 && weight <= MOST_WEIGHT) continue;
      faults.add(field, `${quote(option)}: a weight is a number above 0`);
    } else if (name.startsWith("set.")) {
      const path = name.slice("set.".length);
      const wrong = checkOverride(path);
      if (wrong !== null) faults.add(field, wrong);
      set[path] = readJson(value);
    } else {
      faults.add(field, `${quote(option)} is neither weight=NUMBER nor set.FIELD=VALUE`);
    }
  }
  return {
    ...(weight === undefined ? {} : { weight }),
    ...(Object.keys(set).length === 0 ? {} : { set: set satisfies Overrides }),
  };
}

/** What routing and the books go by, and what the client itself asks. */
const FIXED = ["contents", "input", "messages", "model", "prompt", "stream", "stream_options"];
const FIELD = /^[A-Za-z_][\w-]{0,63}(?:\.[A-Za-z_][\w-]{0,63}){0,7}$/u;

/** A sentence about what is wrong, or null. */
export function checkOverride(path: string): string | null {
  if (!FIELD.test(path) || path.split(".").includes("__proto__"))
    return `${quote(path)} is no field of a body: write it like temperature or generationConfig.temperature`;
  const [top = ""] = path.split(".");
  return FIXED.includes(top) ? `${quote(top)} is the client's to say, and cannot be set by a route` : null;
}

/** JSON where it is such, else the words as they stand. */
export function readJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** As it is written: `provider#key/model`. */
export function printTarget({ provider, model, keys }: Pick<RouteTarget, "keys" | "model" | "provider">): string {
  const name = keys === undefined ? provider : `${provider}#${keys.join("+")}`;
  return model === null ? name : `${name}/${model}`;
}
