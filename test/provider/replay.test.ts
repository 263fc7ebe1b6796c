// Recorded traffic of the vendors, sent again by a client of the gateway: it reaches the same address with the same body and the vendor's own
// key, and the recorded answer comes back byte for byte. A vendor took these very bodies, so nothing may be left out of them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type JsonObject, isJsonObject } from "../../src/ir/index.ts";
import type { ProviderSettings } from "../../src/provider/index.ts";
import { KINDS } from "../../src/provider/index.ts";
import { type Interaction, listRecordings, readRecording } from "../fixture.ts";
import { type Rig, type UpstreamCall, makeProviderSettings, makeRig } from "../rig.ts";

const KEY = "sk-replay-0123456789";

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

interface Case {
  name: string;
  vendor: Vendor;
  request: NonNullable<Interaction["request"]> & { body: JsonObject };
  response: Interaction["response"];
  path: string;
  /** As the vendor knows it. */
  model: string;
}

const CASES: Case[] = listRecordings().flatMap(({ file }) => {
  const vendor = VENDORS.find(([pattern]) => pattern.test(file))?.[1];
  if (vendor === undefined) return [];
  return readRecording(file).flatMap(({ request, response }, index): Case[] => {
    const found = request === null ? null : choosePath(new URL(request.url));
    if (request === null || found === null || request.body === null) return [];
    // One recording changes vendors in the middle.
    if (vendor.kind === "openai" && !request.url.startsWith("https://api.openai.com/")) return [];
    const { body } = request;
    const model = found.model ?? (typeof body["model"] === "string" ? body["model"] : "");
    return [{ name: `${file} ${index + 1}`, vendor, request: { ...request, body }, response, path: found.path, model }];
  });
});

let rig: Rig;
let client = "";
let current: Case | null = null;
let received: UpstreamCall | null = null;

beforeAll(async () => {
  const vendors = new Map(CASES.map(({ vendor }) => [nameOf(vendor), vendor]));
  rig = await makeRig({
    upstream(call) {
      if (call.url.includes("/service-accounts/")) return Response.json({ access_token: KEY, expires_in: 3_600 });
      if (call.method === "GET") return Response.json({ data: [], models: [] });
      received = call;
      if (current === null) throw new Error("no case is running");
      const { status, bytes, headers } = current.response;
      const type = headers["content-type"] ?? (isStream(current) ? "text/event-stream" : "application/json");
      return new Response(Buffer.from(bytes), { status, headers: { "content-type": type } });
    },
    config: (config) => ({ ...config, providers: [...vendors].map(([name, vendor]) => makeSettings(name, vendor)) }),
  });
  client = (await rig.issue()).token;
});
afterAll(() => rig.close());

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
    apiKey: kind === "vertex" ? null : KEY,
    options,
  });
}

function isStream({ request }: Case): boolean {
  return request.body["stream"] === true || request.url.includes(":streamGenerateContent");
}

test("there is traffic of every vendor of whom requests were recorded", () => {
  const kinds = new Set(CASES.map(({ vendor }) => vendor.kind));
  expect([...kinds].toSorted()).toEqual([
    "anthropic",
    "azure",
    "compatible",
    "deepseek",
    "gemini",
    "groq",
    "huggingface",
    "mistral",
    "ollama-cloud",
    "openai",
    "openrouter",
    "vercel",
    "vertex",
    "xai",
    "zai",
  ]);
  expect(CASES.length).toBeGreaterThan(80);
});

/** Headers that a provider may see; what else a client sends is none of its business. */
const ALLOWED = new Set([
  "anthropic-version",
  "api-key",
  "authorization",
  "content-type",
  "x-api-key",
  "x-goog-api-key",
]);

describe("recorded traffic", () => {
  for (const each of CASES) {
    test(each.name, async () => {
      current = each;
      received = null;
      const { url } = each.request;
      const model = `${nameOf(each.vendor)}/${each.model}`;
      const response = await rig.send(each.path.replace("{model}", encodeURIComponent(model)), {
        token: client,
        body: makeBody(each, model),
        headers: { cookie: "c=1", "x-forwarded-for": "10.0.0.1" },
      });
      const call = received as UpstreamCall | null;
      const text = (await response.text()).replaceAll(/^: x-tokligence-.*\n\n/gmu, "");
      expect(response.status).toBe(each.response.status);
      // What no provider would take is not sent at all.
      if (call === null) return expect(response.status).toBe(400);
      expect(call.url).toBe(url.replace(/\?beta=true$/u, ""));
      expect(call.body).toEqual(expectBody(each));
      expect(response.headers.get("x-tokligence-dropped")).toBeNull();
      expect([...call.headers.keys()].filter((name) => !ALLOWED.has(name))).toEqual([]);
      const [header, value] = CREDENTIALS[each.vendor.kind] ?? ["authorization", `Bearer ${KEY}`];
      expect(call.headers.get(header)).toBe(value);
      // An error in a stream is its end, whatever the vendor sent behind it.
      const expected = text.includes('"error":{')
        ? each.response.body.replace("data: [DONE]\n\n", "")
        : each.response.body;
      if (!hidesUsage(each)) expect(text).toBe(expected);
    });
  }
});

const CREDENTIALS: Readonly<Record<string, readonly [header: string, value: string]>> = {
  anthropic: ["x-api-key", KEY],
  azure: ["api-key", KEY],
  gemini: ["x-goog-api-key", KEY],
};

/** What the vendor took, as a client of the gateway says it. */
function makeBody({ request: { body }, path }: Case, model: string): JsonObject {
  if (path.startsWith("/v1beta/")) return body;
  const { anthropic_version: _, ...rest } = body;
  return { ...rest, model };
}

/** Only the model's name is the gateway's to change, that a chat stream tells its usage, and what asks for nothing. */
function expectBody({ request: { body }, vendor, path, model }: Case): JsonObject {
  const expected: JsonObject = { ...body };
  if (Array.isArray(body["tools"]) && body["tools"].length === 0) delete expected["tools"];
  if (/^(?:o\d|gpt-5(?:-|$))/u.test(model) && body["temperature"] === 1) delete expected["temperature"];
  const isChat = path === "/v1/chat/completions";
  if (isChat && body["stream"] === true && vendor.kind !== "mistral") {
    const options = body["stream_options"];
    expected["stream_options"] = { ...(isJsonObject(options) ? options : {}), include_usage: true };
  }
  return expected;
}

/** A client that did not ask for usage does not get what the gateway asked for. */
function hidesUsage({ request: { body }, path }: Case): boolean {
  return path === "/v1/chat/completions" && body["stream"] === true && body["stream_options"] === undefined;
}
