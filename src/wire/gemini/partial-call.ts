// A call whose arguments come in pieces, each with its place, put together. Knows no part and no chunk.
// Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc

import { type Json, type JsonObject, type ToolCallPart, isJsonObject } from "../../ir/index.ts";
import { asExtra, ownFields, unifyNames } from "./body.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

export interface PartialCall {
  part: ToolCallPart;
  args: JsonObject;
}

const CALL_NAMES = ["partialArgs", "willContinue"] as const;
const ARGUMENT_NAMES = ["boolValue", "jsonPath", "nullValue", "numberValue", "stringValue", "willContinue"] as const;

/** Whether a named call is only the beginning of one. */
export function isPartial(call: JsonObject): boolean {
  const { name, willContinue, partialArgs } = unifyNames(call, CALL_NAMES);
  return textOf(name) !== "" && (willContinue === true || Array.isArray(partialArgs));
}

export function beginPartial(part: ToolCallPart, source: JsonObject): PartialCall {
  const own = ownFields(part.extra);
  const rest = omit(unifyNames(objectOf(own["functionCall"]), CALL_NAMES), CALL_NAMES);
  const { extra: _replaced, ...plain } = part;
  const kept = omit(own, ["functionCall"]);
  const call: PartialCall = {
    part: { ...plain, ...asExtra(Object.keys(rest).length === 0 ? kept : { ...kept, functionCall: rest }) },
    args: { ...objectOf(source["args"]) },
  };
  addPartial(call, source);
  return call;
}

/** Adds what a piece brings; false where it was the last one. */
export function addPartial(call: PartialCall, source: JsonObject): boolean {
  const { partialArgs, willContinue } = unifyNames(source, CALL_NAMES);
  for (const item of objectsOf(partialArgs)) {
    const argument = unifyNames(item, ARGUMENT_NAMES);
    const steps = readPath(textOf(argument["jsonPath"]));
    const value = readValue(argument);
    if (value !== undefined) setAt(call.args, steps, value);
  }
  return willContinue === true;
}

function readValue({ boolValue, nullValue, numberValue, stringValue }: JsonObject): Json | undefined {
  if (nullValue !== undefined) return null;
  return stringValue ?? numberValue ?? boolValue;
}

/** The steps of a JSON path with plain names and numbers, such as `$.foo['bar'][0]`. */
function readPath(path: string): (string | number)[] {
  const steps = path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]/gu);
  return [...steps].map(([, name, index, single, double]) =>
    index === undefined ? (name ?? single ?? double ?? "") : Number(index),
  );
}

/** How many elements a path may reach beyond the end of a list. */
const MAX_GAP = 1_000;

/** Sets a value at its place; text is added to the text that stands there. */
function setAt(root: JsonObject, steps: readonly (string | number)[], value: Json): void {
  let target: Json = root;
  for (const [position, step] of steps.entries()) {
    const isLast = position === steps.length - 1;
    const before: Json | undefined = getAt(target, step);
    const next: Json = isLast
      ? typeof before === "string" && typeof value === "string"
        ? before + value
        : value
      : (before ?? (typeof steps[position + 1] === "number" ? [] : {}));
    if (Array.isArray(target) && typeof step === "number" && step <= target.length + MAX_GAP) target[step] = next;
    else if (isJsonObject(target) && typeof step === "string" && step !== "__proto__") target[step] = next;
    else return;
    target = next;
  }
}

function getAt(target: Json, step: string | number): Json | undefined {
  if (Array.isArray(target)) return typeof step === "number" ? target[step] : undefined;
  return isJsonObject(target) && typeof step === "string" ? target[step] : undefined;
}
