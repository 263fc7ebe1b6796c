// A whole run, as small as it can be: real processes, a real proxy, real sockets.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bunProxy } from "../../scripts/bench/peer/bun-proxy.ts";
import type { Peer } from "../../scripts/bench/peer/type.ts";
import { type Plan, run } from "../../scripts/bench/run/run.ts";
import { printDigest } from "../../scripts/bench/report/digest.ts";
import { describeMachine } from "../../scripts/bench/report/machine.ts";
import { makeReport, printReport } from "../../scripts/bench/report/report.ts";
import { SCENARIOS, type ScenarioId } from "../../scripts/bench/scenario/index.ts";
import { ROOT } from "../../scripts/compile.ts";

const LINUX = process.platform === "linux";

async function runSmall(ids: readonly ScenarioId[], peers: Readonly<Record<string, Peer>>) {
  const scenarios = new Map(ids.map((id) => [id, SCENARIOS[id]]));
  const plan: Plan = {
    scenarios,
    peers: new Map(Object.entries(peers)),
    usual: Object.keys(peers),
    rounds: 2,
    seconds: 0.1,
    leastRequests: 50,
    warmUp: { seconds: 0.05 },
    starts: 1,
    upstreamPort: 0,
    cores: null,
    settleMs: 200,
    onProgress: () => undefined,
  };
  const machine = describeMachine(null, 0, new Date());
  return makeReport({ outcome: await run(plan), scenarios, machine, command: "bench", binaryBytes: null });
}

describe.if(LINUX)("a run", () => {
  test("measures a proxy beside the provider itself, closed loop, fixed rate and streams", async () => {
    const report = await runSmall(["chat-1k-c1", "chat-1k-r500", "sse-burst"], { "bun-proxy": bunProxy });
    expect(report.faults).toEqual([]);
    for (const { results } of report.scenarios) {
      expect(Object.keys(results).sort()).toEqual(["bun-proxy", "direct"]);
      const proxy = results["bun-proxy"];
      expect(Object.values(proxy?.added ?? {})).not.toEqual([null, null, null, null]);
      expect(proxy?.cpuUs?.median).toBeGreaterThan(1);
    }
    expect(report.scenarios[1]?.results["direct"]?.requests).toBe(100);
    expect(report.scenarios[2]?.results["bun-proxy"]?.pieceCpuUs?.median).toBeGreaterThan(0);
    expect(report.peers["bun-proxy"]?.startMs[0]).toBeGreaterThan(1);
    expect(report.peers["bun-proxy"]?.rssBytes.start).toBeGreaterThan(1e6);
    expect(printReport(report)).toContain("| bun-proxy |");
    const digest = printDigest(report);
    expect(digest.split("\n").filter((line) => /^\| (?:chat-1k-c1|chat-1k-r500|sse-burst) /u.test(line))).toHaveLength(
      3,
    );
    expect(digest).toContain("an event");
  });

  test("is void where books lack a row, and says who cannot do what", async () => {
    const forgetful: Peer = {
      ...bunProxy,
      start: async (place) => ({ ...(await bunProxy.start(place)), countRows: async () => 0 }),
    };
    const lost: Peer = {
      ...bunProxy,
      async start(place) {
        const running = await bunProxy.start(place);
        return { ...running, address: (route) => ({ ...running.address(route), port: 1 }) };
      },
    };
    const doubling: Peer = {
      ...bunProxy,
      start: async (place) => ({ ...(await bunProxy.start(place)), countDoubles: async () => 2 }),
    };
    const report = await runSmall(["chat-1k-c1"], { forgetful, lost, doubling });
    expect(report.scenarios[0]?.absent).toEqual({ lost: "cannot be reached" });
    expect(report.faults[0]).toMatch(/^chat-1k-c1, forgetful: \d+ rows are missing from the ledger$/u);
    expect(report.faults.slice(1)).toEqual(["doubling: 2 rows of the ledger are of a request that has another one"]);
    expect(printReport(report)).toContain("VOID");
    expect(printDigest(report)).toContain("Tried, and could not do it: lost in chat-1k-c1 (cannot be reached).");
  });
});

test.if(LINUX)(
  "the command measures the executable, finds a row for each request, and writes it all down",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-bench-test-"));
    const json = join(folder, "report.json");
    const flags = ["--only=tokligence", "--rounds=1", "--seconds=0.2", "--starts=1", "--json", json];
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      [process.execPath, join(ROOT, "scripts/bench.ts"), "--scenario=chat-1k-c32,to-anthropic-sse,loopback", ...flags],
      { stdout: "pipe", stderr: "pipe" },
    );
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
    expect(stdout.toString()).toContain("exactly one row in the ledger");
    const report = await Bun.file(json).json();
    expect(report.scenarios[0].rounds.tokligence[0].missingRows).toBe(0);
    expect(report.machine.commit).toMatch(/^[0-9a-f]{12}/u);
    expect(report.binaryBytes).toBeGreaterThan(50e6);
    rmSync(folder, { recursive: true });
  },
);
