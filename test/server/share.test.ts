// One request, two providers: the one that lost is charged with what was spent at it, in budgets, reports and metrics, and the sums stay the sums.

import { afterEach, describe, expect, test } from "bun:test";
import { createBudgetSums, type LedgerEntry, makePlace } from "../../src/ledger/index.ts";
import { type Rig, makeStream, readJson } from "../rig.ts";
import { ASK, completion, GOOD_STREAM, isFirst, openFleet, SECOND, START } from "./failover-scene.ts";

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

async function open(...init: Parameters<typeof openFleet>): Promise<Rig & { admin: string }> {
  const rig = await openFleet(...init);
  rigs.push(rig);
  return { ...rig, admin: (await rig.issue("gateway_admin")).token };
}

async function create(rig: Rig & { admin: string }, body: Record<string, unknown>): Promise<string> {
  const response = await rig.send("/api/v1/admin/budgets", { body: { period: "lifetime", ...body }, token: rig.admin });
  expect(response.status).toBe(201);
  return (await readJson(response)).budget.id;
}

/** The first begins and says nothing more, so that the second is asked. */
async function askTwo(rig: Rig): Promise<LedgerEntry> {
  const pending = rig.chat({ ...ASK, stream: true });
  while (rig.calls.length === 0) await new Promise(setImmediate);
  for (let round = 0; round < 20; round++) await new Promise(setImmediate);
  rig.clock.advance(30_000);
  expect(await (await pending).text()).toContain("from the second");
  return rig.row();
}

function stall(signal: AbortSignal): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(START));
      signal.addEventListener("abort", () => controller.error(new Error("aborted")));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

describe("what was spent at a provider that did not answer", () => {
  test("counts for its budget, its line of the breakdown and its metrics", async () => {
    const rig = await open(({ url, signal }) => (isFirst(url) ? stall(signal) : makeStream(GOOD_STREAM)), {
      others: SECOND,
    });
    const names = ["openai", "local", "total", "gpt-4o", "second"] as const;
    const scopes = {
      openai: { provider: "openai" },
      local: { provider: "local" },
      total: {},
      "gpt-4o": {},
      second: { model: "second" },
    };
    const ids = new Map<string, string>();
    for (const name of names) ids.set(name, await create(rig, { name, limit_tokens: 1_000_000, ...scopes[name] }));
    const row = await askTwo(rig);
    const lost = row.attempts[0]?.usage?.freshInputTokens ?? 0;
    expect(lost).toBeGreaterThan(0);
    expect(row).toMatchObject({ provider: "local", freshInputTokens: lost + 9, outputTokens: 2 });

    const spent = async (name: string): Promise<number> => {
      const { budget } = await readJson(await rig.send(`/api/v1/admin/budgets/${ids.get(name)}`, { token: rig.admin }));
      return budget.state.spent_tokens;
    };
    expect([await spent("openai"), await spent("local"), await spent("total"), await spent("second")]).toEqual([
      lost,
      11,
      lost + 11,
      11,
    ]);
    // What a gateway reads when it starts is the same.
    for (const name of ["openai", "local", "total", "second"]) {
      const budget = await rig.store.budgets.find(ids.get(name) ?? "");
      if (budget === null) throw new Error("there is no such budget");
      const place = makePlace(budget, { startMs: 0, endMs: Number.POSITIVE_INFINITY });
      const sums = await createBudgetSums(rig.store.budgets).read(place);
      expect(sums.reduce((sum, each) => sum + each.spent, 0)).toBe(await spent(name));
    }

    const read = async (query: string) => (await readJson(await rig.send(`/api/v1/usage/breakdown?${query}`))).groups;
    const groups = await read("by=provider");
    const find = (provider: string) => groups.find((group: { provider: string }) => group.provider === provider);
    expect(find("openai")).toMatchObject({ requests: 0, attempts: 1, fresh_input_tokens: lost, output_tokens: 0 });
    expect(find("local")).toMatchObject({ requests: 1, attempts: 1, fresh_input_tokens: 9, output_tokens: 2 });
    expect(await read("by=model&provider=openai")).toMatchObject([{ model: "gpt-4o", fresh_input_tokens: lost }]);
    const summary = (await readJson(await rig.send("/api/v1/usage/summary"))).summary;
    expect(summary).toMatchObject({ requests: 1, attempts: 2, fresh_input_tokens: lost + 9 });
    expect(summary.p50_latency_ms / row.latencyMs).toBeWithin(0.95, 1.05);
    expect(summary.p99_ttft_ms / (row.ttftMs ?? 0)).toBeWithin(0.95, 1.05);

    const metrics = await (await rig.send("/metrics", { token: rig.admin })).text();
    const lines = metrics
      .split("\n")
      .filter((line) => line.includes('kind="fresh_input"') || line.includes("_attempts_total{"));
    const figure = (provider: string, name: string): string | undefined =>
      lines
        .find((line) => line.startsWith(name) && line.includes(`provider="${provider}"`))
        ?.split(" ")
        .at(-1);
    expect([figure("openai", "tokligence_tokens"), figure("local", "tokligence_tokens")]).toEqual([`${lost}`, "9"]);
    expect([figure("openai", "tokligence_attempts"), figure("local", "tokligence_attempts")]).toEqual(["1", "1"]);
  });
});

describe("a budget that is spent", () => {
  test("of one provider leaves the others: the next target is asked, and nobody was called before", async () => {
    const rig = await open(() => Response.json(completion("Hi")), { others: SECOND });
    await create(rig, { name: "openai", provider: "openai", limit_tokens: 0 });
    const response = await rig.chat(ASK);
    expect([response.status, response.headers.get("x-tokligence-provider")]).toEqual([200, "local"]);
    expect(response.headers.get("x-tokligence-attempts")).toBe("1");
    expect(rig.calls.map(({ url }) => isFirst(url))).toEqual([false]);
  });

  test("of every target is 429 insufficient_quota, without a call", async () => {
    const rig = await open(() => Response.json(completion("Hi")), { others: SECOND });
    await create(rig, { name: "one", provider: "openai", limit_tokens: 0 });
    await create(rig, { name: "two", provider: "local", limit_tokens: 0 });
    const response = await rig.chat(ASK);
    expect([response.status, (await readJson(response)).error.code]).toEqual([429, "insufficient_quota"]);
    expect(response.headers.get("x-tokligence-budget")).toBe("one");
    expect(response.headers.get("x-tokligence-attempts")).toBeNull();
    expect(rig.calls).toHaveLength(0);
    expect(await rig.row()).toMatchObject({ status: 429, errorKind: "quota_exceeded", attempts: [] });
  });

  test("of the caller's own stands wherever he goes", async () => {
    const rig = await open(() => Response.json(completion("Hi")), { others: SECOND });
    await create(rig, { name: "all", limit_tokens: 0 });
    expect((await rig.chat(ASK)).status).toBe(429);
    expect(rig.calls).toHaveLength(0);
  });
});
