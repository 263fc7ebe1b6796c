// What a user of a gateway with several workers must not notice: that there are several. Calls that belong together meet, what one learns all know, and
// what an operator says reaches all.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { expectOk, issueKey, waitUntil } from "./binary.ts";
import { adminKey, ask, askAll, makeAnswer, manage, openGate, readMetric, withCrew } from "./workers-scene.ts";

const isLinux = process.platform === "linux";

describe.skipIf(!isLinux)("calls that belong together", () => {
  test("by their Idempotency-Key are one call, whichever worker they come to", async () => {
    const gate = openGate();
    await withCrew({ workers: 3, answer: gate.answer }, async ({ gateway }) => {
      const { token } = await issueKey(gateway);
      for (const name of ["first", "second", "third"]) {
        const headers = { "idempotency-key": name };
        const asked = Array.from({ length: 8 }, () => ask(gateway, token, { headers }));
        await waitUntil(
          async () => gate.count() > 0 && (await readMetric(gateway, "tokligence_idempotency_shared_total")) % 7 === 0,
          "all to wait for the one",
        );
        expect(gate.count()).toBe(1);
        gate.letGo();
        expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
        const again = await ask(gateway, token, { headers });
        expect([again.status, gate.count()]).toEqual([200, 0]);
      }
      const { idempotency } = await manage(gateway, await adminKey(gateway), "/api/v1/admin/cache", "GET");
      expect(idempotency).toMatchObject({ shared: 21, replayed: 3, finished: 3 });
    });
  }, 60_000);

  test("wait behind one cap, and a worker that dies gives its places back", async () => {
    const gate = openGate();
    const config = "max_concurrent_per_key = 2\nqueue_timeout = 20s\n";
    await withCrew({ answer: gate.answer, config }, async (scene) => {
      const { gateway } = scene;
      const { token } = await issueKey(gateway);
      const asked = Array.from({ length: 7 }, () => ask(gateway, token));
      let answered = 0;
      while (answered < 7) {
        const expected = Math.min(2, 7 - answered);
        await waitUntil(() => gate.count() === expected, "as many calls as may be");
        answered += expected;
        gate.letGo();
      }
      expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
      const cut = [ask(gateway, token), ask(gateway, token)];
      await waitUntil(() => gate.count() === 2, "two calls");
      for (const pid of scene.workers()) process.kill(pid, "SIGKILL");
      expect((await Promise.all(cut)).map(({ status }) => status)).toEqual([0, 0]);
      gate.letGo();
      const last = (async () => {
        for (;;) {
          const answer = await ask(gateway, token);
          if (answer.status !== 0) return answer;
        }
      })();
      await waitUntil(() => gate.count() > 0, "a call in a place that is free again");
      gate.letGo();
      expect((await last).status).toBe(200);
    });
  }, 60_000);

  test("find an answer that is made in the background by another worker, follow it and cancel it", async () => {
    const gate = openGate();
    await withCrew({ answer: gate.answer }, async (scene) => {
      const { gateway } = scene;
      const { token } = await issueKey(gateway);
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      for (let round = 0; round < 6; round++) {
        const body = { model: "local/m", input: "Hi", background: true };
        const made = await ask(gateway, token, { path: "/v1/responses", body });
        const { id } = JSON.parse(made.text) as { id: string };
        await waitUntil(() => gate.count() === 1, "the call to be under way");
        const shown = await fetch(`${gateway.url}/v1/responses/${id}`, { headers, keepalive: false });
        expect(((await shown.json()) as { status: string }).status).toBe("in_progress");
        const [received] = scene.upstream.calls.slice(-1);
        const cancelled = await fetch(`${gateway.url}/v1/responses/${id}/cancel`, {
          method: "POST",
          headers,
          keepalive: false,
        });
        expect(((await cancelled.json()) as { status: string }).status).toBe("cancelled");
        // At once, and not when it next looks at the database.
        await waitUntil(() => received?.signal.aborted === true, "the call to be given up");
        gate.letGo();
      }
    });
  }, 60_000);
});

describe.skipIf(!isLinux)("what one worker learns", () => {
  test("of a provider that fails all know, and what an operator says of it reaches all", async () => {
    let isDown = false;
    const answer = () => (isDown ? Response.json({ error: { message: "no" } }, { status: 503 }) : makeAnswer());
    const config = "breaker_failures = 3\nbreaker_alone = refuse\nbreaker_open = 10m\nretry_attempts = 1\n";
    await withCrew({ answer, config: config.replace("retry_attempts = 1\n", "") }, async (scene) => {
      const { gateway } = scene;
      const { token } = await issueKey(gateway);
      const admin = await adminKey(gateway);
      const path = "/api/v1/admin/health/providers/local";
      const askOnce = () => ask(gateway, token);
      await askAll(scene, 2, askOnce);
      const list = async (): Promise<Record<string, unknown>> => {
        const { providers } = (await manage(gateway, admin, "/api/v1/admin/health/providers", "GET")) as {
          providers: { provider: string; models: Record<string, unknown>[] }[];
        };
        return providers.find(({ provider }) => provider === "local")?.models[0] ?? {};
      };
      const { calls } = await list();
      expect(calls).toBe(await readMetric(gateway, "tokligence_requests_total"));
      isDown = true;
      await waitUntil(async () => (await askOnce()).text.includes("provider_resting"), "a breaker to open");
      const before = scene.upstream.calls.length;
      const refused = await askAll(scene, 2, askOnce);
      for (const { text } of refused.values()) expect(text).toContain("provider_resting");
      expect(scene.upstream.calls).toHaveLength(before);
      expect((await list())["state"]).toBe("open");
      isDown = false;
      await manage(gateway, admin, `${path}/reset`);
      for (const { status } of (await askAll(scene, 2, askOnce)).values()) expect(status).toBe(200);
      await manage(gateway, admin, `${path}/drain`);
      for (const { text } of (await askAll(scene, 2, askOnce)).values())
        expect(text).toContain("provider_out_of_service");
      // One that begins later hears of it, too.
      const [victim = 0] = scene.workers();
      process.kill(victim, "SIGKILL");
      await waitUntil(() => gateway.log().includes("A worker serves in the place"), "another worker");
      for (const { text } of (await askAll(scene, 2, askOnce)).values())
        expect(text).toContain("provider_out_of_service");
      await manage(gateway, admin, `${path}/enable`);
      for (const { status } of (await askAll(scene, 2, askOnce)).values()) expect(status).toBe(200);
    });
  }, 60_000);

  test("is kept in one cache for all, and thrown away for all", async () => {
    await withCrew({ config: "cache = memory\n" }, async (scene) => {
      const { gateway } = scene;
      const { token } = await issueKey(gateway);
      const admin = await adminKey(gateway);
      const askOnce = () => ask(gateway, token, { body: { temperature: 0 } });
      expect((await askOnce()).headers.get("x-tokligence-cache")).toBe("miss");
      // On its way to the process that keeps it, an answer is there for nobody yet.
      await waitUntil(async () => (await askOnce()).headers.get("x-tokligence-cache") === "hit", "it to be kept");
      const misses = scene.upstream.calls.length;
      const found = await askAll(scene, 2, askOnce);
      for (const { headers } of found.values()) expect(headers.get("x-tokligence-cache")).toBe("hit");
      expect(scene.upstream.calls).toHaveLength(misses);
      const { cache } = await manage(gateway, admin, "/api/v1/admin/cache", "GET");
      expect(cache).toMatchObject({ store: "memory", entries: 1, misses });
      expect(await manage(gateway, admin, "/api/v1/admin/cache", "DELETE")).toEqual({ store: "memory", removed: 1 });
      expect((await askOnce()).headers.get("x-tokligence-cache")).toBe("miss");
    });
  }, 60_000);

  test("of keys that open nothing is counted together", async () => {
    await withCrew({ config: "bad_key_limit = 6\n" }, async (scene) => {
      await issueKey(scene.gateway);
      const answers: number[] = [];
      for (let turn = 0; turn < 10; turn++) answers.push((await ask(scene.gateway, "tok_nothing")).status);
      expect(answers).toEqual([...Array.from({ length: 6 }, () => 401), ...Array.from({ length: 4 }, () => 429)]);
    });
  }, 60_000);
});

describe.skipIf(!isLinux)("what is said to a gateway with workers", () => {
  test("by SIGHUP holds for all, and all write to one log", async () => {
    await withCrew({ config: "log_file = gateway.log\n[aliases]\nfast = local/m\n" }, async (scene) => {
      const { gateway } = scene;
      const { token } = await issueKey(gateway);
      const path = join(gateway.folder, "config/setting.ini");
      writeFileSync(path, readFileSync(path, "utf8").replace("fast = local/m", "quick = local/m"));
      gateway.signal("SIGHUP");
      await waitUntil(() => (gateway.log().match(/Configuration reloaded/gu)?.length ?? 0) >= 3, "all to reload");
      const answers = await askAll(scene, 2, () => ask(gateway, token, { body: { model: "quick" } }));
      for (const { status } of answers.values()) expect(status).toBe(200);
      const record = JSON.parse(await expectOk(gateway.run(["admin", "audit", "list", "--json"])));
      const reloads = (record.changes as { action: string }[]).filter(({ action }) => action === "settings.reload");
      expect(reloads).toHaveLength(1);
      const log = readFileSync(join(gateway.folder, "gateway.log"), "utf8");
      expect(new Set([...log.matchAll(/"worker":(\d)/gu)].map(([, worker]) => worker))).toEqual(new Set(["1", "2"]));
    });
  }, 60_000);
});

describe.skipIf(!isLinux)("a budget that is made while all workers serve", () => {
  test("counts what was asked before, meanwhile and after, of each of them", async () => {
    await withCrew({ workers: 3 }, async (scene) => {
      const { gateway } = scene;
      const { token } = await issueKey(gateway);
      const askOnce = () => ask(gateway, token, { body: { max_tokens: 4 } });
      await askAll(scene, 3, askOnce);
      let isOver = false;
      const clients = Array.from({ length: 3 }, async () => {
        while (!isOver) expect((await askOnce()).status).toBe(200);
      });
      const limits = ["--limit-tokens", "1000000", "--period", "month"];
      await expectOk(gateway.run(["admin", "budgets", "create", "--name", "team", ...limits]));
      const spent = async (): Promise<number> => {
        const shown = await expectOk(gateway.run(["admin", "budgets", "show", "--id", "team", "--json"]));
        return Number(JSON.parse(shown).states[0]?.spent_tokens ?? 0);
      };
      await waitUntil(async () => (await spent()) > 0, "the budget to be in force");
      await askAll(scene, 3, askOnce);
      isOver = true;
      await Promise.all(clients);
      const requests = await readMetric(gateway, "tokligence_requests_total");
      // Of ten tokens each; what was booked just while the rows were read may be in both.
      await waitUntil(async () => (await spent()) >= requests * 10, "all to be counted");
      expect(await spent()).toBeLessThan(requests * 10 * 1.5);
    });
  }, 60_000);
});
