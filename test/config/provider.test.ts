// Providers as declared in sections, variables and flat keys.

import { describe, expect, test } from "bun:test";
import type { ProviderSettings } from "../../src/provider/settings.ts";
import type { Scene } from "./scene.ts";
import { findOrigin, load, loadProblems } from "./scene.ts";

async function find(name: string, scene: Scene): Promise<ProviderSettings | undefined> {
  return (await load(scene)).config.providers.find((provider) => provider.name === name);
}

const ini = (text: string): Scene => ({ files: { "config/setting.ini": text } });

test("a compatible server needs a base URL and nothing else", async () => {
  expect(await find("gpu", ini("[provider.GPU]\nbase_url=http://localhost:11434/v1/"))).toEqual({
    name: "gpu",
    kind: "compatible",
    baseUrl: "http://localhost:11434/v1",
    reach: "private",
    apiKey: null,
    apiKeyNames: [],
    needsApiKey: false,
    options: {},
    headers: {},
    maxOutputTokens: null,
  });
  expect((await loadProblems(ini("\n[provider.gpu]\napi_key=x"))).text).toBe(
    "config/setting.ini:2: the provider gpu lacks a base_url, which type=compatible needs",
  );
});

test("every field of a section", async () => {
  const text = [
    "[provider.eu]",
    "type=openai",
    "base_url=https://eu.example.com/v1",
    "api_key=a=b;c#d",
    "organization=org-1",
    "project=proj_1",
    "max_tokens=512",
    "header.X-Title=one, two",
    "models=eu-*, *-eu",
  ].join("\n");
  const { config } = await load(ini(text));
  expect(config.providers[3]).toEqual({
    name: "eu",
    kind: "openai",
    baseUrl: "https://eu.example.com/v1",
    reach: "private",
    apiKey: "a=b;c#d",
    apiKeyNames: ["[provider.eu] api_key", "TOKLIGENCE_PROVIDER_EU_API_KEY"],
    needsApiKey: true,
    options: { organization: "org-1", project: "proj_1" },
    headers: { "x-title": "one, two" },
    maxOutputTokens: 512,
  });
  expect(config.routes).toEqual([
    { pattern: "eu-*", targets: [{ provider: "eu", model: null }], origin: "config/setting.ini:9" },
    { pattern: "*-eu", targets: [{ provider: "eu", model: null }], origin: "config/setting.ini:9" },
  ]);
});

test("another of a vendor's type inherits its address and version", async () => {
  const provider = await find("work", ini("[provider.work]\ntype=anthropic\napi_key=k"));
  expect(provider).toMatchObject({
    baseUrl: "https://api.anthropic.com",
    options: { version: "2023-06-01" },
    needsApiKey: true,
  });
});

describe("built-in providers", () => {
  test("name the ways to give them a key", async () => {
    const names = (await load({})).config.providers.map(({ apiKeyNames }) => apiKeyNames);
    expect(names).toEqual([
      [],
      ["openai_api_key", "TOKLIGENCE_OPENAI_API_KEY", "OPENAI_API_KEY"],
      ["anthropic_api_key", "TOKLIGENCE_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"],
    ]);
  });

  test("take flat keys", async () => {
    const text = [
      "openai_org=org-1",
      "openai_project=p",
      "anthropic_version=2024-01-01",
      "anthropic_beta_header=a,b",
      "anthropic_max_tokens=99",
    ].join("\n");
    const { providers } = (await load(ini(text))).config;
    expect(providers[1]).toMatchObject({ options: { organization: "org-1", project: "p" } });
    expect(providers[2]).toMatchObject({
      options: { version: "2024-01-01", beta: "a,b" },
      maxOutputTokens: 99,
    });
  });

  test("and sections, which mean the same and obey the same layers", async () => {
    const files = {
      "config/setting.ini":
        "[provider.openai]\napi_key=low\nbase_url=https://low.example.com\nheader.x-a=1\nmodels=my-*",
      "config/dev/gateway.ini": "openai_api_key=high",
    };
    const loaded = await load({ files });
    expect(loaded.config.providers).toHaveLength(3);
    expect(loaded.config.providers[1]).toMatchObject({
      apiKey: "high",
      baseUrl: "https://low.example.com",
      headers: { "x-a": "1" },
    });
    expect(loaded.config.routes).toEqual([
      { pattern: "my-*", targets: [{ provider: "openai", model: null }], origin: "config/setting.ini:5" },
    ]);
    expect(findOrigin(loaded, "openai_base_url")).toBe("config/setting.ini:3");
  });

  test("have no other settings", async () => {
    const text = "[provider.openai]\nversion=1\ntype=compatible\n[provider.loopback]\nbase_url=http://x\nheader.x=1";
    expect((await loadProblems(ini(text))).problems.map(({ line }) => line)).toEqual([2, 3, 5, 6]);
  });
});

describe("variables", () => {
  test("overrule a section, by the section's name", async () => {
    const files = { "config/setting.ini": "[provider.my-gpu]\nbase_url=http://low\nmodels=low-*\nheader.x-a=low" };
    const loaded = await load({
      files,
      env: {
        TOKLIGENCE_PROVIDER_MY_GPU_API_KEY: "from-env",
        TOKLIGENCE_PROVIDER_MY_GPU_BASE_URL: "http://high",
        TOKLIGENCE_PROVIDER_MY_GPU_HEADER_X_A: "high",
        TOKLIGENCE_PROVIDER_MY_GPU_MODELS: "high-*",
      },
    });
    expect(loaded.config.providers).toHaveLength(4);
    expect(loaded.config.providers[3]).toMatchObject({
      name: "my-gpu",
      apiKey: "from-env",
      baseUrl: "http://high",
      headers: { "x-a": "high" },
    });
    expect(loaded.config.routes).toEqual([
      {
        pattern: "high-*",
        targets: [{ provider: "my-gpu", model: null }],
        origin: "TOKLIGENCE_PROVIDER_MY_GPU_MODELS",
      },
    ]);
  });

  test("declare a provider on their own, with a key from a file", async () => {
    const provider = await find("groq", {
      files: { "/run/groq": "sk-groq\n" },
      env: {
        TOKLIGENCE_PROVIDER_GROQ_API_KEY_FILE: "/run/groq",
        TOKLIGENCE_PROVIDER_GROQ_BASE_URL: "https://groq.example.com/openai/v1",
      },
    });
    expect(provider).toMatchObject({ apiKey: "sk-groq", baseUrl: "https://groq.example.com/openai/v1" });
  });

  test("that end in nothing known are a problem", async () => {
    const { text } = await loadProblems({ env: { TOKLIGENCE_PROVIDER_GROQ_API_KY: "sk-hidden" } });
    expect(text).toStartWith("TOKLIGENCE_PROVIDER_GROQ_API_KY: this variable is none of a provider's");
    expect(text).not.toContain("hidden");
  });
});

test("headers that belong to the gateway, or that are none, are refused", async () => {
  const text = "[provider.a]\nbase_url=http://a\nheader.Host=x\nheader.content-length=1\nheader.a b=1\nheader.=1";
  expect((await loadProblems(ini(text))).problems.map(({ line }) => line)).toEqual([3, 4, 5, 6]);
});

describe("how far an address may lead", () => {
  test.each([
    ["[provider.groq]", "groq", "public"],
    ["[provider.groq]\nbase_url=https://api.groq.com/openai/v1", "groq", "public"],
    ["[provider.groq]\nbase_url=http://10.0.0.5/v1", "groq", "private"],
    ["[provider.ollama]", "ollama", "private"],
    ["[provider.vertex]\nproject=p", "vertex", "public"],
    ["[provider.vertex]\nproject=p\nallow_private=yes", "vertex", "any"],
    ["openai_base_url=http://127.0.0.1:9000/v1", "openai", "private"],
    ["", "openai", "public"],
  ])("%j", async (text, name, reach) => expect((await find(name, ini(text)))?.reach).toBe(reach as never));

  test.each(["169.254.169.254", "[fe80::1]", "metadata.google.internal", "2852039166", "[::ffff:169.254.169.254]"])(
    "%s keeps a cloud's credentials: only who says so may name it",
    async (host) => {
      const text = `[provider.a]\nbase_url=http://${host}/v1`;
      expect((await loadProblems(ini(text))).text).toBe(
        "config/setting.ini:2: base_url: this is a link-local or reserved address, where clouds keep their machines' " +
          "credentials: say allow_private=yes in [provider.a] if it is meant",
      );
      expect((await find("a", ini(`${text}\nallow_private=yes`)))?.reach).toBe("any");
    },
  );

  test("holds for flat keys too", async () => {
    const { text } = await loadProblems({ env: { OPENAI_BASE_URL: "http://169.254.169.254/v1" } });
    expect(text).toStartWith("OPENAI_BASE_URL: this is a link-local");
  });
});
