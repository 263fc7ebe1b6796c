// Budgets through HTTP: what is refused and in whose words, what is left, what comes back, and that the count is the ledger's.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, makeConfig, makeRig, readJson } from "../rig.ts";

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig & { admin: string }> {
  const rig = await makeRig(init);
  rigs.push(rig);
  return { ...rig, admin: (await rig.issue("gateway_admin")).token };
}

/** An answer of so many tokens to a chat. */
function answerChat(input: number, output: number): Response {
  return Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o",
    choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  });
}

const ASK = { model: "gpt-4o", max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };

async function create(rig: Rig & { admin: string }, body: Record<string, unknown>): Promise<{ id: string }> {
  const response = await rig.send("/api/v1/admin/budgets", { body, token: rig.admin });
  expect(response.status).toBe(201);
  return (await readJson(response)).budget;
}

async function show(rig: Rig & { admin: string }, id: string) {
  return (await readJson(await rig.send(`/api/v1/admin/budgets/${id}`, { token: rig.admin }))).budget;
}

describe("a budget in tokens", () => {
  test("refuses once it is spent, in the words of OpenAI's clients, and keeps the refusal's row", async () => {
    const rig = await open({ upstream: () => answerChat(40, 60) });
    const { id } = await create(rig, { name: "team", limit_tokens: 250, period: "day" });
    for (let turn = 0; turn < 3; turn++) expect((await rig.chat(ASK)).status).toBe(200);
    const refused = await rig.chat(ASK);
    expect(refused.status).toBe(429);
    const body = await readJson(refused);
    expect(body.error).toMatchObject({ type: "insufficient_quota", code: "insufficient_quota" });
    expect(body.error.message).toContain('The budget "team" of 250 tokens a day has 0 tokens left.');
    expect(body.error.message).toContain("It begins anew at 2023-11-15T00:00:00.000Z.");
    expect(refused.headers.get("x-tokligence-budget")).toBe("team");
    expect(refused.headers.get("x-tokligence-budget-id")).toBe(id);
    expect(refused.headers.get("x-tokligence-budget-limit")).toBe("250");
    expect(refused.headers.get("x-tokligence-budget-remaining")).toBe("0");
    expect(refused.headers.get("x-tokligence-budget-reset")).toBe("2023-11-15T00:00:00.000Z");
    expect(refused.headers.get("retry-after")).toBeNull();
    expect(refused.headers.get("x-should-retry")).toBe("false");
    const [row] = await rig.rows();
    expect(row).toMatchObject({ status: 429, errorKind: "quota_exceeded", provider: null, attempts: [] });
    expect(rig.calls).toHaveLength(3);
    expect((await show(rig, id)).state).toMatchObject({ spent_tokens: 300, reserved_tokens: 0, refusals: 1 });
  });

  test("speaks each format's own words", async () => {
    const rig = await open();
    await create(rig, { name: "none", limit_tokens: 0 });
    const anthropic = await rig.send("/v1/messages", {
      body: { model: "claude-sonnet-4-5", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] },
    });
    expect(anthropic.status).toBe(429);
    expect(await readJson(anthropic)).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
    const gemini = await rig.send("/v1beta/models/gpt-4o:generateContent", {
      body: { contents: [{ parts: [{ text: "Hi" }] }] },
    });
    expect(gemini.status).toBe(429);
    expect(await readJson(gemini)).toMatchObject({ error: { code: 429, status: "RESOURCE_EXHAUSTED" } });
  });

  test("holds a limit that was lowered against what was granted before", async () => {
    const rig = await open({ upstream: () => answerChat(40, 60) });
    const { id } = await create(rig, { name: "team", limit_tokens: 1_000_000 });
    expect((await rig.chat(ASK)).status).toBe(200);
    const change = { method: "PATCH", body: { limit_tokens: 150 }, token: rig.admin };
    expect((await rig.send(`/api/v1/admin/budgets/${id}`, change)).status).toBe(200);
    // One reservation may reach beyond what is left.
    for (const status of [200, 429, 429]) expect((await rig.chat(ASK)).status).toBe(status);
    expect((await show(rig, id)).state).toMatchObject({ spent_tokens: 200, reserved_tokens: 0, remaining_tokens: 0 });
  });

  test("lets no small call have what a large one reserved beyond the limit and left", async () => {
    const rig = await open({ upstream: () => answerChat(40, 60) });
    await create(rig, { name: "team", limit_tokens: 200 });
    // Together they reserve more than there is, and use just that.
    for (const { status } of await Promise.all([rig.chat(ASK), rig.chat(ASK)])) expect(status).toBe(200);
    for (const most of [100, 1]) expect((await rig.chat({ ...ASK, max_tokens: most })).status).toBe(429);
  });

  test("gives back what was reserved and not used", async () => {
    const rig = await open({ upstream: () => answerChat(5, 5) });
    const { id } = await create(rig, { name: "team", limit_tokens: 200 });
    // Each reserves more than half, and uses a twentieth.
    for (let turn = 0; turn < 12; turn++) expect((await rig.chat(ASK)).status).toBe(200);
    expect((await show(rig, id)).state).toMatchObject({ spent_tokens: 120, reserved_tokens: 0, remaining_tokens: 80 });
  });

  test("lets a call wait for running ones to need less than they reserved, and then says when to come back", async () => {
    const answers: (() => void)[] = [];
    const rig = await open({
      async upstream({ method }) {
        if (method !== "POST") return Response.json({ object: "list", data: [] });
        await new Promise<void>((resolve) => answers.push(resolve));
        return answerChat(10, 10);
      },
    });
    await create(rig, { name: "team", limit_tokens: 200 });
    const running = [rig.chat(ASK), rig.chat(ASK)];
    while (answers.length < 2) await new Promise(setImmediate);
    // Both have reserved more than there is: this one waits for the first.
    const third = rig.chat(ASK);
    const fourth = rig.chat(ASK);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(answers).toHaveLength(2);
    answers[0]?.();
    while (answers.length < 3) await new Promise(setImmediate);
    rig.clock.advance(2_000);
    const refused = await fourth;
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("2");
    expect(refused.headers.get("x-should-retry")).toBeNull();
    expect((await readJson(refused)).error.message).toContain("Calls that are running have reserved");
    for (const answer of answers) answer();
    for (const call of [...running, third]) expect((await call).status).toBe(200);
  });

  test("gives all of it back where the provider refuses, is not there, or the client's request is wrong", async () => {
    const failures: (() => Response)[] = [
      () => Response.json({ error: { message: "no", type: "invalid_request_error" } }, { status: 400 }),
      () => Response.json({ error: { message: "down" } }, { status: 500 }),
      () => {
        throw new Error("unreachable");
      },
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    ];
    const rig = await open({
      upstream: ({ method }) => (method === "POST" ? failures.shift()?.() : null) ?? answerChat(1, 1),
    });
    const { id } = await create(rig, { name: "team", limit_tokens: 200 });
    for (const status of [400, 500, 502, 502]) expect((await rig.chat(ASK)).status).toBe(status);
    expect((await rig.chat({ ...ASK, messages: "no list" })).status).toBe(400);
    expect((await rig.chat(ASK)).status).toBe(200);
    expect((await show(rig, id)).state).toMatchObject({ spent_tokens: 2, reserved_tokens: 0, refusals: 0 });
  });

  test("books what a client that left had been given, and frees the rest", async () => {
    const chunk = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, delta: { content: "word ".repeat(8) } }] })}\n\n`;
    const rig = await open({
      upstream: () =>
        new Response(
          new ReadableStream({ pull: (controller) => controller.enqueue(new TextEncoder().encode(chunk)) }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    });
    const { id } = await create(rig, { name: "team", limit_tokens: 10_000 });
    const response = await rig.chat({ ...ASK, max_tokens: 5_000, stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    expect((await show(rig, id)).state.reserved_tokens).toBeGreaterThan(5_000);
    await reader?.cancel();
    while ((await rig.rows()).length === 0) await new Promise(setImmediate);
    const row = await rig.row();
    expect(row).toMatchObject({ status: 499, usageSource: "estimate" });
    const spent = (row.freshInputTokens ?? 0) + (row.outputTokens ?? 0);
    expect(spent).toBeGreaterThan(0);
    expect((await show(rig, id)).state).toMatchObject({ spent_tokens: spent, reserved_tokens: 0 });
  });

  test("begins anew with the next window, by its zone's calendar", async () => {
    const rig = await open({ upstream: () => answerChat(50, 50) });
    // The clock stands at 22:13:20 UTC: in Berlin the day ends in 46 min 40 s.
    await create(rig, { name: "team", limit_tokens: 100, period: "day", time_zone: "Europe/Berlin" });
    expect((await rig.chat(ASK)).status).toBe(200);
    rig.clock.advance(46 * 60_000);
    const refused = await rig.chat(ASK);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("40");
    rig.clock.advance(40_000);
    expect((await rig.chat(ASK)).status).toBe(200);
    expect((await rig.chat(ASK)).status).toBe(429);
  });
});

describe("a budget in money", () => {
  test("counts what the ledger counts", async () => {
    const rig = await open({ upstream: () => answerChat(1_000, 1_000) });
    const { id } = await create(rig, { name: "money", limit_usd: "0.03" });
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn++) statuses.push((await rig.chat(ASK)).status);
    // $0.0125 each.
    expect(statuses).toEqual([200, 200, 200, 429]);
    const spent = (await rig.rows()).reduce((sum, row) => sum + (row.costNanos ?? 0), 0);
    expect((await show(rig, id)).state).toMatchObject({ spent_nanos: spent, spent_usd: "0.0375", remaining_usd: "0" });
  });

  test("refuses what nobody knows the price of, unless it is told to let it pass", async () => {
    const rig = await open({
      upstream: () => answerChat(1, 1),
      config: (config) => ({
        ...config,
        routes: [{ pattern: "strange", targets: [{ provider: "local", model: null }], origin: "test" }],
      }),
    });
    const { id } = await create(rig, { name: "money", limit_usd: 1 });
    const refused = await rig.chat({ ...ASK, model: "strange" });
    expect(refused.status).toBe(429);
    expect((await readJson(refused)).error.code).toBe("price_unknown");
    const changed = await rig.send(`/api/v1/admin/budgets/${id}`, {
      method: "PATCH",
      body: { unpriced: "allow" },
      token: rig.admin,
    });
    expect(changed.status).toBe(200);
    expect((await rig.chat({ ...ASK, model: "strange" })).status).toBe(200);
    expect((await show(rig, id)).state).toMatchObject({ spent_usd: "0", unpriced_requests: 1 });
  });

  test("never stands in the way of what is free", async () => {
    const rig = await open();
    await create(rig, { name: "money", limit_usd: 0 });
    expect((await rig.chat({ ...ASK, model: "loopback" })).status).toBe(200);
  });
});

describe("whom it concerns", () => {
  test("one user, one key, one provider, models of a pattern", async () => {
    const rig = await open({ upstream: () => answerChat(1, 1) });
    const ada = await rig.issue();
    const bob = await rig.issue();
    await create(rig, { name: "ada", user: ada.email, limit_tokens: 0 });
    expect((await rig.chat(ASK, { token: ada.token })).status).toBe(429);
    expect((await rig.chat(ASK, { token: bob.token })).status).toBe(200);
    await create(rig, { name: "bob's key", api_key_id: bob.keyId, model: "*-mini", limit_tokens: 0 });
    expect((await rig.chat(ASK, { token: bob.token })).status).toBe(200);
    expect((await rig.chat({ ...ASK, model: "gpt-4o-mini" }, { token: bob.token })).status).toBe(429);
    await create(rig, { name: "openai", provider: "openai", limit_tokens: 0 });
    expect((await rig.chat(ASK, { token: bob.token })).status).toBe(429);
    expect((await rig.chat({ ...ASK, model: "loopback" }, { token: bob.token })).status).toBe(200);
  });

  test("each user has the limit for himself", async () => {
    const rig = await open({ upstream: () => answerChat(50, 60) });
    const [ada, bob] = [await rig.issue(), await rig.issue()];
    await create(rig, { name: "everyone", each: "user", limit_tokens: 100 });
    const ask = async (token: string): Promise<number> => (await rig.chat(ASK, { token })).status;
    expect([await ask(ada.token), await ask(ada.token), await ask(bob.token), await ask(bob.token)]).toEqual([
      200, 429, 200, 429,
    ]);
    const own = await readJson(await rig.send("/api/v1/budgets", { token: ada.token }));
    expect(own.budgets).toHaveLength(1);
    expect(own.budgets[0]).toMatchObject({ name: "everyone", state: { spent_tokens: 110, remaining_tokens: 0 } });
  });

  test("a caller sees what concerns him, and nobody else", async () => {
    const rig = await open();
    const [ada, bob] = [await rig.issue(), await rig.issue()];
    await create(rig, { name: "ada", user: ada.userId, limit_tokens: 10 });
    await create(rig, { name: "total", limit_tokens: 10 });
    const names = async (token: string): Promise<string[]> =>
      (await readJson(await rig.send("/api/v1/budgets", { token }))).budgets.map(({ name }: { name: string }) => name);
    expect(await names(ada.token)).toEqual(["ada", "total"]);
    expect(await names(bob.token)).toEqual(["total"]);
    const text = await (await rig.send("/api/v1/budgets", { token: ada.token })).text();
    expect(text).not.toContain(ada.userId);
    expect((await rig.send("/api/v1/admin/budgets", { token: ada.token })).status).toBe(403);
  });
});

describe("limits that do not refuse", () => {
  test("a soft limit warns in headers, and tells once a window", async () => {
    const rig = await open({ upstream: () => answerChat(50, 50) });
    await create(rig, { name: "soft", soft_limit_tokens: 150, alert_percents: [50] });
    const warnings: (string | null)[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const response = await rig.chat(ASK);
      expect(response.status).toBe(200);
      warnings.push(response.headers.get("x-tokligence-budget-warning"));
    }
    expect(warnings).toEqual([null, "soft limit 150 passed", "soft limit 150 passed"]);
    await rig.budgets.refresh();
    expect(rig.alerts.map(({ subject }) => subject)).toEqual([
      'Budget "soft" reached 50 %',
      'Budget "soft" passed its soft limit',
    ]);
  });

  test("shadow mode counts and tells what it would have refused", async () => {
    const rig = await open({ upstream: () => answerChat(50, 60) });
    const { id } = await create(rig, { name: "watch", limit_tokens: 100, mode: "shadow" });
    expect((await rig.chat(ASK)).headers.get("x-tokligence-budget-shadow")).toBeNull();
    const second = await rig.chat(ASK);
    expect(second.status).toBe(200);
    expect(second.headers.get("x-tokligence-budget-shadow")).toBe("would refuse");
    expect((await show(rig, id)).state).toMatchObject({ spent_tokens: 220, refusals: 1, remaining_tokens: 0 });
  });

  test("each threshold is told once, also across a restart", async () => {
    const place = await open();
    const shared = makeConfig(`${place.config.home}/other`);
    const init = {
      upstream: () => answerChat(50, 40),
      config: (config: typeof shared) => ({
        ...config,
        identityPath: shared.identityPath,
        ledgerPath: shared.ledgerPath,
      }),
    };
    const first = await open(init);
    await create(first, { name: "team", limit_tokens: 100, alert_percents: [50, 80, 100] });
    expect((await first.chat(ASK)).status).toBe(200);
    await first.budgets.refresh();
    expect(first.alerts.map(({ data }) => data["threshold"])).toEqual(["50", "80"]);
    rigs.splice(rigs.indexOf(first), 1);
    await first.close();
    const second = await open(init);
    expect(second.alerts).toEqual([]);
    expect((await second.chat(ASK)).status).toBe(200);
    await second.budgets.refresh();
    expect(second.alerts.map(({ data }) => data["threshold"])).toEqual(["100"]);
    expect((await second.chat(ASK)).status).toBe(429);
  });
});

describe("changes", () => {
  test("are in force at once, and what cannot be said is refused with the field", async () => {
    const rig = await open({ upstream: () => answerChat(50, 60) });
    const { id } = await create(rig, { name: "team", limit_tokens: 100 });
    expect((await rig.chat(ASK)).status).toBe(200);
    expect((await rig.chat(ASK)).status).toBe(429);
    const send = (method: string, body?: unknown, path = `/${id}`) =>
      rig.send(`/api/v1/admin/budgets${path}`, { method, body, token: rig.admin });
    expect((await send("PATCH", { limit_tokens: 200 })).status).toBe(200);
    expect((await rig.chat(ASK)).status).toBe(200);
    expect((await rig.chat(ASK)).status).toBe(429);
    expect((await send("DELETE")).status).toBe(204);
    expect((await rig.chat(ASK)).status).toBe(200);
    expect((await send("PATCH", { limit_tokens: 1 })).status).toBe(404);
    for (const [body, param] of [
      [{ name: "x" }, "limit_usd"],
      [{ name: "x", limit_usd: 1, limit_tokens: 1 }, "limit_tokens"],
      [{ name: "x", limit_usd: "1e3" }, "limit_usd"],
      [{ name: "x", limit_tokens: 1.5 }, "limit_tokens"],
      [{ name: " ", limit_tokens: 1 }, "name"],
      [{ name: "x", limit_tokens: 1, period: "year" }, "period"],
      [{ name: "x", limit_tokens: 1, time_zone: "Mars" }, "time_zone"],
      [{ name: "x", limit_tokens: 1, alert_percents: [0] }, "alert_percents"],
    ] as const) {
      const response = await send("POST", body, "");
      expect([response.status, (await readJson(response)).error.param]).toEqual([422, param]);
    }
    await create(rig, { name: "x", limit_tokens: 1 });
    expect((await send("POST", { name: "x", limit_tokens: 1 }, "")).status).toBe(409);
  });

  test("a budget that is made counts what its window has seen before", async () => {
    const rig = await open({ upstream: () => answerChat(50, 60) });
    expect((await rig.chat(ASK)).status).toBe(200);
    const { id } = await create(rig, { name: "late", limit_tokens: 100, period: "day" });
    expect((await show(rig, id)).state.spent_tokens).toBe(110);
    expect((await rig.chat(ASK)).status).toBe(429);
  });
});
