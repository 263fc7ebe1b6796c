// Providers that are there because their usual variables are: by the table of kinds, without any section.

import { describe, expect, test } from "bun:test";
import { KINDS, type ProviderSettings, listImplying } from "../../src/provider/index.ts";
import { type Scene, findOrigin, findShown, load, loadProblems } from "./scene.ts";

const ini = (text: string): NonNullable<Scene["files"]> => ({ "config/setting.ini": text });

async function find(name: string, scene: Scene): Promise<ProviderSettings | undefined> {
  return (await load(scene)).config.providers.find((provider) => provider.name === name);
}

const IMPLIED = [...KINDS].flatMap(([name, kind]) =>
  name === "openai" || name === "anthropic" ? [] : listImplying(kind).map((variables) => ({ name, kind, variables })),
);

describe("the table of kinds", () => {
  test("knows many that need no section", () => expect(IMPLIED.length).toBeGreaterThan(20));

  test.each(IMPLIED)("$variables declare $name", async ({ name, kind, variables }) => {
    const env = Object.fromEntries(variables.map((variable) => [variable, giveValue(variable)]));
    const loaded = await load({ env, files: { "/given/file": "value-of-a-file" } });
    const provider = loaded.config.providers.find((candidate) => candidate.name === name);
    expect(loaded.warnings).toEqual([]);
    expect(loaded.config.providers).toHaveLength(4);
    expect(provider).toMatchObject({ name, kind: name, needsApiKey: kind.needsKey });
    const [key] = variables.filter((variable) => kind.keyVariables.includes(variable));
    if (key !== undefined) expect(provider?.apiKey).toBe(giveValue(key));
    // And the key is nobody else's.
    for (const other of loaded.config.providers) if (other !== provider) expect(other.apiKey).toBeNull();
    const options = Object.values(kind.options);
    const secret = options.flatMap((option) => (option.secret === true ? option.variables : []));
    const filed = options.flatMap((option) => option.fileVariables ?? []).filter((name) => variables.includes(name));
    const given = variables.filter((variable) => variable === key || secret.includes(variable)).map(giveValue);
    expect(loaded.config.secrets.toSorted()).toEqual([...given, ...filed.map(() => "value-of-a-file")].toSorted());
  });

  test.each([...KINDS].filter(([name]) => name !== "loopback"))("[provider.x] type=%s", async (name, kind) => {
    const url = kind.baseUrl === null ? `base_url=${kind.exampleUrl ?? "http://x.test/v1"}` : "";
    const { config } = await load({ files: ini(`[provider.x]\ntype=${name}\napi_key=sk-declared\n${url}`) });
    expect(config.providers[3]).toMatchObject({ name: "x", kind: name, apiKey: "sk-declared" });
    if (typeof kind.baseUrl === "string") expect(config.providers[3]?.baseUrl).toBe(kind.baseUrl);
  });

  test("gives an option one nature, whoever has it", () => {
    const natures = new Map<string, boolean>();
    for (const kind of KINDS.values()) {
      for (const [name, { secret = false }] of Object.entries(kind.options)) {
        expect([name, natures.get(name) ?? secret]).toEqual([name, secret]);
        natures.set(name, secret);
      }
    }
  });
});

function giveValue(variable: string): string {
  if (variable === "GOOGLE_APPLICATION_CREDENTIALS") return "/given/file";
  // Part of a host's name.
  if (variable.endsWith("REGION")) return "eu-central-1";
  return /URL|HOST|ENDPOINT|BASE/.test(variable) ? "http://given.test/v1" : `value-of-${variable}`;
}

describe("a usual key", () => {
  const env = { GROQ_API_KEY: "gsk-usual" };

  test("is shown with its variable, and never itself", async () => {
    const loaded = await load({ env });
    expect(findOrigin(loaded, "provider.groq.api_key")).toBe("GROQ_API_KEY");
    expect(JSON.stringify(loaded.effective)).not.toContain("gsk-usual");
    expect(findShown(loaded, "provider.groq.base_url")).toBe("https://api.groq.com/openai/v1");
    expect(findShown(loaded, "provider.groq.type")).toBe("groq");
  });

  test("may lie in a file", async () => {
    const scene = { env: { GROQ_API_KEY_FILE: "/run/groq" }, files: { "/run/groq": "gsk-filed\n" } };
    expect((await find("groq", scene))?.apiKey).toBe("gsk-filed");
  });

  test("goes after every word of ours", async () => {
    const files = ini("[provider.groq]\napi_key=gsk-section");
    expect((await find("groq", { env, files }))?.apiKey).toBe("gsk-section");
    const ours = { ...env, TOKLIGENCE_PROVIDER_GROQ_API_KEY: "gsk-ours" };
    expect((await find("groq", { env: ours, files }))?.apiKey).toBe("gsk-ours");
  });

  test("belongs to the provider that is named like its kind, and to no other of the kind", async () => {
    const { config } = await load({ env, files: ini("[provider.second]\ntype=groq\napi_key=gsk-second") });
    const keys = config.providers.slice(3).map(({ name, apiKey }) => [name, apiKey]);
    expect(keys).toEqual([
      ["second", "gsk-second"],
      ["groq", "gsk-usual"],
    ]);
  });

  test("is not given to a server of another kind that took the name", async () => {
    const files = ini("[provider.groq]\ntype=compatible\nbase_url=http://elsewhere.test/v1");
    expect(await find("groq", { env, files })).toMatchObject({ kind: "compatible", apiKey: null, apiKeyNames: [] });
  });

  test("that is a gateway's own is nobody's", async () => {
    const { config, warnings } = await load({ env: { GROQ_API_KEY: "tok_mine" } });
    expect(config.providers).toHaveLength(3);
    expect(warnings).toEqual([
      "GROQ_API_KEY is not used for groq's key: it holds a key of a gateway, not of the provider",
    ]);
  });
});

test.each([
  ["0.0.0.0", "http://127.0.0.1:11434/v1"],
  ["gpu:8000", "http://gpu:8000/v1"],
  ["https://ollama.example.com", "https://ollama.example.com/v1"],
  ["http://gpu.example.com:80/", "http://gpu.example.com/v1"],
])("OLLAMA_HOST=%s is %s", async (text, baseUrl) => {
  expect(await find("ollama", { env: { OLLAMA_HOST: text } })).toMatchObject({ kind: "ollama", baseUrl });
});

test("a shell's GITHUB_TOKEN declares nothing, but serves a provider that was declared", async () => {
  const env = { GITHUB_TOKEN: "ghp-shell" };
  expect(await find("github", { env })).toBeUndefined();
  expect(await find("github", { env, files: ini("[provider.github]") })).toMatchObject({ apiKey: "ghp-shell" });
});

describe("what a kind does not have", () => {
  test("is refused, with what it has", async () => {
    const { text } = await loadProblems({ files: ini("[provider.groq]\norganization=org-1") });
    expect(text).toBe("config/setting.ini:2: organization: type=groq has no such setting (it has formats)");
  });

  test("formats are known words", async () => {
    const { text } = await loadProblems({ files: ini("[provider.groq]\nformats=chat, gopher") });
    expect(text).toContain(`"gopher" is not one of chat, embeddings, messages, responses`);
  });
});

describe("a flat key", () => {
  test.each([
    [{ files: ini("gemini_api_key=AIza-1\ngemini_base_url=https://g.example.com") }, "config/setting.ini:1"],
    [
      { env: { TOKLIGENCE_GEMINI_API_KEY: "AIza-1", TOKLIGENCE_GEMINI_BASE_URL: "https://g.example.com" } },
      "TOKLIGENCE_GEMINI_API_KEY",
    ],
    [
      {
        files: {
          ...ini("gemini_api_key_file=/run/g\n[provider.gemini]\nbase_url=https://g.example.com"),
          "/run/g": "AIza-1",
        },
      },
      "config/setting.ini:1",
    ],
  ] satisfies [Scene, string][])("declares the provider of its name: %j", async (scene, origin) => {
    expect(await find("gemini", scene)).toMatchObject({
      kind: "gemini",
      apiKey: "AIza-1",
      baseUrl: "https://g.example.com",
    });
    const loaded = await load(scene);
    expect(loaded.warnings).toEqual([]);
    expect(findOrigin(loaded, "provider.gemini.api_key")).toBe(origin);
  });

  test("said twice, or as a value and as a file, is told", async () => {
    const { warnings } = await load({ files: ini("groq_api_key=a\n[provider.groq]\napi_key=b") });
    expect(warnings).toEqual([
      "config/setting.ini:3: provider.groq.api_key is said again here, which overrules line 1",
    ]);
    const { text } = await loadProblems({
      env: { TOKLIGENCE_GROQ_API_KEY: "a", TOKLIGENCE_GROQ_API_KEY_FILE: "/run/g" },
    });
    expect(text).toBe("TOKLIGENCE_GROQ_API_KEY: TOKLIGENCE_GROQ_API_KEY_FILE is set too: keep one");
  });

  test("of a name with a dash is written with an underscore", async () => {
    expect(await find("ollama-cloud", { files: ini("ollama_cloud_api_key=k") })).toMatchObject({ apiKey: "k" });
  });
});
