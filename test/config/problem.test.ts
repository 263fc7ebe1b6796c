// What is wrong is said all at once, by place, with the nearest name, and without repeating a secret.

import { describe, expect, test } from "bun:test";
import { load, loadProblems } from "./scene.ts";

test("all problems at once, by file and line", async () => {
  const { text, problems } = await loadProblems({
    files: {
      "config/setting.ini": [
        "opnai_api_key=sk-hidden-1",
        "log_level=verbose",
        "no equals sign sk-hidden-2",
        "[provder.groq]",
        "base_url=http://ignored",
        "[provider.groq]",
        "base_url=https://user:hidden3@groq.example.com/v1",
        "api_kee=sk-hidden-4",
        "[routes]",
        "llama*=gorq",
        "a*b=groq",
        "[aliases]",
        "fast=",
      ].join("\r\n"),
      "config/dev/gateway.ini": "upstream_idle_timeout=30\nhttp_address=:808l\n",
    },
    env: { TOKLIGENCE_MAX_BODY_BYTES: "lots", TOKLIGENCE_PROVIDER_GROQ_MAX_TOKENS: "0" },
    flags: { shutdown_timeout: "soon" },
  });
  expect(text.split("\n")).toEqual([
    'config/setting.ini:1: unknown key "opnai_api_key" — did you mean "openai_api_key"?',
    'config/setting.ini:2: log_level: "verbose" is not one of debug, info, warn, error',
    "config/setting.ini:3: this line is neither key=value, nor a [section], nor a comment",
    'config/setting.ini:4: unknown section "provder.groq" — did you mean "[provider.groq]"?',
    "config/setting.ini:7: provider.groq.base_url: the URL must not hold credentials: use api_key or a header",
    'config/setting.ini:8: unknown key "api_kee" in [provider.groq] — did you mean "api_key"?',
    'config/setting.ini:10: "llama*" leads to "gorq", which is no provider — did you mean "groq"?',
    'config/setting.ini:11: [routes]: "a*b": a * may stand at the beginning and the end only',
    'config/setting.ini:13: [aliases]: "fast" leads nowhere',
    'config/dev/gateway.ini:1: upstream_idle_timeout: "30" needs a unit, such as "30s"',
    'config/dev/gateway.ini:2: http_address: ":808l" is no address: write it like :8081, 127.0.0.1:8081 or [::1]:8081',
    'TOKLIGENCE_MAX_BODY_BYTES: "lots" is no size: write it like 16MiB, 16MB or 16777216',
    '--shutdown-timeout: "soon" is no duration: write it like 1h30m, 5s or 250ms',
    'TOKLIGENCE_PROVIDER_GROQ_MAX_TOKENS: "0" is no whole number from 1 to 10000000',
  ]);
  expect(text).not.toContain("hidden");
  expect(problems[0]).toEqual({
    file: "config/setting.ini",
    line: 1,
    key: "opnai_api_key",
    message: 'unknown key "opnai_api_key"',
    suggestion: "openai_api_key",
  });
});

test("a misspelt type or word is told with the nearest one, and nothing follows from it", async () => {
  const { text } = await loadProblems({
    files: {
      "config/setting.ini": [
        "groq_api_kye=x",
        "mistral_base_ulr=http://x",
        "[provider.x]",
        "type=bedrok",
        "region=us-east-1",
        "[provider.y]",
        "type=compatible",
        "base_url=http://y/v1",
        "formats=chat, respones",
      ].join("\n"),
    },
  });
  expect(text.split("\n").map((line) => line.replace(/ is not one of [^—]*/u, ": "))).toEqual([
    'config/setting.ini:1: unknown key "groq_api_kye" — did you mean "groq_api_key"?',
    'config/setting.ini:2: unknown key "mistral_base_ulr" — did you mean "mistral_base_url"?',
    'config/setting.ini:4: provider.x.type: "bedrok": — did you mean "bedrock"?',
    'config/setting.ini:9: provider.y.formats: "respones": — did you mean "responses"?',
  ]);
});

test("what becomes part of an address leads to no other one", async () => {
  const { text } = await loadProblems({
    files: {
      "config/setting.ini": [
        "[provider.bedrock]",
        "region=evil.test/x?",
        "[provider.vertex]",
        "location=evil.test#",
        "project=example.com:my-project",
      ].join("\n"),
    },
    env: {
      GOOGLE_CLOUD_PROJECT: "a/../b",
      TOKLIGENCE_PROVIDER_VERTEX_LOCATION: "user@evil.test",
      AWS_REGION: "eu-west-1",
    },
  });
  expect(text.split("\n")).toEqual([
    'config/setting.ini:2: provider.bedrock.region: "evil.test/x?" cannot be part of an address: write it like us-east-1',
    'TOKLIGENCE_PROVIDER_VERTEX_LOCATION: "user@evil.test" cannot be part of an address: write it like europe-west4',
  ]);
});

describe("a secret in the wrong place is not repeated", () => {
  const secret = "hiddenhidden1234";
  test.each([
    ["a line of its own", `${secret}`],
    ["a line that ends in =", `${secret}==`],
    ["a key that nobody knows", `sk-${secret}=x`],
    ["a path that is none", `openai_api_key_file=${secret}`],
    ["a URL", `openai_base_url=https://x:${secret}@h`],
    ["a query", `openai_base_url=https://h/v1?key=${secret}`],
    ["a header that cannot be sent", `[provider.a]\nbase_url=http://a\nheader.x-key=${secret}\u0007`],
    ["a key that cannot be sent", `openai_api_key=${secret}\u0007`],
    ["a DSN", `identity_path=postgres://u:${secret}@h:port/db`],
    ["a repeated key", `openai_api_key=a\nopenai_api_key=${secret}\nlog_level=x`],
    ["an unknown variable's value", `log_level=x`],
  ])("%s", async (_, text) => {
    const { problems } = await loadProblems({
      files: { "config/setting.ini": text },
      env: { TOKLIGENCE_OPENAI_APIKEY: secret, TOKLIGENCE_PROVIDER_X_KEY: secret },
    });
    expect(problems.length).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).not.toContain("hidden");
  });

  test("nor shown, nor warned about", async () => {
    const loaded = await load({
      files: {
        "config/setting.ini": [
          `openai_api_key=${secret}-1`,
          `openai_api_key=${secret}-2`,
          `gemini_api_key=${secret}`,
          `auth_secret=${secret}`,
          `identity_path=postgres://u:${secret}%40@h/db?sslpassword=${secret}-3`,
          "[provider.groq]",
          "base_url=https://groq.example.com",
          `api_key=${secret}-4`,
          `header.authorization=Bearer ${secret}-5`,
          "header.x-title=shown",
        ].join("\n"),
      },
      env: { ANTHROPIC_API_KEY: `${secret}-6`, TOKLIGENCE_OPENAI_APIKEY: secret },
    });
    const { effective, warnings } = loaded;
    expect(JSON.stringify({ effective, warnings })).not.toContain("hidden");
    expect(JSON.stringify(effective)).toContain('"value":"shown"');
    expect(warnings).toContainEqual(expect.stringContaining("openai_api_key is said again"));
    expect(loaded.config.secrets.toSorted()).toEqual(
      [
        `${secret}-2`,
        `${secret}%40`,
        `${secret}@`,
        `${secret}-3`,
        `${secret}-4`,
        `${secret}-5`,
        `Bearer ${secret}-5`,
        `${secret}-6`,
        // The key of Gemini, which is in effect like any other.
        secret,
      ].toSorted(),
    );
  });
});

test("a secret of five letters is not redacted, one of six is", async () => {
  const { config } = await load({ env: { OPENAI_API_KEY: "abcde", ANTHROPIC_API_KEY: "abcdef" } });
  expect(config.secrets).toEqual(["abcdef"]);
});

describe("hostile files", () => {
  test.each([
    ["NUL", "a=1\nb=\0", "config/setting.ini:2: the file holds a NUL byte: it is not UTF-8 text"],
    ["Latin-1", Uint8Array.of(0x61, 0x3d, 0xe9, 0x0a), "config/setting.ini:1: the file is not UTF-8 text"],
    ["__proto__", "[__proto__]", "config/setting.ini:1: a section header must be [name], alone on its line"],
    [
      "a provider named __proto__",
      "[provider.__proto__]",
      "config/setting.ini:1: a provider's name consists of a-z, 0-9, - and _, at most 64 of them, and begins with a letter or a digit",
    ],
    [
      "a header named __proto__",
      "[provider.loopback]\n[provider.a]\nbase_url=http://a\nheader.__proto__=x",
      "config/setting.ini:4: header.__proto__: this is no header's name",
    ],
    [
      "__proto__ as a key",
      "__proto__=1",
      "config/setting.ini:1: unknown key (not repeated here, as it does not look like a name)",
    ],
    ["constructor as a key", "constructor=1", 'config/setting.ini:1: unknown key "constructor"'],
    [
      "an endless line",
      `log_level=${"x".repeat(1_000_000)}`,
      `config/setting.ini:1: log_level: "${"x".repeat(57)}..." is not one of debug, info, warn, error`,
    ],
  ])("%s", async (_, text, expected) => {
    expect((await loadProblems({ files: { "config/setting.ini": text } })).text).toBe(expected);
    expect(Object.hasOwn(Object.prototype, "base_url")).toBe(false);
  });

  test("a folder where a file should be", async () => {
    const { text } = await loadProblems({ files: { "config/setting.ini/x": "" } });
    expect(text).toBe("config/setting.ini: this file is a folder");
  });
});

describe("sections", () => {
  test("of old files mean nothing", async () => {
    const text = "[gateway]\nlog_level=error\n[server]\nadmin_email=a@b";
    const { config } = await load({ files: { "config/setting.ini": text } });
    expect(config).toMatchObject({ adminEmail: "a@b", log: { level: "error" } });
  });

  test.each([
    ["[route]", "[routes]"],
    ["[Routing]", "[routes]"],
    ["[alias]", "[aliases]"],
    ["[model_aliases]", "[aliases]"],
    ["[provider]", "[provider.NAME]"],
    ["[providers.groq]", "[provider.groq]"],
    ["[provider:groq]", "[provider.groq]"],
    ["[provider groq]", "[provider.groq]"],
  ])("%s was meant to be %s; its lines are not blamed too", async (header, meant) => {
    const { problems } = await loadProblems({ files: { "config/setting.ini": `${header}\nwhatever=x` } });
    expect(problems.map(({ line, suggestion }) => [line, suggestion])).toEqual([[1, meant]]);
  });

  test("a setting of the gateway inside a provider's section is told where it belongs", async () => {
    const text = "[provider.a]\nbase_url=http://a\nlog_level=info";
    expect((await loadProblems({ files: { "config/setting.ini": text } })).text).toStartWith(
      'config/setting.ini:3: unknown key "log_level" in [provider.a]: the gateway\'s own settings stand above the first section',
    );
  });
});

describe("variables", () => {
  test("a misspelt one of ours is a warning, a stranger's is nothing", async () => {
    const { warnings } = await load({
      env: {
        TOKLIGENCE_LOG_LEVLE: "debug",
        TOKLIGENCE_GATEWAY_PORT: "tcp://10.0.0.1:8081",
        TOKLIGENCE_GATEWAY_SERVICE_HOST: "10.0.0.1",
        TOKLIGENCE_GATEWAY_PORT_8081_TCP_ADDR: "10.0.0.1",
        TOKLIGENCE_FRONTEND_THEME: "dark",
        PATH: "/bin",
      },
    });
    expect(warnings).toEqual(['unknown variable "TOKLIGENCE_LOG_LEVLE" — did you mean "TOKLIGENCE_LOG_LEVEL"?']);
  });

  test("a key said twice in a file: the later line counts, with a warning", async () => {
    const { config, warnings } = await load({ files: { "config/setting.ini": "log_level=error\nLOG_LEVEL=warn" } });
    expect(config.log.level).toBe("warn");
    expect(warnings).toEqual(["config/setting.ini:2: log_level is said again here, which overrules line 1"]);
  });
});

test("the cache has no file of users and books, which it may delete", async () => {
  const paths = "identity_path=~/i.db\nledger_path=~/l.db\n";
  const refuse = async (path: string) =>
    (await loadProblems({ files: { "config/setting.ini": `${paths}cache=sqlite\ncache_path=${path}\n` } })).text;
  expect(await refuse("~/i.db")).toBe("config/setting.ini:4: cache_path: identity_path names the same file");
  expect(await refuse("/home/ada/l.db")).toContain("ledger_path names the same file");
  const { config } = await load({ files: { "config/setting.ini": `${paths}cache=sqlite\ncache_path=~/c.db\n` } });
  expect(config.cache.path).toBe("/home/ada/c.db");
});
