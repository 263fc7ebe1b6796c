// What holds for every kind of provider in the table, so that a new row is tested by being there: addresses, credentials, lists, facts, prices.

import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { findProvider } from "@pydantic/genai-prices";
import { KINDS, type Provider, type ProviderKindDefinition, type ProviderSettings } from "../../src/provider/index.ts";
import { TARGETS, type WireId } from "../../src/wire/index.ts";
import { makeProviderSettings } from "../rig.ts";
import { openDesk } from "./sign-in.ts";

const KEY = "sk-contract-0123456789";
const MODELS = ["some-model", "maker/some-model", "claude-sonnet-4-5", "gpt-5.6", "gemini-2.5-flash", "o3", "grok-4"];
const ROWS = [...KINDS].filter(([name]) => name !== "loopback");

/** Options without which a kind can do nothing. */
const OPTIONS: Readonly<Record<string, Record<string, string>>> = {
  bedrock: { region: "eu-central-1" },
  vertex: { project: "p" },
};

function make(name: string, kind: ProviderKindDefinition, over: Partial<ProviderSettings> = {}): Provider {
  const settings = makeProviderSettings({
    name,
    kind: name,
    baseUrl: kind.baseUrl ?? kind.exampleUrl ?? "https://server.example.com/v1",
    apiKey: KEY,
    needsApiKey: kind.needsKey,
    options: OPTIONS[name] ?? {},
    ...over,
  });
  const refuse = (): never => {
    throw new Error("a provider with a key fetches nothing");
  };
  return openDesk(settings, { answer: refuse }).provider;
}

const endpoints = (provider: Provider): [WireId, string, Readonly<Record<string, string>>][] =>
  MODELS.flatMap((model) =>
    provider.speaks(model).flatMap((wire) =>
      [false, true].map((stream): [WireId, string, Readonly<Record<string, string>>] => {
        const { url, headers = {} } = provider.endpoint(wire, { model, stream });
        return [wire, url, headers];
      }),
    ),
  );

describe.each(ROWS)("%s", (name, kind) => {
  const provider = make(name, kind);

  test("is spoken to in some format, and translated to where it is one of chat", () => {
    for (const model of MODELS) {
      const wires = provider.speaks(model);
      expect(wires.length).toBeGreaterThan(0);
      expect(wires.filter((wire) => TARGETS.has(wire)).length).toBeGreaterThan(0);
    }
  });

  test("has one place for everything, over TLS unless it is one's own server, without a key in any address", () => {
    const urls = [...endpoints(provider).map(([, url]) => url), provider.listing?.url, provider.rest?.baseUrl];
    const parsed = urls.filter((url) => url !== undefined).map((url) => new URL(url));
    // Some give lists away under another name of theirs.
    expect(new Set(parsed.map(({ host }) => host.split(".").slice(-2).join("."))).size).toBe(1);
    for (const url of parsed) {
      expect(url.href).not.toContain(KEY);
      expect(url.pathname).not.toContain("//");
      expect(url.protocol === "https:" || url.hostname === "localhost").toBe(true);
    }
  });

  test("shows its key with every call, in a header", () => {
    if (name === "vertex") return expect(provider.headers).toEqual({ "x-goog-api-key": KEY });
    for (const [, , headers] of endpoints(provider)) {
      expect(Object.values({ ...provider.headers, ...headers }).join("\n")).toContain(KEY);
    }
    for (const header of Object.keys(provider.headers)) expect(header).toBe(header.toLowerCase());
  });

  test("says what is missing where its key is, and names how to give it", () => {
    const bare = make(name, kind, { apiKey: null, apiKeyNames: ["SOME_KEY"] });
    if (kind.needsKey) expect(bare.missing).toContain("SOME_KEY");
    expect(provider.missing).toBeNull();
    expect(JSON.stringify([bare.headers, endpoints(bare)])).not.toContain("null");
  });

  test("takes the operator's headers", () => {
    expect(make(name, kind, { headers: { "x-team": "a" } }).headers["x-team"]).toBe("a");
  });

  test("reads a list of models, and finds none in what is no list", () => {
    if (provider.listing === null) return;
    const { decode } = provider.listing;
    expect(decode({ error: "no" })).toEqual([]);
    expect(decode({ data: [null, 7, {}], models: [null, 7, {}] })).toEqual([]);
    const offered = { inferenceTypesSupported: ["ON_DEMAND"], outputModalities: ["TEXT"] };
    const rows = [{ id: "a", name: "models/a", modelId: "a", ...offered }];
    expect(decode({ data: rows, models: rows, modelSummaries: rows }).map(({ id }) => basename(id))).toEqual(["a"]);
  });

  test("knows limits that can be kept", () => {
    for (const model of MODELS) {
      const { defaultMaxOutputTokens, maxOutputTokens } = provider.facts(model);
      expect(defaultMaxOutputTokens).toBeGreaterThan(0);
      expect(defaultMaxOutputTokens).toBeLessThanOrEqual(maxOutputTokens ?? defaultMaxOutputTokens);
    }
    expect(make(name, kind, { maxOutputTokens: 100 }).facts("some-model").defaultMaxOutputTokens).toBe(100);
  });

  test("is priced by a list that knows it, or by its address", () => {
    const { pricing } = provider;
    if (typeof pricing === "object" && "vendor" in pricing) {
      expect(findProvider({ providerId: pricing.vendor })?.id).toBe(pricing.vendor);
    } else expect(pricing).toEqual({ apiUrl: expect.stringMatching(/^https?:/) });
  });

  test("never hands a client's credentials on", () => {
    const own = ["authorization", "api-key", "cookie", "x-api-key", "x-goog-api-key"];
    const asked = MODELS.flatMap((model) =>
      provider.speaks(model).flatMap((wire) => provider.endpoint(wire, { model, stream: false }).requestHeaders ?? []),
    );
    for (const header of [...provider.requestHeaders, ...asked]) expect(own).not.toContain(header);
  });
});

/** What the vendors' own pages say: where chat, Messages, Responses and embeddings are asked for. */
const ADDRESSES = {
  anthropic: { "anthropic-messages": "https://api.anthropic.com/v1/messages" },
  cerebras: { "openai-chat": "https://api.cerebras.ai/v1/chat/completions" },
  dashscope: {
    "anthropic-messages": "https://dashscope-intl.aliyuncs.com/apps/anthropic/v1/messages",
    "openai-chat": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions",
    "openai-embeddings": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/embeddings",
  },
  deepseek: {
    "anthropic-messages": "https://api.deepseek.com/anthropic/v1/messages",
    "openai-chat": "https://api.deepseek.com/chat/completions",
    "openai-responses": "https://api.deepseek.com/responses",
  },
  fireworks: {
    "anthropic-messages": "https://api.fireworks.ai/inference/v1/messages",
    "openai-chat": "https://api.fireworks.ai/inference/v1/chat/completions",
  },
  github: { "openai-chat": "https://models.github.ai/inference/chat/completions" },
  groq: { "openai-chat": "https://api.groq.com/openai/v1/chat/completions" },
  huggingface: { "openai-chat": "https://router.huggingface.co/v1/chat/completions" },
  litellm: { "openai-responses": "http://localhost:4000/v1/responses" },
  llamacpp: { "anthropic-messages": "http://localhost:8080/v1/messages" },
  lmstudio: { "openai-responses": "http://localhost:1234/v1/responses" },
  localai: { "openai-chat": "http://localhost:8080/v1/chat/completions" },
  minimax: {
    "anthropic-messages": "https://api.minimax.io/anthropic/v1/messages",
    "openai-chat": "https://api.minimax.io/v1/chat/completions",
    "openai-responses": "https://api.minimax.io/v1/responses",
  },
  mistral: {
    "openai-chat": "https://api.mistral.ai/v1/chat/completions",
    "openai-embeddings": "https://api.mistral.ai/v1/embeddings",
  },
  moonshot: {
    "anthropic-messages": "https://api.moonshot.ai/anthropic/v1/messages",
    "openai-chat": "https://api.moonshot.ai/v1/chat/completions",
    "openai-responses": "https://api.moonshot.ai/v1/responses",
  },
  nvidia: { "openai-chat": "https://integrate.api.nvidia.com/v1/chat/completions" },
  ollama: {
    "anthropic-messages": "http://localhost:11434/v1/messages",
    "openai-chat": "http://localhost:11434/v1/chat/completions",
    "openai-responses": "http://localhost:11434/v1/responses",
  },
  "ollama-cloud": { "openai-chat": "https://ollama.com/v1/chat/completions" },
  openai: {
    "openai-chat": "https://api.openai.com/v1/chat/completions",
    "openai-embeddings": "https://api.openai.com/v1/embeddings",
    "openai-responses": "https://api.openai.com/v1/responses",
  },
  openrouter: {
    "anthropic-messages": "https://openrouter.ai/api/v1/messages",
    "openai-chat": "https://openrouter.ai/api/v1/chat/completions",
    "openai-responses": "https://openrouter.ai/api/v1/responses",
  },
  perplexity: { "openai-responses": "https://api.perplexity.ai/v1/responses" },
  sambanova: { "anthropic-messages": "https://api.sambanova.ai/v1/messages" },
  sglang: { "anthropic-messages": "http://localhost:30000/v1/messages" },
  together: { "openai-chat": "https://api.together.ai/v1/chat/completions" },
  vercel: { "openai-chat": "https://ai-gateway.vercel.sh/v1/chat/completions" },
  vllm: { "openai-responses": "http://localhost:8000/v1/responses" },
  xai: {
    "openai-chat": "https://api.x.ai/v1/chat/completions",
    "openai-responses": "https://api.x.ai/v1/responses",
  },
  zai: {
    "anthropic-messages": "https://api.z.ai/api/anthropic/v1/messages",
    "openai-chat": "https://api.z.ai/api/paas/v4/chat/completions",
  },
} as const satisfies Record<string, Partial<Record<WireId, string>>>;

test.each(Object.entries<Partial<Record<WireId, string>>>(ADDRESSES))(
  "%s is where its pages say",
  (name, addresses) => {
    const kind = KINDS.get(name);
    if (kind === undefined) throw new Error(`there is no kind ${name}`);
    const provider = make(name, kind);
    for (const [wire, url] of Object.entries(addresses)) {
      expect(provider.speaks("some-model")).toContain(wire as WireId);
      expect(provider.endpoint(wire as WireId, { model: "some-model", stream: false }).url).toBe(url);
    }
  },
);

test("a second format that has another address is not spoken under a base URL that does not tell it", () => {
  const kind = KINDS.get("zai");
  if (kind === undefined) throw new Error("there is no zai");
  expect(make("zai", kind, { baseUrl: "https://proxy.example.com/glm" }).speaks("glm-5")).not.toContain(
    "anthropic-messages",
  );
  const coding = make("zai", kind, { baseUrl: "https://api.z.ai/api/coding/paas/v4" });
  expect(coding.endpoint("anthropic-messages", { model: "glm-5", stream: false }).url).toBe(
    "https://api.z.ai/api/anthropic/v1/messages",
  );
});

test("the operator's formats stand in place of those that a type is known for", () => {
  const kind = KINDS.get("compatible");
  if (kind === undefined) throw new Error("there is no compatible");
  const provider = make("compatible", kind, { options: { formats: "messages,chat" } });
  expect(provider.speaks("m")).toEqual(["anthropic-messages", "openai-chat"]);
  expect(provider.endpoint("anthropic-messages", { model: "m", stream: false })).toEqual({
    url: "https://server.example.com/v1/messages",
    headers: { "x-api-key": KEY, "anthropic-version": "2023-06-01" },
    requestHeaders: ["anthropic-beta"],
  });
});

describe("models", () => {
  const speaks = (kind: string, model: string) =>
    make(kind, KINDS.get(kind) as ProviderKindDefinition)
      .speaks(model)
      .filter((wire) => TARGETS.has(wire));
  test.each([
    ["gpt-4.1", ["openai-chat", "openai-responses"]],
    ["gpt-5-mini", ["openai-chat", "openai-responses"]],
    ["gpt-5-codex", ["openai-responses"]],
    ["gpt-5.2-pro", ["openai-responses"]],
    ["o3-deep-research", ["openai-responses"]],
    ["gpt-5.4", ["openai-responses", "openai-chat"]],
    ["gpt-5.6-terra", ["openai-responses", "openai-chat"]],
  ] as const)("of OpenAI: %s is spoken to in %j, what is translated to first", (model, wires) => {
    expect(speaks("openai", model)).toEqual([...wires]);
    expect(speaks("azure", model)).toEqual([...wires]);
  });

  const facts = (kind: string, model: string) => make(kind, KINDS.get(kind) as ProviderKindDefinition).facts(model);
  test.each([
    ["openai", "gpt-4.1", "none", undefined],
    ["openai", "o3", "effort", ["low", "medium", "high"]],
    ["openai", "gpt-5", "effort", ["minimal", "low", "medium", "high"]],
    ["openai", "gpt-5.1", "effort", ["none", "low", "medium", "high"]],
    ["openai", "gpt-5.6", "effort", ["none", "low", "medium", "high", "xhigh", "max"]],
    ["xai", "grok-4-fast", "none", undefined],
    ["xai", "grok-3-mini", "effort", ["low", "high"]],
    ["xai", "grok-4.5", "effort", ["low", "medium", "high"]],
    ["groq", "openai/gpt-oss-120b", "effort", undefined],
    ["groq", "llama-3.3-70b-versatile", "none", undefined],
    ["mistral", "mistral-large-latest", "none", undefined],
    ["deepseek", "deepseek-v4-pro", "effort", ["low", "high", "max"]],
  ] as const)("%s %s reasons by %s, of %j", (kind, model, reasoning, efforts) => {
    expect(facts(kind, model).reasoning).toBe(reasoning);
    expect(facts(kind, model).efforts).toEqual(efforts === undefined ? undefined : [...efforts]);
  });

  test("that sample by themselves take no temperature", () => {
    for (const [kind, model] of [
      ["openai", "o3"],
      ["openai", "gpt-5"],
      ["openai", "gpt-5.6"],
      ["moonshot", "kimi-k2.6"],
    ] as const) {
      expect(facts(kind, model).refuses).toContain("temperature");
    }
    for (const model of ["gpt-4.1", "gpt-5.1", "gpt-5-chat-latest"]) {
      expect(facts("openai", model).refuses ?? []).not.toContain("temperature");
    }
  });
});
