// Several keys of one provider: how they are said, and what is refused.

import { describe, expect, test } from "bun:test";
import { findShown, load, loadProblems, type Scene } from "./scene.ts";

const ini = (text: string, more: Scene = {}): Scene => ({
  ...more,
  files: { ...more.files, "config/setting.ini": text },
});

async function keysOf(name: string, scene: Scene) {
  const { config } = await load(scene);
  return config.providers.find((provider) => provider.name === name);
}

test("each has a name, the one that has none comes first; weights are one unless said", async () => {
  const text =
    "openai_api_key=sk-first-1\n[provider.openai]\napi_key.eu=sk-eu-1234\napi_key.Eu.Weight=3\napi_key.us-2=sk-us-1234";
  expect(await keysOf("openai", ini(text))).toMatchObject({
    apiKey: "sk-first-1",
    keys: [
      { label: "default", apiKey: "sk-first-1", weight: 1 },
      { label: "eu", apiKey: "sk-eu-1234", weight: 3 },
      { label: "us-2", apiKey: "sk-us-1234", weight: 1 },
    ],
  });
});

test("where none is without a name, the first that is said stands for the provider", async () => {
  const found = await keysOf(
    "groq",
    ini("[provider.groq]\napi_key.a=gsk-aaaaaa\napi_key.b=gsk-bbbbbb\nkey_strategy=sticky"),
  );
  expect(found).toMatchObject({ apiKey: "gsk-aaaaaa", keyStrategy: "sticky", keys: [{ label: "a" }, { label: "b" }] });
});

test("from files and variables", async () => {
  const scene = ini("[provider.my-box]\nbase_url=http://box/v1\napi_key.one_file=/run/one", {
    files: { "/run/one": "key-one-1\n", "/run/two": "key-two-2\n" },
    env: {
      TOKLIGENCE_PROVIDER_MY_BOX_API_KEY: "key-bare-0",
      TOKLIGENCE_PROVIDER_MY_BOX_API_KEY_TWO_FILE: "/run/two",
      TOKLIGENCE_PROVIDER_MY_BOX_API_KEY_THREE_PLUS: "key-three",
      TOKLIGENCE_PROVIDER_MY_BOX_API_KEY_THREE_PLUS_WEIGHT: "7",
    },
  });
  expect((await keysOf("my-box", scene))?.keys).toEqual([
    { label: "default", apiKey: "key-bare-0", weight: 1 },
    { label: "one", apiKey: "key-one-1", weight: 1 },
    { label: "three-plus", apiKey: "key-three", weight: 7 },
    { label: "two", apiKey: "key-two-2", weight: 1 },
  ]);
});

test("none is shown, and all are known to the log's redaction", async () => {
  const loaded = await load(ini("[provider.openai]\napi_key.eu=sk-eu-secret\napi_key.us=sk-us-secret"));
  expect(findShown(loaded, "provider.openai.api_key.eu")).not.toContain("secret");
  expect(JSON.stringify(loaded.effective)).not.toContain("secret-");
  expect(JSON.stringify(loaded.effective)).not.toContain("sk-eu");
  expect(loaded.config.secrets).toEqual(["sk-eu-secret", "sk-us-secret"]);
});

describe("refused", () => {
  test.each([
    ["[provider.openai]\napi_key.default=sk-123456", "api_key itself"],
    ["[provider.openai]\napi_key.eu.weight=2", "no key of that name"],
    ["[provider.openai]\napi_key.eu=sk-123456\napi_key.eu.weight=0", "no whole number from 1"],
    ["[provider.openai]\napi_key.eu=sk-123456\napi_key.us=sk-123456", "the same key as that of eu"],
    ["[provider.loopback]\napi_key.eu=sk-123456", "no such setting"],
    ["[provider.openai]\napi_key.e_u=sk-123456", "unknown key"],
    ["[provider.openai]\napi_key.eu=sk-123456\nkey_strategy=best", "not one of"],
    ["[provider.openai]\napi_key.eu=sk-123456\n[routes]\ngpt-*=openai#us", "which is not there (it has eu)"],
    ["[provider.openai]\napi_key.eu=sk-123456\n[routes]\nx=openai/m#EU", "keys stand behind the provider: openai#EU/m"],
    ["openai_api_key=sk-123456\n[routes]\ngpt-*=openai#us", "it has no named keys"],
  ])("%j", async (text, words) => {
    expect((await loadProblems(ini(text))).text).toContain(words);
  });
});

test("a route names a key, or several", async () => {
  const text =
    "[provider.openai]\napi_key.eu=sk-123456\napi_key.us=sk-654321\n[routes]\na*=openai#eu/gpt-4o\nb*=openai#eu+us | anthropic";
  const { config } = await load(ini(text));
  expect(config.routes.map(({ targets }) => targets)).toEqual([
    [{ provider: "openai", model: "gpt-4o", keys: ["eu"] }],
    [
      { provider: "openai", model: null, keys: ["eu", "us"] },
      { provider: "anthropic", model: null },
    ],
  ]);
});

test("of one provider, what is left alone may be judged otherwise", async () => {
  const { config } = await load(ini("breaker_failures=9\n[provider.openai]\nbreaker_failures=2\nbreaker_open=1m"));
  expect(config.health.failures).toBe(9);
  expect(config.providers.map(({ name, health }) => [name, health])).toEqual([
    ["loopback", undefined],
    ["openai", { failures: 2, openMs: 60_000 }],
    ["anthropic", undefined],
  ]);
});
