// Ids that follow from what they name.

import { expect, test } from "bun:test";
import { makeStableId } from "../../src/lib/stable-id.ts";

test("the same moment and name give the same id, others another, in the order of time and in UUIDv7's form", () => {
  const id = makeStableId(1_700_000_000_000, "openai/batch-1");
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
  expect(makeStableId(1_700_000_000_000, "openai/batch-1")).toBe(id);
  expect(makeStableId(1_700_000_000_000, "openai/batch-2")).not.toBe(id);
  expect(makeStableId(1_700_000_000_001, "openai/batch-1") > id).toBe(true);
  expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(1_700_000_000_000);
});
