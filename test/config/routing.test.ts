// Routes and aliases: forms, order, files and what is refused.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkPattern, splitRules } from "../../src/config/rule.ts";
import { CWD, load, loadProblems } from "./scene.ts";

describe("rules", () => {
  test("with either arrow, separated by commas and line breaks", () => {
    expect(splitRules("a=>b, c*=d\n# no\n*e => f ,\n")).toEqual({
      rules: [
        { pattern: "a", target: "b", line: 1 },
        { pattern: "c*", target: "d", line: 1 },
        { pattern: "*e", target: "f", line: 3 },
      ],
      faults: [],
    });
  });

  test.each(["a", "=>b", "a=>", "a*b=>c", "**=>c", "a b=>c", "a=>b c", "a=>b*"])("%j is refused", (text) => {
    expect(splitRules(text)).toMatchObject({ rules: [], faults: [{ line: 1 }] });
  });

  test("what can be written is read back", () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9./:-]{0,12}$/);
    const pattern = fc.oneof(
      name,
      name.map((text) => `*${text}`),
      name.map((text) => `${text}*`),
      fc.constant("*"),
    );
    const rules = fc.array(fc.tuple(pattern, name, fc.constantFrom("=>", "=", " => ")), { maxLength: 6 });
    fc.assert(
      fc.property(rules, fc.constantFrom(",", "\n", ", \r\n"), (written, separator) => {
        const text = written.map(([from, to, arrow]) => `${from}${arrow}${to}`).join(separator);
        const read = splitRules(text);
        expect(read.faults).toEqual([]);
        expect(read.rules.map(({ pattern: from, target }) => [from, target])).toEqual(
          written.map(([from, to]) => [from, to]),
        );
      }),
    );
  });

  test.each(["x", "x*", "*x", "*x*", "*", "ft:gpt-4o:*"])("%s is a pattern", (pattern) => {
    expect(checkPattern(pattern)).toBeNull();
  });
});

const SERVERS = "[provider.a]\nbase_url=http://a\nmodels=in-a*\n[provider.b]\nbase_url=http://b\n";

test("routes: `routes` first, then sections in order, then model_provider_routes", async () => {
  const text = `model_provider_routes=last*=a\nroutes=first*=>b,loopback*=LOOPBACK\n${SERVERS}[routes]\nX=a\ny=>b\n`;
  const { config, effective } = await load({ files: { "config/setting.ini": text } });
  expect(config.routes).toEqual([
    { pattern: "first*", targets: [{ provider: "b", model: null }], origin: "config/setting.ini:2" },
    { pattern: "loopback*", targets: [{ provider: "loopback", model: null }], origin: "config/setting.ini:2" },
    { pattern: "in-a*", targets: [{ provider: "a", model: null }], origin: "config/setting.ini:5" },
    { pattern: "X", targets: [{ provider: "a", model: null }], origin: "config/setting.ini:9" },
    { pattern: "y", targets: [{ provider: "b", model: null }], origin: "config/setting.ini:10" },
    { pattern: "last*", targets: [{ provider: "a", model: null }], origin: "config/setting.ini:1" },
  ]);
  expect(effective).toContainEqual({ key: "routes.y", value: "b", origin: "config/setting.ini:10", secret: false });
});

test("a higher layer's rules come first, and take the place of those with the same pattern", async () => {
  const { config, warnings } = await load({
    files: {
      "config/setting.ini": `${SERVERS}[routes]\nm*=a\nn*=a\n`,
      "config/dev/gateway.ini": "[routes]\nM*=b\n",
    },
    env: { TOKLIGENCE_ROUTES: "o*=b\nn*=>b" },
  });
  expect(config.routes.map(({ pattern, targets, origin }) => `${pattern} ${targets[0].provider} ${origin}`)).toEqual([
    "o* b TOKLIGENCE_ROUTES",
    "n* b TOKLIGENCE_ROUTES",
    "M* b config/dev/gateway.ini:2",
    "in-a* a config/setting.ini:3",
  ]);
  expect(warnings).toEqual([]);
});

test("of two rules for one pattern in one layer the first counts; a repeated line is the later", async () => {
  const text = `${SERVERS}[routes]\nin-a*=b\nz=a\nZ=b\n`;
  const { config, warnings } = await load({ files: { "config/setting.ini": text } });
  expect(config.routes.map(({ pattern, targets }) => [pattern, targets[0].provider])).toEqual([
    ["in-a*", "a"],
    ["Z", "b"],
  ]);
  expect(warnings).toEqual([
    "config/setting.ini:9: routes.z is said again here, which overrules line 8",
    'config/setting.ini:7: "in-a*" has no effect here: config/setting.ini:3 says "a" and comes first',
  ]);
});

test("a route that an alias hides is worth a word, with where both stand", async () => {
  const { warnings } = await load({
    files: {
      "config/setting.ini": [
        SERVERS.trimEnd(),
        "[aliases]",
        "fast=gpt-4.1-mini",
        "Old-*=gpt-4.1",
        "quick=reached",
        "reached=gpt-4.1-mini",
        "same=same",
        "[routes]",
        "FAST=a",
        "reached=a",
        "same=a",
        "fast*=a",
        "claude-instant-1=a",
        "[route.old]",
        "match=old-b*, older, old-c",
        "targets=b",
        "tools=yes",
        "[route.off]",
        "match=fast",
        "targets=b",
        "enabled=no",
      ].join("\n"),
    },
  });
  const at = SERVERS.trimEnd().split("\n").length;
  const where = (line: number): string => `config/setting.ini:${at + line}`;
  expect(warnings.toSorted()).toEqual([
    `${where(8)}: "FAST" has no effect here: the alias "fast" at ${where(2)} comes first and leads to "gpt-4.1-mini"`,
    `${where(12)}: "claude-instant-1" has no effect here: the built-in alias "claude-instant*" comes first and leads to "claude-haiku-5-5"`,
    `${where(13)}: "old-b*" has no effect in [route.old]: the alias "Old-*" at ${where(3)} comes first and leads to "gpt-4.1"`,
    `${where(13)}: "old-c" has no effect in [route.old]: the alias "Old-*" at ${where(3)} comes first and leads to "gpt-4.1"`,
  ]);
});

test("a route to nobody is a problem, with the providers there are", async () => {
  const { text } = await loadProblems({ env: { TOKLIGENCE_ROUTES: "a*=antropic, b*=somewhere-else" } });
  expect(text.split("\n")).toEqual([
    'TOKLIGENCE_ROUTES: "a*" leads to "antropic", which is no provider — did you mean "anthropic"?',
    'TOKLIGENCE_ROUTES: "b*" leads to "somewhere-else", which is no provider (there are loopback, openai, anthropic)',
  ]);
});

describe("aliases", () => {
  const files = {
    "config/setting.ini":
      "model_aliases=fast=>gpt-4.1-mini\nmodel_aliases_file=more.aliases\nmodel_aliases_dir=~/d\n[aliases]\nbest=a/b\n",
    "more.aliases": "# note\r\nslow => gpt-5\r\nfast => never\r\n",
    "/home/ada/d/2.aliases": "two=b",
    "/home/ada/d/1.aliases": "one=a",
    "/home/ada/d/.hidden": "broken",
    "/home/ada/d/deeper/3.aliases": "broken",
  };

  test("in order: the key, sections, the file, the folder's files", async () => {
    const { config, watched, warnings } = await load({ files });
    expect(config.aliases).toEqual([
      { pattern: "fast", target: "gpt-4.1-mini", origin: "config/setting.ini:1" },
      { pattern: "best", target: "a/b", origin: "config/setting.ini:5" },
      { pattern: "slow", target: "gpt-5", origin: "more.aliases:2" },
      { pattern: "one", target: "a", origin: "/home/ada/d/1.aliases:1" },
      { pattern: "two", target: "b", origin: "/home/ada/d/2.aliases:1" },
    ]);
    expect(watched).toContain("/home/ada/d");
    expect(watched).toContain(`${CWD}/more.aliases`);
    expect(warnings).toEqual([]);
  });

  test("what is wrong in such a file is named by its own line", async () => {
    const { text } = await loadProblems({ files: { ...files, "more.aliases": "a=b\n\nnonsense\n" } });
    expect(text).toBe('more.aliases:3: "nonsense" is no rule: write it like pattern=>name');
  });

  test("a folder that is gone is a warning, a file a problem", async () => {
    const gone = { "config/setting.ini": "model_aliases_dir=gone.d" };
    expect((await load({ files: gone })).warnings).toEqual([
      `config/setting.ini:1: model_aliases_dir: there is no folder "${CWD}/gone.d"`,
    ]);
    const { text } = await loadProblems({ env: { TOKLIGENCE_MODEL_ALIASES_FILE: "gone.txt" } });
    expect(text).toBe(`TOKLIGENCE_MODEL_ALIASES_FILE: "${CWD}/gone.txt" does not exist`);
  });
});
