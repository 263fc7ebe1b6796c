// Recorded traffic through the whole gateway, counted again: exact counts are the providers' own, honest providers are not accused, and ones that
// report a fifth more or less are.

import { beforeAll, describe, expect, test } from "bun:test";
import type { LedgerEntry, Recount } from "../../src/ledger/index.ts";
import {
  RECORDED_CASES,
  RECORDED_KEY,
  type RecordedCase,
  answerRecorded,
  listRecordedProviders,
  makeRecordedBody,
  nameRecordedModel,
} from "../recorded.ts";
import { readRecounts, settleRecounts } from "../recounting.ts";
import { type Rig, makeRig } from "../rig.ts";

/** Own wires whose counting is published. */
const IS_OPENAI = /^(?:azure|openai|vercel)/u;

interface Row {
  recorded: RecordedCase;
  entry: LedgerEntry;
  recount: Recount;
}

/** All cases one after another through one gateway; `doctor` changes what the provider answers. */
async function replay(
  cases: readonly RecordedCase[],
  doctor: (body: string) => string = (body) => body,
): Promise<Row[]> {
  let current: RecordedCase | null = null;
  const rig: Rig = await makeRig({
    upstream(call) {
      if (call.url.includes("/service-accounts/"))
        return Response.json({ access_token: RECORDED_KEY, expires_in: 3_600 });
      if (call.method === "GET") return Response.json({ data: [], models: [] });
      if (current === null) throw new Error("no case is running");
      return answerRecorded(current, doctor(current.response.body));
    },
    config: (config) => ({
      ...config,
      providers: listRecordedProviders(),
      recount: { ...config.recount, isOn: true },
    }),
  });
  try {
    const { token } = await rig.issue();
    const rows: Row[] = [];
    const known = new Set<string>();
    for (const recorded of cases) {
      current = recorded;
      const model = nameRecordedModel(recorded);
      const path = recorded.path.replace("{model}", encodeURIComponent(model));
      await (await rig.send(path, { token, body: makeRecordedBody(recorded, model) })).text();
      await settleRecounts(rig.recounter);
      for (const entry of await rig.rows()) {
        if (known.has(entry.id)) continue;
        known.add(entry.id);
        const recount = (await readRecounts(rig.store)).get(entry.id);
        if (recount === null || recount === undefined) throw new Error(`${recorded.name} has no recount`);
        rows.push({ recorded, entry, recount });
      }
    }
    return rows;
  } finally {
    await rig.close();
  }
}

function describeRow({ recorded, entry, recount }: Row): string {
  const { freshInputTokens: fresh, cacheReadTokens: read, cacheWriteTokens: write } = entry;
  const input = (fresh ?? 0) + (read ?? 0) + (write ?? 0);
  const range = (low: number | null, high: number | null): string => `${low ?? ""}…${high ?? ""}`;
  return (
    `${recorded.name}: input ${input} of ${range(recount.inputLow, recount.inputHigh)}, ` +
    `output ${entry.outputTokens} of ${range(recount.outputLow, recount.outputHigh)}`
  );
}

let honest: Row[] = [];

beforeAll(async () => {
  honest = await replay(RECORDED_CASES);
}, 120_000);

test("every call has a recount, counted or with its reason", () => {
  expect(honest).toHaveLength(RECORDED_CASES.length);
  const reasons = honest.filter(({ recount }) => recount.state === "skipped").map(({ recount }) => recount.reason);
  expect(new Set(reasons)).toEqual(new Set(["failed", "hidden: tool_search_tool_bm25_20251119", "not_text"]));
  const counted = honest.filter(({ recount }) => recount.state === "counted");
  expect(counted.length).toBeGreaterThan(100);
  for (const { recount } of counted) {
    expect(recount.tokenizer).toMatch(/^(?:o200k_base|cl100k_base)/u);
    expect(recount.tokenizerVersion).toBe("gpt-tokenizer@4.0.0");
    expect(recount.method === "exact" ? recount.reason : recount.reason?.length).not.toBe(0);
  }
});

test("where a count is exact, the input is the provider's own, and the output but for its end mark", () => {
  const exact = honest.filter(({ recount }) => recount.method === "exact");
  for (const { entry, recount } of exact) {
    expect(recount.inputTokens).toBe((entry.freshInputTokens ?? 0) + (entry.cacheReadTokens ?? 0));
    expect(recount.inputLow).toBe(recount.inputTokens);
    expect(recount.inputHigh).toBe(recount.inputTokens);
    if (recount.outputTokens === null) continue;
    expect((recount.outputHigh ?? 0) - (recount.outputLow ?? 0)).toBeLessThanOrEqual(2);
    expect(entry.outputTokens).toBeWithin(recount.outputLow ?? 0, (recount.outputHigh ?? 0) + 1);
  }
  // Of 38 six are exact on both sides, and seven on the input's; of the rest each says what keeps it from being so.
  const ours = honest.filter(({ recorded, recount }) => IS_OPENAI.test(recorded.name) && recount.state === "counted");
  const rest = Map.groupBy(
    ours.filter(({ recount }) => recount.method === "estimate"),
    ({ recount }) => recount.reason,
  );
  expect(ours.filter(({ recount }) => recount.method === "exact")).toHaveLength(6);
  expect(Object.fromEntries([...rest].map(([reason, rows]) => [reason, rows.length]))).toEqual({
    "hidden: reasoning": 1,
    "hidden: web_search": 1,
    reasoning_not_shown: 7,
    tool_calls: 10,
    tools: 12,
  });
  // Thoughts that are not shown leave the input exact.
  for (const { entry, recount } of rest.get("reasoning_not_shown") ?? []) {
    expect([recount.inputLow, recount.inputHigh]).toEqual([entry.freshInputTokens, entry.freshInputTokens]);
  }
});

test("no honest provider is flagged: of all recordings none", () => {
  const flagged = honest.filter(({ recount }) => recount.verdict === "over" || recount.verdict === "under");
  expect(flagged.map(describeRow)).toEqual([]);
});

/** Every count in a provider's report, times `factor`. */
function falsify(factor: number): (body: string) => string {
  const field = /"(prompt_tokens|completion_tokens|input_tokens|output_tokens|total_tokens)":\s*(\d+)/gu;
  return (body) =>
    body.replaceAll(field, (_, name: string, count: string) => {
      const scaled = Number(count) * factor;
      return `"${name}":${factor > 1 ? Math.ceil(scaled) : Math.floor(scaled)}`;
    });
}

describe("a provider that reports what is not so", () => {
  const names = (): Set<string> =>
    new Set(honest.filter(({ recount }) => recount.method === "exact").map(({ recorded }) => recorded.name));

  test.each([
    [1.2, "over"],
    [0.8, "under"],
  ] as const)(
    "times %p is flagged %s, on every exact row",
    async (factor, verdict) => {
      const cases = RECORDED_CASES.filter(({ name }) => names().has(name));
      const rows = await replay(cases, falsify(factor));
      expect(rows).toHaveLength(6);
      for (const row of rows) expect(`${describeRow(row)} ${row.recount.verdict}`).toEndWith(` ${verdict}`);
    },
    60_000,
  );
});
