// The JSON of Google's generateContent as far as this wire reads and writes it, and how its own fields travel in `extra`.
// Knows nothing of the other formats. Source: https://ai.google.dev/api/generate-content

import { type Extra, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { reportFields } from "../foreign.ts";
import { objectsOf } from "../json-read.ts";
import type { WireId } from "../type.ts";

/** This wire's key in every `extra`. */
export const ID = "gemini" satisfies WireId;

/** The longest name of a tool that every model takes. */
export const NAME_LIMIT = 64;

// Type aliases rather than interfaces: only those fit where a JsonObject is asked for.

export type Blob = { mimeType?: string; data: string };

export type FileData = { fileUri: string; mimeType?: string };

export type FunctionCall = { id?: string; name: string; args: JsonObject };

export type FunctionResponse = { id?: string; name: string; response: JsonObject; parts?: JsonObject[] };

export type FunctionDeclaration = { name: string; description?: string; parametersJsonSchema?: JsonObject };

export type ModalityCount = { modality: string; tokenCount: number };

export type UsageBody = {
  promptTokenCount: number;
  candidatesTokenCount: number;
  totalTokenCount: number;
  cachedContentTokenCount?: number;
  thoughtsTokenCount?: number;
  promptTokensDetails?: { modality: string; tokenCount: number }[];
  candidatesTokensDetails?: { modality: string; tokenCount: number }[];
};

export type FinishWord =
  | "STOP"
  | "MAX_TOKENS"
  | "SAFETY"
  | "RECITATION"
  | "LANGUAGE"
  | "OTHER"
  | "BLOCKLIST"
  | "PROHIBITED_CONTENT"
  | "SPII"
  | "MALFORMED_FUNCTION_CALL"
  | "IMAGE_SAFETY"
  | "IMAGE_PROHIBITED_CONTENT"
  | "IMAGE_RECITATION"
  | "IMAGE_OTHER"
  | "NO_IMAGE"
  | "UNEXPECTED_TOOL_CALL"
  | "TOO_MANY_TOOL_CALLS"
  | "MALFORMED_RESPONSE"
  | "MISSING_THOUGHT_SIGNATURE"
  | "CONTINUATION";

/** This wire's own entry; empty where there is none. */
export function ownFields(extra: Extra | undefined): JsonObject {
  return extra?.[ID] ?? {};
}

/** `{ extra }` with this wire's own fields, to be spread into an IR value; nothing where there are none. */
export function asExtra(fields: JsonObject): { extra?: Extra } {
  return Object.keys(fields).length === 0 ? {} : { extra: { [ID]: fields } };
}

/** A count, which Google's JSON writes as a number or, for wide ones, as text; 0 where it is neither. */
export function countOf(value: Json | undefined): number {
  const count = typeof value === "string" ? Number(value) : value;
  return typeof count === "number" && Number.isFinite(count) && count > 0 ? Math.floor(count) : 0;
}

/** The objects of a list; Google's servers take a single one for a list of it. */
export function listObjects(value: Json | undefined): JsonObject[] {
  return isJsonObject(value) ? [value] : objectsOf(value);
}

/** Google's servers take every field in lower camel case and in snake case: the same object with `names` in camel case. */
export function unifyNames(source: JsonObject, names: readonly string[]): JsonObject {
  const keys = Object.keys(source);
  if (!keys.some((key) => key.includes("_"))) return source;
  return Object.fromEntries(
    Object.entries(source).map(([key, value]) => {
      const camel = key.replaceAll(/_([a-z0-9])/gu, (_match, letter: string) => letter.toUpperCase());
      return [names.includes(camel) ? camel : key, value];
    }),
  );
}

/** False for what a client may as well leave out: null, false, an empty list or object. */
export function asksForSomething(value: Json): boolean {
  if (value === null || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** Where the encoding of a request's parts stands, and what it depends on. */
export interface Place {
  /** Such as `messages[3].content[0]`. */
  path: string;
  dropped: string[];
  /** True where the client speaks this format itself: its names and files are the provider's to judge. */
  isOwn: boolean;
}

/** Names what another format's client said of something beyond the canonical words. */
export function reportForeign(extra: Extra | undefined, { path, dropped }: Pick<Place, "path" | "dropped">): void {
  if (extra !== undefined) reportFields(foreignOf(extra), path, dropped);
}

/** All entries but this wire's own. */
export function foreignOf({ [ID]: _own, ...others }: Extra): Extra {
  return others;
}
