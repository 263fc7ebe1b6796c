// What OpenAI's two strict formats share: the key, the words of a refusal, names of tools, and what a strict schema must be.

import * as z from "zod";
import { Refusal } from "./strict.ts";

export const UPSTREAM_KEY = "sk-strict-0123456789";

export const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/u);

export function requireBearer(headers: Headers): void {
  if (headers.get("authorization") === `Bearer ${UPSTREAM_KEY}`) return;
  throw new Refusal("Incorrect API key provided.", { status: 401, code: "invalid_api_key" });
}

export function sayOpenai(path: string, { kind, text }: { kind: "unknown" | "wrong"; text: string }): string {
  return kind === "unknown" ? `Unknown parameter: '${path}'.` : `Invalid value for '${path}': ${text}.`;
}

export function printOpenaiRefusal({ status, message, param, code }: Refusal): Response {
  return Response.json({ error: { message, type: "invalid_request_error", param, code } }, { status });
}

/** Why a schema cannot be strict; null where it can. https://platform.openai.com/docs/guides/structured-outputs */
export function findLaxSchema(schema: unknown, path = "()"): string | null {
  if (Array.isArray(schema)) return firstOf(schema.map((item) => findLaxSchema(item, path)));
  if (typeof schema !== "object" || schema === null) return null;
  const fields = new Map<string, unknown>(Object.entries(schema));
  const properties = fields.get("properties");
  if (typeof properties === "object" && properties !== null) {
    if (fields.get("additionalProperties") !== false) {
      return `In context=${path}, 'additionalProperties' is required to be supplied and to be false.`;
    }
    const required = fields.get("required");
    const missing = Object.keys(properties).find((key) => !Array.isArray(required) || !required.includes(key));
    if (missing !== undefined) {
      return `In context=${path}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`;
    }
    return firstOf(Object.entries(properties).map(([key, value]) => findLaxSchema(value, `${path}.${key}`)));
  }
  return firstOf(["items", "anyOf", "$defs"].map((key) => findLaxSchema(fields.get(key), path)));
}

function firstOf(found: readonly (string | null)[]): string | null {
  return found.find((text) => text !== null) ?? null;
}

/** Models that can reason. */
export function isReasoner(model: string): boolean {
  return /^(?:gpt-5|gpt-oss|o\d)/u.test(model);
}

/** Served by others in OpenAI's format: reasons, and takes every parameter. */
export function isOpenModel(model: string): boolean {
  return model.startsWith("gpt-oss");
}

/** Whether one does: from 5.1 to 5.4 only if it is asked to. https://developers.openai.com/api/docs/guides/reasoning */
export function reasons(model: string, effort: string | null): boolean {
  const isAsked = /^gpt-5\.[1-4](?!\S*(?:codex|pro))/u.test(model);
  return isReasoner(model) && (isAsked ? (effort ?? "none") !== "none" : effort !== "none");
}
