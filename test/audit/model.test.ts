// Names of models: which are the same one, and which are not.

import { expect, test } from "bun:test";
import { groupModels, parseModel } from "../../src/audit/reconcile/model.ts";

test.each([
  ["gpt-4o-2024-08-06", "openai/gpt-4o"],
  ["gpt-4o-2024-08-06", "gpt-4o-0806"],
  ["GPT-4.1 mini", "gpt-4.1-mini-2025-04-14"],
  ["Claude Sonnet 4.5", "claude-sonnet-4-5-20250929"],
  ["Claude Haiku 3.5", "claude-3-5-haiku-20241022"],
  ["Claude4.5Sonnet", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
  ["claude-sonnet-4-5@20250929", "claude-sonnet-4-5-latest"],
  ["gemini 2.5 flash", "models/gemini-2.5-flash"],
  ["gemini 2 flash", "gemini-2.0-flash-001"],
  ["deepseek.v3.2", "v3.2"],
  ["Nova2.0Lite", "us.amazon.nova-2-lite-v1:0"],
])("%s is %s", (left, right) => {
  expect(parseModel(left).base).toBe(parseModel(right).base);
});

test.each([
  ["gpt-4o", "gpt-4o-mini"],
  ["gpt-4o", "gpt-4"],
  ["gpt-4", "gpt-4-turbo"],
  ["claude-3-5-sonnet", "claude-sonnet-5-3"],
  ["o1", "o3"],
  ["gemini-2.5-flash", "gemini-2.5-flash-lite"],
])("%s is not %s", (left, right) => {
  expect(parseModel(left).base).not.toBe(parseModel(right).base);
});

test("dates keep models apart only where both sides have them", () => {
  const dated = groupModels(["gpt-4o-2024-08-06"], ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"], new Map());
  expect(dated("gpt-4o-2024-08-06")).not.toBe(dated("gpt-4o-2024-11-20"));
  const mixed = groupModels(["gpt-4o"], ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"], new Map());
  expect(mixed("gpt-4o-2024-08-06")).toBe(mixed("gpt-4o"));
  const renamed = groupModels(["house"], ["gpt-4o"], new Map([["house", "gpt-4o"]]));
  expect(renamed("house")).toBe(renamed("gpt-4o"));
});
