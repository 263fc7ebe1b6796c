// The defaults against the vendors' own lists, and the files that ship against the table they are made from.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_ALIASES, DEFAULT_ROUTES } from "../../src/config/default.ts";
import { loadConfig, printOverlayTemplate, printSettingTemplate } from "../../src/config/index.ts";
import { KEYS } from "../../src/config/key.ts";
import { OLD_KEYS } from "../../src/config/old-key.ts";
import { FIELDS } from "../../src/config/provider-key.ts";
import { KINDS } from "../../src/provider/index.ts";
import { load } from "./scene.ts";
import { CERTIFICATE, PRIVATE_KEY } from "./tls.ts";

const ROOT = join(import.meta.dir, "../..");

/** The literals of a type in a package's declarations. */
function readModels(file: string, type: string): string[] {
  const text = readFileSync(join(ROOT, "node_modules", file), "utf8");
  const found = new RegExp(`export type ${type} = ([^;]+);`).exec(text)?.[1] ?? "";
  return [...found.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? "");
}

function matches(pattern: string, model: string): boolean {
  return pattern.endsWith("*") ? model.startsWith(pattern.slice(0, -1)) : model === pattern;
}

const CLAUDE = readModels("@anthropic-ai/sdk/resources/messages/messages.d.ts", "Model");
const ENDING = /const DEPRECATED_MODELS = \{([^}]*)\}/.exec(
  readFileSync(join(ROOT, "node_modules/@anthropic-ai/sdk/resources/messages/messages.js"), "utf8"),
)?.[1];

/** One name of each family that only its maker serves. */
const FAMILIES = [
  ["codestral-latest", "mistral"],
  ["deepseek-v4-pro", "deepseek"],
  ["glm-4.7", "zai"],
  ["grok-4.3", "xai"],
  ["kimi-k2.5", "moonshot"],
  ["minimax-m3", "minimax"],
  ["mistral-large-latest", "mistral"],
  ["qwen-max", "dashscope"],
  ["sonar-pro", "perplexity"],
] as const;

describe("default routes", () => {
  const openai = [
    ...readModels("openai/resources/shared.d.ts", "ChatModel"),
    ...readModels("openai/resources/embeddings.d.ts", "EmbeddingModel"),
  ];

  test("lead every model of the vendors' lists to its vendor", () => {
    expect(openai.length).toBeGreaterThan(50);
    expect(CLAUDE.length).toBeGreaterThan(10);
    const lead = (model: string): string[] => [
      ...new Set(
        DEFAULT_ROUTES.filter(({ pattern }) => matches(pattern, model)).map(({ targets }) => targets[0].provider),
      ),
    ];
    for (const model of openai) expect([model, lead(model)]).toEqual([model, ["openai"]]);
    for (const model of CLAUDE) expect([model, lead(model)]).toEqual([model, ["anthropic"]]);
    expect(lead("loopback")).toEqual(["loopback"]);
    for (const [model, provider] of FAMILIES) expect([model, lead(model)]).toEqual([model, [provider]]);
  });
});

describe("default aliases", () => {
  test("rename no model that is still served", () => {
    const renamed = CLAUDE.filter((model) => DEFAULT_ALIASES.some(({ pattern }) => matches(pattern, model)));
    expect(renamed).toEqual([]);
  });

  test.each(["opus", "sonnet", "haiku"])("lead to the newest %s, which is not ending", (family) => {
    const version = (model: string): number =>
      Number(
        /-(\d+)(?:-(\d))?$/
          .exec(model)
          ?.slice(1)
          .map((part) => part ?? "0")
          .join("."),
      );
    const current = CLAUDE.filter((model) => new RegExp(`^claude-${family}-\\d+(-\\d)?$`).test(model));
    const newest = current.toSorted((left, right) => version(right) - version(left))[0] ?? "";
    expect(ENDING).toBeString();
    expect(ENDING).not.toContain(newest);
    expect(DEFAULT_ALIASES.find(({ pattern }) => pattern === `claude-${family}`)?.target).toBe(newest);
  });

  test("lead nowhere else", () => {
    for (const { target } of DEFAULT_ALIASES) expect(CLAUDE).toContain(target);
  });
});

describe("the files that ship", () => {
  test("are what the table prints", () => {
    const read = (path: string): string => readFileSync(join(ROOT, "config", path), "utf8");
    expect(read("setting.ini")).toBe(printSettingTemplate({ environment: "dev" }));
    for (const environment of ["dev", "test", "live"]) {
      expect(read(`${environment}/gateway.ini`)).toBe(printOverlayTemplate(environment, {}));
    }
  });

  test.each(["dev", "test", "live"])("change no default of %s", async (environment) => {
    const env = { TOKLIGENCE_ENV: environment };
    const shipped = await loadConfig({ cwd: ROOT, homedir: "/home/ada", env });
    expect(shipped.files).toHaveLength(2);
    expect(shipped.warnings).toEqual([]);
    expect(shipped.config).toEqual((await load({ env })).config);
  });

  test("explain every key, every field and every type of provider", () => {
    const text = printSettingTemplate({}) + printOverlayTemplate("dev", {});
    const options = [...KINDS.values()].flatMap((kind) => Object.keys(kind.options));
    for (const name of [...Object.keys(KEYS), ...Object.keys(FIELDS), ...options])
      expect(text).toMatch(new RegExp(`^# ${name}=`, "m"));
    for (const name of KINDS.keys()) if (name !== "loopback") expect(text).toMatch(new RegExp(`^#   ${name} `, "m"));
  });

  test("can be used when everything in them is switched on", async () => {
    const uncomment = (text: string): string => text.replaceAll(/^# (\[.+\]|[a-z_.-]+=\S.*)$/gm, "$1");
    const { config } = await load({
      files: {
        "/etc/tokligence/tls.crt": CERTIFICATE,
        "/etc/tokligence/tls.key": PRIVATE_KEY,
        "config/models.aliases": "a=b",
        "tokenizers/llama-3.json": '{"model":{}}',
        "config/setting.ini": uncomment(printSettingTemplate({})),
        "config/dev/gateway.ini": uncomment(printOverlayTemplate("dev", {})),
      },
    });
    expect(config.providers.map(({ name }) => name)).toEqual([
      "loopback",
      "openai",
      "anthropic",
      "ollama",
      ...[...KINDS]
        .filter(([, kind]) => Object.keys(kind.options).some((name) => name !== "formats"))
        .map(([name]) => `my-${name}`),
    ]);
    expect(config.routes.length).toBeGreaterThan(3);
    expect(config.aliases.length).toBeGreaterThan(3);
    expect(config.recount.tokenizers.map(({ name }) => name)).toEqual(["llama"]);
  });
});

test("tables are sorted", () => {
  for (const table of [KEYS, OLD_KEYS, FIELDS]) expect(Object.keys(table)).toEqual(Object.keys(table).toSorted());
});
