// `capabilities`: sums for all, rows once it is narrowed, the same in JSON, and no server or key needed.

import { expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { runLine } from "./desk.ts";

test("without a filter it counts, and says how to see more", async () => {
  const { code, out, err } = await runLine("capabilities");
  expect(code).toBe(EXIT.ok);
  expect(out).toMatch(/^SURFACE +PROVIDER +MODEL +KEPT +MAPPED +DROPPED +REFUSED\n/);
  expect(out).toMatch(/^openai-chat +anthropic +claude-opus-4-6 +\d+ +\d+ +\d+ +\d+$/m);
  expect(err).toContain("--feature");
});

test("narrowed, each feature has its row, and what cannot be asked for has none", async () => {
  const { out } = await runLine("capabilities --provider anthropic --surface openai-chat");
  expect(out).toMatch(/^openai-chat +anthropic +claude-opus-4-6 +seed +dropped +seed$/m);
  expect(out).toMatch(/^openai-chat +anthropic +claude-opus-4-6 +json-schema +kept +-$/m);
  expect(out).not.toContain("absent");
  expect(out).not.toMatch(/^anthropic-messages/m);
});

test("in JSON, with every row", async () => {
  const { out } = await runLine("capabilities --provider openai --feature top-k --json");
  const { data } = JSON.parse(out);
  expect(data.length).toBeGreaterThan(1);
  for (const cell of data) expect(cell).toMatchObject({ provider: "openai", feature: "top-k" });
});

test("a feature that is none is refused with those that there are", async () => {
  const { code, err } = await runLine("capabilities --feature telepathy");
  expect(code).not.toBe(EXIT.ok);
  expect(err).toContain("json-schema");
});
