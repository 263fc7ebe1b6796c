// Several workers on one port: to whoever asks they are one gateway, and the books are one.

import { availableParallelism } from "node:os";
import { describe, expect, test } from "bun:test";
import { expectOk, issueKey, waitUntil } from "./binary.ts";
import { ENGINES, ask, expectSound, findWorkers, makeAnswer, openCrew, readMetric, readRows } from "./workers-scene.ts";

const isLinux = process.platform === "linux";

describe.skipIf(!isLinux)("several workers", () => {
  test.each(ENGINES)(
    "serve one port, write one chain, and tell figures that are sums, on %s",
    async (_name, env) => {
      const scene = await openCrew({ env: await env() });
      try {
        expect(scene.workers()).toHaveLength(2);
        const { token } = await issueKey(scene.gateway);
        const answers = await Promise.all(Array.from({ length: 40 }, () => ask(scene.gateway, token)));
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
        expect(
          findWorkers(
            scene.gateway,
            answers.map(({ id }) => id),
          ).size,
        ).toBe(2);
        for (let look = 0; look < 4; look++) {
          expect(await readMetric(scene.gateway, "tokligence_requests_total")).toBe(40);
          expect(await readMetric(scene.gateway, "tokligence_ledger_rows_per_acknowledged_request")).toBe(1);
        }
        const rows = await readRows(scene.gateway.run);
        expect(new Set(rows.map((row) => row.request_id))).toEqual(new Set(answers.map(({ id }) => id)));
        const headers = { authorization: `Bearer ${token}` };
        const page = await fetch(`${scene.gateway.url}/api/v1/usage/logs?limit=100`, { headers, keepalive: false });
        expect(((await page.json()) as { entries: object[] }).entries).toHaveLength(40);
        await expectSound(scene.gateway);
        scene.gateway.signal("SIGTERM");
        expect(await scene.gateway.exited).toBe(0);
        await expectSound(scene.gateway);
      } finally {
        await scene.close();
      }
    },
    60_000,
  );

  test("auto is one for each core", async () => {
    const scene = await openCrew({ workers: "auto" });
    try {
      const cores = availableParallelism();
      expect(scene.workers()).toHaveLength(cores === 1 ? 0 : cores);
    } finally {
      await scene.close();
    }
  }, 60_000);

  test("a key that is revoked is refused by all within a second", async () => {
    const scene = await openCrew();
    try {
      const { gateway } = scene;
      const { token, keyId } = await issueKey(gateway);
      const { token: other } = await issueKey(gateway);
      expect((await ask(gateway, token)).status).toBe(200);
      await expectOk(gateway.run(["admin", "api-keys", "revoke", "--id", keyId]));
      const untilMs = performance.now() + 1_000;
      await waitUntil(() => performance.now() >= untilMs, "the second in which all are to know it");
      const seen = new Set<number>();
      await waitUntil(async () => {
        const { status, id } = await ask(gateway, token);
        expect(status).toBe(401);
        for (const worker of findWorkers(gateway, [id])) seen.add(worker);
        return seen.size === 2;
      }, "all workers to be asked");
      expect((await ask(gateway, other)).status).toBe(200);
    } finally {
      await scene.close();
    }
  }, 60_000);

  test.each(ENGINES)(
    "a limit, a cap and a budget hold in total, on %s",
    async (_name, env) => {
      let running = 0;
      let most = 0;
      const others = Promise.withResolvers<void>();
      const scene = await openCrew({
        workers: 3,
        env: await env(),
        config: "[limit.all]\nrequests_per_minute = 20\nper = key\n[budget.team]\nlimit_tokens = 200\nperiod = month\n",
        async answer() {
          most = Math.max(most, ++running);
          // The first waits for another: they are asked side by side, or never answered.
          if (running > 1) others.resolve();
          await others.promise;
          running--;
          return makeAnswer();
        },
      });
      try {
        const { gateway } = scene;
        const [first, second] = [await issueKey(gateway), await issueKey(gateway)];
        const asked = { body: { max_tokens: 4 } };
        const limited = await Promise.all(Array.from({ length: 60 }, () => ask(gateway, first.token, asked)));
        expect(limited.filter(({ status }) => status === 200)).toHaveLength(20);
        expect(limited.filter(({ status }) => status === 429)).toHaveLength(40);
        // Twenty calls of ten tokens have used it up.
        const spent = await Promise.all(Array.from({ length: 20 }, () => ask(gateway, second.token, asked)));
        expect(spent.map(({ status }) => status)).toEqual(spent.map(() => 429));
        expect(spent[0]?.text).toContain("budget");
        const rows = await readRows(gateway.run);
        expect(rows.filter(({ status }) => status === 200)).toHaveLength(20);
        expect(most).toBeGreaterThan(1);
      } finally {
        await scene.close();
      }
    },
    60_000,
  );
});
