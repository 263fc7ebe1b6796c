// What each kind of provider is made of: addresses, credentials, and what is peculiar to its models.

import { describe, expect, test } from "bun:test";
import { makeProvider as makeWith, type ProviderSettings } from "../../src/provider/index.ts";
import { makeProviderSettings } from "../rig.ts";

function makeProvider(settings: ProviderSettings): ReturnType<typeof makeWith> {
  return makeWith(settings, {
    fetch: () => Promise.reject(new Error("no provider of these fetches anything")),
    readText: () => Promise.reject(new Error("no provider of these reads anything")),
    nowMs: () => 0,
    monotonicMs: () => 0,
  });
}

describe("openai", () => {
  const settings = makeProviderSettings({
    name: "openai",
    kind: "openai",
    baseUrl: "https://api.test/v1",
    apiKey: "sk-1",
    needsApiKey: true,
  });
  test("key, organisation and project travel in its headers; a client may name its own only where the operator did not", () => {
    const plain = makeProvider(settings);
    expect(plain.headers).toEqual({ authorization: "Bearer sk-1" });
    expect(plain.requestHeaders).toContain("openai-organization");
    const bound = makeProvider({
      ...settings,
      options: { organization: "org-1", project: "proj-1" },
      headers: { "x-team": "a" },
    });
    expect(bound.headers).toEqual({
      authorization: "Bearer sk-1",
      "openai-organization": "org-1",
      "openai-project": "proj-1",
      "x-team": "a",
    });
    expect(bound.requestHeaders.filter((name) => name.startsWith("openai-"))).toEqual(["openai-beta"]);
    expect(bound.endpoint("openai-chat", { model: "m", stream: false }).url).toBe(
      "https://api.test/v1/chat/completions",
    );
    expect(bound.pricing).toEqual({ vendor: "openai" });
  });
  test("without its key it names every setting that would help", () => {
    expect(makeProvider({ ...settings, apiKey: null }).missing).toBe(
      `Provider "openai" has no API key. Set openai_api_key or TOKLIGENCE_OPENAI_API_KEY and reload the gateway.`,
    );
    expect(makeProvider(settings).missing).toBeNull();
  });
});

describe("anthropic", () => {
  const settings = makeProviderSettings({
    name: "anthropic",
    kind: "anthropic",
    baseUrl: "https://a.test",
    apiKey: "k",
    needsApiKey: true,
  });
  test.each([
    ["claude-3-opus-20240229", 4_096, 4_096, "none"],
    ["claude-3-5-sonnet-20241022", 8_192, 8_192, "none"],
    ["claude-3-7-sonnet-20250219", 64_000, 32_000, "budget"],
    ["claude-opus-4-20250514", 32_000, 32_000, "budget"],
    ["Claude-Sonnet-4-5", 64_000, 32_000, "budget"],
    ["claude-sonnet-4-6", 128_000, 32_000, "effort"],
    ["claude-sonnet-5-5", null, 32_000, "effort"],
  ] as const)("%s: at most %p, %d unless asked, reasoning by %s", (model, most, unlessAsked, reasoning) => {
    expect(makeProvider(settings).facts(model)).toMatchObject({
      maxOutputTokens: most,
      defaultMaxOutputTokens: unlessAsked,
      reasoning,
    });
  });
  test("instructions may stand among the messages since Opus 4.8", () => {
    const takes = (model: string): boolean => makeProvider(settings).facts(model).takesInlineInstructions === true;
    const all = ["claude-opus-4-8-20260528", "claude-sonnet-5-5", "claude-fable-5", "claude-opus-4-7"];
    expect(all.map(takes)).toEqual([true, true, true, false]);
    const older = [
      "claude-3-opus-20240229",
      "claude-haiku-4-5",
      "claude-sonnet-4-20250514",
      "claude-sonnet-4-6",
      "glm-5",
    ];
    expect(older.filter(takes)).toEqual([]);
  });
  test("its models from 4.7 on take no sampling parameters", () => {
    const refusal = (model: string) => makeProvider(settings).facts(model).refuses;
    for (const model of ["claude-opus-4-7", "claude-sonnet-5", "claude-haiku-5-5"]) {
      expect(refusal(model)).toEqual(["temperature", "topK", "topP"]);
    }
    for (const model of ["claude-opus-4-6", "claude-sonnet-4-5"]) expect(refusal(model)).toBeUndefined();
  });
  test("the operator's limit holds within the model's", () => {
    const limited = makeProvider({ ...settings, maxOutputTokens: 10_000 });
    expect(limited.facts("claude-sonnet-5-5").defaultMaxOutputTokens).toBe(10_000);
    expect(limited.facts("claude-3-opus-20240229").defaultMaxOutputTokens).toBe(4_096);
  });
  test("version and key", () => {
    expect(makeProvider({ ...settings, options: { version: "2024-01-01" } }).headers).toEqual({
      "x-api-key": "k",
      "anthropic-version": "2024-01-01",
    });
  });
});

test("a compatible server needs no key, and is priced by its address", () => {
  const provider = makeProvider(
    makeProviderSettings({ name: "ollama", kind: "compatible", baseUrl: "http://o.test/v1" }),
  );
  expect(provider).toMatchObject({ headers: {}, missing: null, pricing: { apiUrl: "http://o.test/v1" } });
});

test("model lists of both shapes, whatever else is in them", () => {
  const openai = makeProvider(makeProviderSettings({ name: "o", kind: "openai", baseUrl: "http://o.test" }));
  expect(
    openai.listing?.decode({ data: [{ id: "a", created: 5, owned_by: "x" }, { id: 7 }, null, { id: "b" }] }),
  ).toEqual([
    { id: "a", createdAt: 5, ownedBy: "x" },
    { id: "b", createdAt: null, ownedBy: "" },
  ]);
  const anthropic = makeProvider(makeProviderSettings({ name: "a", kind: "anthropic", baseUrl: "http://a.test" }));
  expect(anthropic.listing?.decode({ data: [{ type: "model", id: "c", created_at: "2025-09-29T00:00:00Z" }] })).toEqual(
    [{ id: "c", createdAt: 1_759_104_000, ownedBy: "anthropic" }],
  );
  expect(openai.listing?.decode({ error: "x" })).toEqual([]);
});
