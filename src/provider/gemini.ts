// Google's Gemini API. https://ai.google.dev/api — model and method stand in the address; models differ in how they are told to think.

import type { JsonObject } from "../ir/index.ts";
import { isJsonObject } from "../ir/index.ts";
import type { ModelFacts, WireId } from "../wire/type.ts";
import type { ProviderKindDefinition } from "./kind.ts";
import { describeMissingKey } from "./openai-like.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Endpoint, ListedModel, Provider } from "./type.ts";

export const gemini: ProviderKindDefinition = {
  about: "Google's Gemini API",
  baseUrl: "https://generativelanguage.googleapis.com",
  keyVariables: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
  urlVariables: ["GOOGLE_GEMINI_BASE_URL"],
  needsKey: true,
  options: {},
  patterns: ["gemini-*"],
  make: makeGemini,
};

function makeGemini(settings: ProviderSettings): Provider {
  // The version may be part of the address, as in those that other programs are given.
  const server = settings.baseUrl.replace(/\/v\d+(?:alpha|beta)?\d*$/u, "");
  const root = server === settings.baseUrl ? `${server}/v1beta` : settings.baseUrl;
  return {
    name: settings.name,
    speaks: () => ["gemini", "gemini-count", "gemini-batch-embed", "gemini-embed"],
    plainName: (model) => model.replace(/^(?:models\/)+/u, ""),
    endpoint: (wire, target) => locateMethod(root, wire, target),
    authorize: null,
    headers: {
      ...(settings.apiKey === null ? {} : { "x-goog-api-key": settings.apiKey }),
      ...settings.headers,
    },
    requestHeaders: ["traceparent", "tracestate"],
    responseHeaders: ["retry-after"],
    listing: { url: `${root}/models?pageSize=1000`, decode: decodeListing },
    knownModels: [],
    missing: describeMissingKey(settings),
    pricing: { vendor: "google" },
    facts: (model) => findGeminiFacts(model, settings.maxOutputTokens),
    // https://ai.google.dev/api/files: what is uploaded is sent above all versions.
    rest: { baseUrl: root, offers: [], beside: { baseUrl: server, paths: /^\/(?:download|upload|v\d\w*)\//u } },
    answer: null,
  };
}

const METHODS: Partial<Record<WireId, string>> = {
  gemini: "generateContent",
  "gemini-batch-embed": "batchEmbedContents",
  "gemini-count": "countTokens",
  "gemini-embed": "embedContent",
};

function locateMethod(root: string, wire: WireId, { model, stream }: { model: string; stream: boolean }): Endpoint {
  const method = wire === "gemini" && stream ? "streamGenerateContent?alt=sse" : METHODS[wire];
  const name = model.split("/").map(encodeURIComponent).join("/");
  return { url: `${root}/${/^(?:models|tunedModels)\//u.test(model) ? "" : "models/"}${name}:${method ?? ""}` };
}

type Facts = Omit<ModelFacts, "defaultMaxOutputTokens">;

const FLASH: Facts = {
  maxOutputTokens: 65_536,
  reasoning: "budget",
  budget: { least: 0, most: 24_576, canStop: true },
};

const SILENT: Facts = { maxOutputTokens: 8_192, reasoning: "none" };

/** Levels of thinking have replaced budgets, and results of tools may hold media. */
const NEWER: Facts = {
  maxOutputTokens: 65_536,
  reasoning: "effort",
  efforts: ["minimal", "low", "medium", "high"],
  takesMediaResults: true,
};

/** A model that always thinks at least a little. */
const PRO: Facts = { ...NEWER, efforts: ["low", "medium", "high"] };

/**
 * By form of the model's name, first match. Budgets, levels and limits as of 2026-11: https://ai.google.dev/gemini-api/docs/thinking and
 * https://ai.google.dev/gemini-api/docs/models
 */
const FACTS: readonly [name: RegExp, facts: Facts][] = [
  [/embedding|-tts|-image|-live|native-audio/u, { maxOutputTokens: null, reasoning: "none" }],
  [/^gemini-1|^gemini-2\.0|^gemma|^learnlm/u, SILENT],
  [/^gemini-2\.5-flash-lite/u, { ...FLASH, budget: { least: 512, most: 24_576, canStop: true } }],
  [/^gemini-2\.5-flash/u, FLASH],
  [/^gemini-2\.5-pro/u, { ...FLASH, budget: { least: 128, most: 32_768, canStop: false } }],
  [/^gemini-3-pro/u, { ...PRO, efforts: ["low", "high"] }],
  [/^gemini-(?:[\d.]+-)?pro/u, PRO],
  [/^gemini-3\.5-flash-lite/u, { ...NEWER, refuses: ["frequencyPenalty", "presencePenalty"] }],
];

/** What is known of a model of Google's, whoever serves it. */
export function findGeminiFacts(model: string, wanted: number | null): ModelFacts {
  const name = model.toLowerCase().replace(/^.*\//u, "");
  const facts = FACTS.find(([form]) => form.test(name))?.[1] ?? NEWER;
  return { ...facts, defaultMaxOutputTokens: wanted ?? facts.maxOutputTokens ?? SILENT.maxOutputTokens ?? 0 };
}

/** What of a model's methods is asked for here. */
const USED_METHODS = ["generateContent", "embedContent", "batchEmbedContents"];

function decodeListing(body: JsonObject): ListedModel[] {
  const rows = Array.isArray(body["models"]) ? body["models"] : [];
  const models: ListedModel[] = [];
  for (const row of rows) {
    if (!isJsonObject(row) || typeof row["name"] !== "string") continue;
    const methods = row["supportedGenerationMethods"];
    const isUsed = !Array.isArray(methods) || methods.some((method) => USED_METHODS.some((used) => used === method));
    if (isUsed) models.push({ id: row["name"].replace(/^models\//u, ""), createdAt: null, ownedBy: "google" });
  }
  return models;
}
