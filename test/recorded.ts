// The recordings that hold requests, as calls of a client of the gateway: where each goes, what it says, and which provider it was taken from.

import { type JsonObject } from "../src/ir/index.ts";
import type { ProviderSettings } from "../src/provider/index.ts";
import { KINDS } from "../src/provider/index.ts";
import { type Interaction, listRecordings, readRecording } from "./fixture.ts";
import { makeProviderSettings } from "./rig.ts";

export const RECORDED_KEY = "sk-replay-0123456789";

interface Vendor {
  kind: string;
  /** Where the recording was taken under another address than the kind's usual one. */
  baseUrl?: string;
  options?: Record<string, string>;
}

/** Whose provider a recording was taken from. */
const VENDORS: readonly (readonly [file: RegExp, vendor: Vendor])[] = [
  [/^anthropic\//, { kind: "anthropic" }],
  [/^azure\//, { kind: "azure", baseUrl: "https://fantasy-playground-resource.openai.azure.com" }],
  [/^deepseek\//, { kind: "deepseek" }],
  [/^gemini\/.*without_id/, { kind: "compatible", baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai" }],
  [/^gemini\//, { kind: "gemini" }],
  [/^groq\//, { kind: "groq" }],
  [/^huggingface\/pydantic-ai\//, { kind: "huggingface", baseUrl: "https://router.huggingface.co/nebius/v1" }],
  [/^huggingface\//, { kind: "huggingface" }],
  [/^mistral\//, { kind: "mistral" }],
  [/^ollama\//, { kind: "ollama-cloud" }],
  [/^openai\//, { kind: "openai" }],
  [/^openrouter\//, { kind: "openrouter" }],
  [/^vercel-gateway\//, { kind: "vercel" }],
  [/^vertex\/fantasy\//, { kind: "vertex", options: { project: "fantasy-playground-472418", location: "us-east5" } }],
  [/^vertex\/pydantic-ai\//, { kind: "vertex", options: { project: "pydantic-ai", location: "global" } }],
  [/^xai\//, { kind: "xai" }],
  [/^zai\/fantasy\//, { kind: "zai", baseUrl: "https://api.z.ai/api/coding/paas/v4" }],
  [/^zai\//, { kind: "zai" }],
];

/** The gateway's own path for what was recorded, and the model where the address tells it. */
function choosePath(url: URL): { path: string; model: string | null } | null {
  const { pathname } = url;
  if (pathname.endsWith("/chat/completions")) return { path: "/v1/chat/completions", model: null };
  if (pathname.endsWith("/responses")) return { path: "/v1/responses", model: null };
  if (pathname.endsWith("/messages")) return { path: `/v1/messages${url.search}`, model: null };
  if (pathname.endsWith("/embeddings")) return { path: "/v1/embeddings", model: null };
  const [, model, method] = /\/models\/([^/:]+):(\w+)$/u.exec(pathname) ?? [];
  if (model === undefined || method === undefined) return null;
  if (method === "rawPredict") return { path: "/v1/messages", model: decodeURIComponent(model) };
  // Asked for as a stream, in whatever framing: the provider is always asked for events.
  return METHODS.has(method) ? { path: `/v1beta/models/{model}:${method}${url.search}`, model } : null;
}

const METHODS = new Set(["countTokens", "generateContent", "streamGenerateContent"]);

export interface RecordedCase {
  name: string;
  vendor: Vendor;
  request: NonNullable<Interaction["request"]> & { body: JsonObject };
  response: Interaction["response"];
  path: string;
  /** As the vendor knows it. */
  model: string;
}

export const RECORDED_CASES: RecordedCase[] = listRecordings().flatMap(({ file }) => {
  const vendor = VENDORS.find(([pattern]) => pattern.test(file))?.[1];
  if (vendor === undefined) return [];
  return readRecording(file).flatMap(({ request, response }, index): RecordedCase[] => {
    const found = request === null ? null : choosePath(new URL(request.url));
    if (request === null || found === null || request.body === null) return [];
    // One recording changes vendors in the middle.
    if (vendor.kind === "openai" && !request.url.startsWith("https://api.openai.com/")) return [];
    const { body } = request;
    const model = found.model ?? (typeof body["model"] === "string" ? body["model"] : "");
    return [{ name: `${file} ${index + 1}`, vendor, request: { ...request, body }, response, path: found.path, model }];
  });
});

export function listRecordedProviders(): ProviderSettings[] {
  const vendors = new Map(RECORDED_CASES.map(({ vendor }) => [nameOf(vendor), vendor]));
  return [...vendors].map(([name, vendor]) => makeSettings(name, vendor));
}

/** As a client asks for it. */
export function nameRecordedModel({ vendor, model }: RecordedCase): string {
  return `${nameOf(vendor)}/${model}`;
}

/** What the vendor took, as a client of the gateway says it. */
export function makeRecordedBody({ request: { body }, path }: RecordedCase, model: string): JsonObject {
  if (path.startsWith("/v1beta/")) return body;
  const { anthropic_version: _, ...rest } = body;
  return { ...rest, model };
}

/** The recorded answer; `text` in place of its own. */
export function answerRecorded(recorded: RecordedCase, text?: string): Response {
  const { status, bytes, headers } = recorded.response;
  const type = headers["content-type"] ?? (isStream(recorded) ? "text/event-stream" : "application/json");
  return new Response(text ?? Buffer.from(bytes), { status, headers: { "content-type": type } });
}

function nameOf({ kind, baseUrl, options }: Vendor): string {
  return [kind, baseUrl === undefined ? "" : "elsewhere", options?.["location"] ?? ""]
    .filter((part) => part !== "")
    .join("-");
}

function makeSettings(name: string, { kind, baseUrl, options = {} }: Vendor): ProviderSettings {
  return makeProviderSettings({
    name,
    kind,
    baseUrl: baseUrl ?? KINDS.get(kind)?.baseUrl ?? "",
    apiKey: kind === "vertex" ? null : RECORDED_KEY,
    options,
  });
}

function isStream({ request }: RecordedCase): boolean {
  return request.body["stream"] === true || request.url.includes(":streamGenerateContent");
}
