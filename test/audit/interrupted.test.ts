// Calls that a gateway died over: nobody knows how long they took, and no report takes that for no time at all.

import { afterEach, describe, expect, test } from "bun:test";
import { makeEntry } from "../ledger/entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { readJson } from "../rig.ts";
import { type AuditScene, makeAuditScene } from "./scene.ts";

let scene: AuditScene;
afterEach(() => scene.close());

const ENGINES = hasPostgres ? ["sqlite", "postgres"] : ["sqlite"];

/** Two calls of 400 ms, and three that died, one of these of a model that nothing else was asked of. */
async function book(): Promise<void> {
  const { rig } = scene;
  const { userId, keyId: apiKeyId } = await rig.issue();
  const createdAt = new Date(rig.clock.wallMs());
  const own = { userId, apiKeyId, createdAt };
  const unknown = { freshInputTokens: null, outputTokens: null, costNanos: null, usageSource: "none" } as const;
  const died = { ...own, ...unknown, status: 500, errorKind: "interrupted", latencyMs: 0 } as const;
  const attempt = { provider: "openai", model: "gpt-4o", status: null, upstreamRequestId: null } as const;
  await rig.store.ledger.append([
    ...[1, 2].map(() => makeEntry({ ...own, latencyMs: 400, modelAsked: "gpt-4o", modelServed: null })),
    ...["gpt-4o", "gpt-4o", "o1"].map((modelAsked) =>
      makeEntry({
        ...died,
        modelAsked,
        modelServed: null,
        attempts: [{ ...attempt, errorKind: "interrupted", latencyMs: 0 }],
      }),
    ),
  ]);
}

describe.each(ENGINES)("on %s", (engine) => {
  test("rows, exports and lists say that it is unknown", async () => {
    scene = await makeAuditScene(engine === "postgres" ? await createDatabase() : undefined);
    await book();
    const { token } = await scene.rig.issue("gateway_admin");
    const { entries } = await readJson(await scene.rig.send("/api/v1/usage/logs?user=all", { token }));
    const latencies = entries.map(({ latency_ms: ms, attempts }: Logged) => [
      ms,
      ...attempts.map((each) => each.latency_ms),
    ]);
    // The newest first.
    expect(latencies).toEqual([[null, null], [null, null], [null, null], [400], [400]]);
    const csv = await (await scene.rig.send("/api/v1/usage/export?format=csv&user=all", { token })).text();
    expect(csv.match(/,none,,,/gu)).toHaveLength(3);
    const { out } = await scene.run(["usage", "logs"]);
    expect(out).toMatch(/ o1 .* 500 +- +- +- +- /u);
  }, 30_000);

  test.each([false, true])(
    "averages and percentiles leave them out; summed up: %p",
    async (isSummedUp) => {
      scene = await makeAuditScene(engine === "postgres" ? await createDatabase() : undefined);
      await book();
      if (isSummedUp) while ((await scene.rig.store.ledger.rollUp(10)).rows > 0);
      const { token } = await scene.rig.issue("gateway_admin");
      const { summary } = await readJson(await scene.rig.send("/api/v1/usage/summary?user=all", { token }));
      expect(summary).toMatchObject({ requests: 5, errors: 3, average_latency_ms: 400 });
      expect(summary.p50_latency_ms / 400).toBeWithin(0.95, 1.05);
      const { out } = await scene.run(["usage", "breakdown", "--by", "model,status", "--json"]);
      const groups = (JSON.parse(out) as { groups: Group[] }).groups.map(
        ({ model, status, requests, average_latency_ms: ms, p99_latency_ms: p99 }) => [
          model,
          status,
          requests,
          ms,
          p99 !== null,
        ],
      );
      expect(new Set(groups)).toEqual(
        new Set([
          ["gpt-4o", 200, 2, 400, true],
          ["gpt-4o", 500, 2, null, false],
          ["o1", 500, 1, null, false],
        ]),
      );
    },
    30_000,
  );
});

interface Logged {
  latency_ms: number | null;
  attempts: { latency_ms: number | null }[];
}

interface Group {
  model: string;
  status: number;
  requests: number;
  average_latency_ms: number | null;
  p99_latency_ms: number | null;
}
