// Probes of how a request is to be answered, and the list of all that requests can ask for. Knows no format.

import { type Json, type Reasoning, type Request, isJsonObject } from "../ir/index.ts";
import { MESSAGE_PROBES } from "./capability-message.ts";
import { type RequestProbe, asked, listParts, probeField, readField, some } from "./capability-probe.ts";
import { TOOL_PROBES } from "./capability-tool.ts";

function isNone(reasoning: Reasoning | undefined): boolean {
  return reasoning?.effort === "none";
}

function probeReasoning(feature: string, about: string, reasoning: Reasoning, field: keyof Reasoning): RequestProbe {
  return {
    feature,
    about,
    ask: () => ({ reasoning, maxOutputTokens: 48_000 }),
    bare: { maxOutputTokens: 48_000 },
    facts: { reasoning: field === "budgetTokens" ? "budget" : "effort" },
    read: ({ reasoning: wish }) => (isNone(wish) === isNone(reasoning) ? wish?.[field] : undefined),
  };
}

function readMarks(ttl: (value: string | null) => boolean) {
  return (request: Request): unknown =>
    some(
      [...listParts(request), ...request.tools].flatMap((part) =>
        "cache" in part && part.cache !== undefined && ttl(part.cache.ttl) ? [part.cache] : [],
      ),
    );
}

const SCHEMA = {
  type: "object",
  properties: { probe: { type: "string" } },
  required: ["probe"],
  additionalProperties: false,
};

/** Some providers demand that a schema says it is closed, which changes nothing of what it asks for. */
function loosen(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(loosen);
  if (!isJsonObject(schema)) return schema;
  const entries = Object.entries(schema).filter(([name, value]) => name !== "additionalProperties" || value !== false);
  return Object.fromEntries(entries.map(([name, value]) => [name, loosen(value)]));
}

const ANSWER_PROBES: readonly RequestProbe[] = [
  {
    feature: "json",
    about: "an answer in JSON",
    ask: () => ({ responseFormat: { type: "json" } }),
    read: ({ responseFormat }) => (responseFormat?.type === "json" ? true : undefined),
  },
  {
    feature: "json-schema",
    about: "an answer that matches a schema",
    ask: () => ({
      responseFormat: { type: "json-schema", name: "probe", description: null, schema: SCHEMA, strict: true },
    }),
    read: ({ responseFormat }) => (responseFormat?.type === "json-schema" ? loosen(responseFormat.schema) : undefined),
  },
  probeReasoning("effort", "reasoning by effort", { effort: "high" }, "effort"),
  { ...probeReasoning("effort-none", "no reasoning", { effort: "none" }, "effort"), isUsual: true },
  probeReasoning("budget", "reasoning by a budget of tokens", { budgetTokens: 4_096 }, "budgetTokens"),
  {
    ...probeReasoning("adaptive", "the model decides how much it reasons", { adaptive: true }, "adaptive"),
    isUsual: true,
  },
  probeField("logprobs", "probabilities of tokens", "logprobs", true),
  {
    feature: "several",
    about: "several answers",
    ask: () => ({ choices: 2 }),
    read: ({ choices }) => ((choices ?? 1) > 1 ? choices : undefined),
  },
  probeField("verbosity", "length in the model's judgement", "verbosity", "low"),
  {
    feature: "speech",
    about: "an answer that is spoken",
    ask: () => ({ modalities: ["text", "audio"] }),
    read: ({ modalities }) => (modalities?.includes("audio") === true ? modalities : undefined),
  },
];

const PARAMETERS: readonly RequestProbe[] = [
  probeField("max-tokens", "limit of output", "maxOutputTokens", 1_234),
  probeField("temperature", "temperature", "temperature", 0.25),
  probeField("top-p", "top_p", "topP", 0.75),
  probeField("top-k", "top_k", "topK", 7),
  probeField("frequency-penalty", "frequency penalty", "frequencyPenalty", 0.5),
  probeField("presence-penalty", "presence penalty", "presencePenalty", 0.5),
  probeField("seed", "seed", "seed", 4_711),
  probeField("stop", "stop sequences", "stop", ["PROBE"]),
  probeField("user", "the end user's id", "user", "probe-user"),
  probeField("safety-identifier", "the end user's id against abuse", "safetyIdentifier", "probe-safety"),
  {
    feature: "metadata",
    about: "metadata",
    ask: () => ({ metadata: { probe: "yes" } }),
    read: readField("metadata"),
  },
  probeField("service-tier", "service tier", "serviceTier", "flex"),
  {
    feature: "cache-mark",
    about: "marks for the prompt cache",
    ask: () => asked({ type: "text", text: "A long text.", cache: { ttl: null } }),
    bare: asked({ type: "text", text: "A long text." }),
    facts: { takesCacheMarks: true },
    read: readMarks((ttl) => ttl !== "1h"),
  },
  {
    feature: "cache-mark-1h",
    about: "marks that last an hour",
    ask: () => asked({ type: "text", text: "A long text.", cache: { ttl: "1h" } }),
    bare: asked({ type: "text", text: "A long text." }),
    facts: { takesCacheMarks: true },
    read: readMarks((ttl) => ttl === "1h"),
  },
  probeField("cache-key", "key of the prompt cache", "promptCacheKey", "probe-key"),
];

export const REQUEST_PROBES: readonly RequestProbe[] = [
  ...MESSAGE_PROBES,
  ...TOOL_PROBES,
  ...ANSWER_PROBES,
  ...PARAMETERS,
];
