// Google's Vertex AI: Gemini and Claude in their makers' formats, other makers' models in OpenAI's, all with the model in the address and
// one sign-in. https://docs.cloud.google.com/vertex-ai/generative-ai/docs

import type { WireId } from "../wire/type.ts";
import { findClaudeFacts } from "./anthropic.ts";
import { fetchGoogleToken, judgeCredentials, parseCredentials } from "./google-token.ts";
import { findGeminiFacts } from "./gemini.ts";
import { HOST_LABEL, PATH_NAME, type ProviderKindDefinition, type ProviderTools } from "./kind.ts";
import type { ProviderSettings } from "./settings.ts";
import { keepToken } from "./token.ts";
import type { Endpoint, Provider } from "./type.ts";

export const vertex: ProviderKindDefinition = {
  about: "Google Vertex AI",
  baseUrl: "",
  keyVariables: [],
  urlVariables: ["GOOGLE_VERTEX_BASE_URL"],
  needsKey: false,
  impliedBy: [
    ["GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"],
    ["GOOGLE_CLOUD_PROJECT", "GOOGLE_GENAI_USE_VERTEXAI"],
  ],
  options: {
    credentials: {
      about: "The JSON of a service account, a login or a federated identity; unset: the machine's own account",
      variables: [],
      fileVariables: ["GOOGLE_APPLICATION_CREDENTIALS"],
      usualFile: "~/.config/gcloud/application_default_credentials.json",
      example: "",
      secret: true,
    },
    location: {
      about: "Where the models run: a region, or global",
      variables: ["GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION"],
      example: "europe-west4",
      fallback: "global",
      form: HOST_LABEL,
    },
    project: {
      about: "The project that is billed; unset: that of the service account",
      variables: ["GOOGLE_CLOUD_PROJECT", "ANTHROPIC_VERTEX_PROJECT_ID"],
      example: "my-project",
      form: PATH_NAME,
    },
  },
  patterns: ["gemini-*"],
  judgeRemote({ apiKey, options }) {
    const message =
      apiKey === null || options["credentials"] !== undefined ? judgeCredentials(options["credentials"]) : null;
    return message === null ? null : { field: "credentials", message };
  },
  make: makeVertex,
};

/** What is asked of a model, by the format: the address' last word for a whole answer and for a stream. */
const METHODS: Readonly<Partial<Record<WireId, readonly [whole: string, stream: string]>>> = {
  "anthropic-messages": ["rawPredict", "streamRawPredict"],
  gemini: ["generateContent", "streamGenerateContent?alt=sse"],
  "gemini-count": ["countTokens", "countTokens"],
};

function makeVertex(settings: ProviderSettings, tools: ProviderTools): Provider {
  const { apiKey, maxOutputTokens, name, options } = settings;
  const credentials = options["credentials"] === undefined ? null : parseCredentials(options["credentials"]);
  const project = options["project"] ?? readProject(credentials?.["project_id"]);
  const location = options["location"] ?? "global";
  const root = settings.baseUrl === "" ? makeRoot(location) : settings.baseUrl;
  const place =
    project === null ? "" : `/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(location)}`;
  const token = keepToken(tools, () => fetchGoogleToken(tools, { name, credentials }));
  const isExpress = apiKey !== null && project === null;
  return {
    name,
    speaks: listSpoken,
    endpoint: (wire, target) => describeEndpoint(wire, { ...target, root, place }),
    authorize: apiKey === null ? async () => ({ authorization: `Bearer ${await token()}` }) : null,
    headers: { ...(apiKey === null ? {} : { "x-goog-api-key": apiKey }), ...settings.headers },
    requestHeaders: ["traceparent", "tracestate"],
    responseHeaders: ["retry-after"],
    listing: null,
    knownModels: [],
    missing: describeMissing(settings, { hasPlace: project !== null || isExpress, isReadable: isReadable(settings) }),
    pricing: { vendor: "google" },
    facts: (model) =>
      isClaude(model)
        ? findClaudeFacts(model.replace("@", "-"), maxOutputTokens)
        : findGeminiFacts(model, maxOutputTokens),
    rest: project === null ? null : { baseUrl: `${root}/v1${place}`, offers: [] },
    answer: null,
  };
}

function isClaude(model: string): boolean {
  return model.toLowerCase().startsWith("claude");
}

/** `maker/model` is a model as a service, which Vertex offers in OpenAI's format. */
function listSpoken(model: string): readonly WireId[] {
  if (isClaude(model)) return ["anthropic-messages", "anthropic-count"];
  return model.includes("/") ? ["openai-chat"] : ["gemini", "gemini-count"];
}

interface Target {
  model: string;
  stream: boolean;
  root: string;
  place: string;
}

function describeEndpoint(wire: WireId, { model, stream, root, place }: Target): Endpoint {
  const claude = `${root}/v1${place}/publishers/anthropic/models`;
  const method = METHODS[wire]?.[stream ? 1 : 0] ?? "";
  switch (wire) {
    case "anthropic-count":
      // The model stays in the body here. https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens
      return { url: `${claude}/count-tokens:rawPredict`, set: VERSION, requestHeaders: ["anthropic-beta"] };
    case "anthropic-messages":
      return {
        url: `${claude}/${encodeURIComponent(model).replace("%40", "@")}:${method}`,
        remove: ["model"],
        set: VERSION,
        requestHeaders: ["anthropic-beta"],
      };
    case "openai-chat":
      return { url: `${root}/v1${place}/endpoints/openapi/chat/completions`, refused: ["search_parameters"] };
    default:
      // As Google's own clients do: the newest fields are there first.
      return { url: `${root}/v1beta1${place}/publishers/google/models/${encodeURIComponent(model)}:${method}` };
  }
}

/** In place of the header of Anthropic's own interface. */
const VERSION = { anthropic_version: "vertex-2023-10-16" };

/** `us` and `eu` are several regions at once. */
function makeRoot(location: string): string {
  if (location === "global") return "https://aiplatform.googleapis.com";
  if (location === "us" || location === "eu") return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

function readProject(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isReadable({ options }: ProviderSettings): boolean {
  return options["credentials"] === undefined || parseCredentials(options["credentials"]) !== null;
}

function describeMissing(
  { name }: ProviderSettings,
  { hasPlace, isReadable }: { hasPlace: boolean; isReadable: boolean },
): string | null {
  if (!isReadable)
    return `Provider "${name}" has credentials that are no JSON object. Name Google's file in credentials_file.`;
  if (hasPlace) return null;
  return `Provider "${name}" has no project. Set [provider.${name}] project or GOOGLE_CLOUD_PROJECT and reload the gateway.`;
}
