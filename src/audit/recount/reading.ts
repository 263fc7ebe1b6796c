// What of a request or an answer is text that a model reads or writes, and what of it nobody can count. Knows no tokenizer.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";

export interface Reading {
  /** Each counted by itself. */
  texts: string[];
  /** Messages and the like, each framed by marks that count as well. */
  messages: number;
  /** Names of speakers: each costs a token besides its own. */
  names: number;
  /** Calls of tools in the conversation, or in the answer. */
  calls: number;
  /** Descriptions of tools, as JSON. */
  tools: string[];
  /** Schemas that the answer is to keep to, likewise: some providers have the model read them, and some hold the answer to them alone. */
  forms: string[];
  /** Results of tools that came as values, without the text in them: names, numbers and what stands between them. */
  values: string[];
  /** Thoughts of earlier turns. */
  earlier: string[];
  /** Likewise, in a form that only the provider can read: no token is less than a byte. */
  sealedBytes: number;
  images: number;
  /** Tokens that came as numbers. */
  numbers: number;
  /** Why the count cannot be exact though all is seen; null where it can. */
  inexact: string | null;
  /** Why there is no telling how much there was that we did not see; null where all was seen. */
  hidden: string | null;
  /** What the client said would be answered: what of it did not come is paid for like what did. */
  predicted: string[];
}

export function startReading(): Reading {
  return {
    texts: [],
    messages: 0,
    names: 0,
    calls: 0,
    tools: [],
    forms: [],
    values: [],
    earlier: [],
    sealedBytes: 0,
    images: 0,
    numbers: 0,
    inexact: null,
    hidden: null,
    predicted: [],
  };
}

/** Of these only a few tokens are in doubt, and all others were counted. */
const SLIGHT = new Set(["content_parts", "instructions", "refusal"]);

export function isSlight(reason: string | null): boolean {
  return reason !== null && SLIGHT.has(reason);
}

/** The first reason is kept, but for one that is slight beside the next. */
export function noteInexact(into: Reading, reason: string): void {
  if (into.inexact === null || isSlight(into.inexact)) into.inexact = reason;
}

export function noteHidden(into: Reading, reason: string): void {
  into.hidden ??= reason;
}

export function addText(into: Reading, value: Json | undefined): void {
  if (typeof value === "string" && value !== "") into.texts.push(value);
}

export function addCall(into: Reading, name: Json | undefined, given: Json | undefined): void {
  into.calls++;
  noteInexact(into, "tool_calls");
  addText(into, name);
  if (given !== undefined && given !== null) addText(into, typeof given === "string" ? given : JSON.stringify(given));
}

export function addTool(into: Reading, tool: Json): void {
  noteInexact(into, "tools");
  into.tools.push(JSON.stringify(tool));
}

export function addForm(into: Reading, form: Json): void {
  noteInexact(into, "json_schema");
  into.forms.push(JSON.stringify(form));
}

/** The text in it is counted where it stands. */
export function addValue(into: Reading, value: Json): void {
  into.values.push(JSON.stringify(value, (_name, inner: unknown) => (typeof inner === "string" ? "" : inner)));
}

/** What is thought stands there as text, or as pieces of it. */
export function textOfThought(value: Json | undefined): Json | undefined {
  if (!Array.isArray(value)) return value;
  return objectsOf(value)
    .flatMap(({ text }) => (typeof text === "string" ? text : []))
    .join("");
}

/** A thought of an earlier turn, and what is sealed of it in base64. */
export function addEarlier(into: Reading, text: Json | undefined, sealed: Json | undefined): void {
  if (typeof text === "string" && text !== "") into.earlier.push(text);
  if (typeof sealed === "string") into.sealedBytes += Math.ceil(sealed.length * 0.75);
}

export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

export function objectsOf(value: Json | undefined): JsonObject[] {
  return listOf(value).filter(isJsonObject);
}

export function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** Whether something is asked for at all. */
export function isGiven(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== false;
}
