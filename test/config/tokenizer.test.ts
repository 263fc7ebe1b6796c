// The operator's own tokenizers: sections and variables that declare them, and what is said where something is missing.

import { expect, test } from "bun:test";
import { CWD, load, loadProblems } from "./scene.ts";

const SECTION = "[tokenizer.llama]\nmodels = llama-3*, meta-llama/*\nfile = tokenizers/llama.json\n";
const FILE = { "tokenizers/llama.json": '{"model":{}}' };

const BESIDE = { "tokenizers/config.json": '{"model_type":"llama"}' };

test("a section names models and a file, whose path starts at the working folder", async () => {
  const { config, watched } = await load({ files: { "config/setting.ini": SECTION, ...FILE } });
  expect(config.recount.tokenizers).toEqual([
    { name: "llama", models: ["llama-3*", "meta-llama/*"], file: `${CWD}/tokenizers/llama.json` },
  ]);
  expect(watched).not.toContain(`${CWD}/tokenizers/llama.json`);
});

test("variables overrule the section, and declare one of their own", async () => {
  const { config, warnings } = await load({
    files: { "config/setting.ini": SECTION, ...FILE, "/other.json": '{"model":{}}' },
    env: {
      TOKLIGENCE_TOKENIZER_LLAMA_MODELS: "llama-4*",
      TOKLIGENCE_TOKENIZER_QWEN_FILE: "/other.json",
      TOKLIGENCE_TOKENIZER_QWEN_MODELS: "qwen*",
    },
  });
  expect(config.recount.tokenizers).toMatchObject([
    { name: "llama", models: ["llama-4*"] },
    { name: "qwen", models: ["qwen*"], file: "/other.json" },
  ]);
  expect(warnings).toEqual([]);
});

test.each([
  ["[tokenizer.llama]\nmodels=llama*\n", "the tokenizer llama lacks file"],
  ["[tokenizer.llama]\nfile=tokenizers/llama.json\n", "the tokenizer llama lacks models"],
  ["[tokenizer.llama]\nmodels=a\nfile=nowhere.json\n", "does not exist"],
  ["[tokenizer.llama]\nmodels=a\nfile=config/setting.ini\n", "is no tokenizer.json"],
  ["[tokenizer.llama]\nmodels=a\nfile=tokenizers/config.json\n", "is no tokenizer.json: it has no model in it"],
  ["[tokenizer.llama]\nmodel=a\n", 'did you mean "models"'],
  ["[tokenizer.Ll/ama]\nmodels=a\n", "a tokenizer's name consists of"],
  ["[tokeniser.llama]\nmodels=a\n", "[tokenizer.llama]"],
])("%p is refused: %s", async (text, said) => {
  const { text: told } = await loadProblems({ files: { "config/setting.ini": text, ...FILE, ...BESIDE } });
  expect(told).toContain(said);
});
