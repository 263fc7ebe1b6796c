// The process in front of workers hangs: what needs it is refused in time and with a word, what does not goes on, and nothing of it is left once it answers again.

import { describe, expect, test } from "bun:test";
import { type Served, issueKey, waitUntil } from "./binary.ts";
import { adminKey, ask, manage, withCrew } from "./workers-scene.ts";

const isLinux = process.platform === "linux";

/** What a call under a budget reserves and spends, many times over. */
const BUDGET = "[budget.all]\nlimit_tokens = 1000000\n";
/** Fewer places than there are calls. */
const CAP = "max_concurrent = 4\n";

async function readReady({ url }: Served): Promise<{ status: number; front: string | undefined }> {
  const response = await fetch(`${url}/health/ready`, { keepalive: false });
  const { checks } = (await response.json()) as { checks: Record<string, string> };
  return { status: response.status, front: checks["front"] };
}

describe.skipIf(!isLinux)("while the process in front hangs", () => {
  test.each([
    ["a budget", BUDGET],
    ["a cap", CAP],
  ])(
    "calls under %s get 503, no worker is ready, and all is as before once it goes on",
    async (_name, config) => {
      await withCrew({ config }, async ({ gateway, upstream, workers }) => {
        const { token } = await issueKey(gateway);
        expect((await ask(gateway, token)).status).toBe(200);
        expect(await readReady(gateway)).toEqual({ status: 200, front: "ok" });
        const before = workers();
        const askMany = async () => Promise.all(Array.from({ length: 12 }, () => ask(gateway, token)));
        process.kill(gateway.pid, "SIGSTOP");
        try {
          upstream.calls.length = 0;
          for (let round = 1; round <= 2; round++) {
            for (const { status, text, headers } of await askMany()) {
              expect([status, text]).toEqual([503, expect.stringContaining("front_silent")]);
              expect(headers.get("retry-after")).not.toBeNull();
            }
          }
          expect(upstream.calls).toHaveLength(0);
          expect(await readReady(gateway)).toEqual({ status: 503, front: "failed" });
          const refused = await fetch(`${gateway.url}/api/v1/budgets`, {
            headers: { authorization: `Bearer ${token}` },
            keepalive: false,
          });
          expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining("front_silent")]);
        } finally {
          process.kill(gateway.pid, "SIGCONT");
        }
        await waitUntil(async () => (await readReady(gateway)).status === 200, "it to be ready again");
        await waitUntil(
          async () => (await askMany()).every(({ status }) => status === 200),
          "all calls to be answered",
        );
        expect(workers()).toEqual(before);
        if (config !== BUDGET) return;
        const { budgets } = await manage(gateway, await adminKey(gateway), "/api/v1/budgets", "GET");
        expect(budgets).toMatchObject([{ name: "all", state: { reserved_tokens: 0 } }]);
      });
    },
    60_000,
  );
});
