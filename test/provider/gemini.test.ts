// Google's Gemini API as a provider: where each method is, what is known of its models, and how it lists them.

import { describe, expect, test } from "bun:test";
import { makeProvider } from "../../src/provider/index.ts";
import { makeProviderSettings } from "../rig.ts";

const TOOLS = {
  fetch: () => Promise.reject(new Error("nothing is fetched")),
  readText: () => Promise.reject(new Error("nothing is read")),
  nowMs: () => 0,
  monotonicMs: () => 0,
};

function make(baseUrl = "https://generativelanguage.googleapis.com", apiKey: string | null = "AIza-test") {
  return makeProvider(
    makeProviderSettings({ name: "gemini", kind: "gemini", baseUrl, apiKey, needsApiKey: true }),
    TOOLS,
  );
}

describe("addresses", () => {
  const ROOT = "https://generativelanguage.googleapis.com/v1beta";

  test.each([
    ["gemini", false, `${ROOT}/models/gemini-3-pro:generateContent`],
    ["gemini", true, `${ROOT}/models/gemini-3-pro:streamGenerateContent?alt=sse`],
    ["gemini-count", false, `${ROOT}/models/gemini-3-pro:countTokens`],
    ["gemini-embed", false, `${ROOT}/models/gemini-3-pro:embedContent`],
    ["gemini-batch-embed", false, `${ROOT}/models/gemini-3-pro:batchEmbedContents`],
  ] as const)("%s, streamed: %p", (wire, stream, url) => {
    expect(make().speaks("gemini-3-pro")).toContain(wire);
    expect(make().endpoint(wire, { model: "gemini-3-pro", stream })).toEqual({ url });
  });

  test("of tuned models, and of names that need quoting", () => {
    const locate = (model: string): string => make().endpoint("gemini", { model, stream: false }).url;
    expect(locate("tunedModels/mine")).toBe(`${ROOT}/tunedModels/mine:generateContent`);
    expect(locate("models/gemini-3-pro")).toBe(`${ROOT}/models/gemini-3-pro:generateContent`);
    expect(locate("a?b#c")).toBe(`${ROOT}/models/a%3Fb%23c:generateContent`);
  });

  test.each(["/v1", "/v1beta", "/v1alpha", "/v1beta1"])("under a base URL that ends in %s", (version) => {
    const url = `http://proxy.test/google${version}`;
    expect(make(url).endpoint("gemini", { model: "m", stream: false }).url).toBe(`${url}/models/m:generateContent`);
    expect(make(url).listing?.url).toBe(`${url}/models?pageSize=1000`);
  });
});

test("the key goes in Google's header; without one the provider says what is missing", () => {
  expect(make().headers).toEqual({ "x-goog-api-key": "AIza-test" });
  expect(make(undefined, null).missing).toContain("no API key");
});

test.each([
  ["gemini-1.5-flash", { reasoning: "none", maxOutputTokens: 8_192 }],
  ["gemini-2.0-flash-001", { reasoning: "none" }],
  ["gemini-2.5-pro", { reasoning: "budget", budget: { least: 128, most: 32_768, canStop: false } }],
  ["gemini-2.5-flash-preview-09-2025", { reasoning: "budget", budget: { least: 0, most: 24_576, canStop: true } }],
  ["gemini-2.5-flash-lite", { reasoning: "budget", budget: { least: 512, most: 24_576, canStop: true } }],
  ["gemini-2.5-flash-image", { reasoning: "none" }],
  ["gemini-3-pro-preview", { reasoning: "effort", efforts: ["low", "high"], takesMediaResults: true }],
  ["gemini-3.1-pro-preview", { reasoning: "effort", efforts: ["low", "medium", "high"] }],
  ["gemini-3-flash-preview", { reasoning: "effort", efforts: ["minimal", "low", "medium", "high"] }],
  ["gemini-3.5-flash-lite", { refuses: ["frequencyPenalty", "presencePenalty"] }],
  ["gemini-flash-latest", { reasoning: "effort", maxOutputTokens: 65_536 }],
  ["gemini-4-whatever", { reasoning: "effort", maxOutputTokens: 65_536 }],
])("%s is known for what it takes", (model, facts) => {
  expect(make().facts(model)).toMatchObject(facts);
});

test("its list names the models that can be asked here", () => {
  const models = [
    { name: "models/gemini-3-pro", supportedGenerationMethods: ["generateContent", "countTokens"] },
    { name: "models/gemini-embedding-001", supportedGenerationMethods: ["embedContent"] },
    { name: "models/veo-3.1", supportedGenerationMethods: ["predictLongRunning"] },
    { name: "tunedModels/mine" },
    { displayName: "nameless" },
  ];
  expect(
    make()
      .listing?.decode({ models })
      .map(({ id }) => id),
  ).toEqual(["gemini-3-pro", "gemini-embedding-001", "tunedModels/mine"]);
  expect(make().listing?.decode({})).toEqual([]);
});
