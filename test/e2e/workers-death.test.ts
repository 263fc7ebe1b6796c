// Workers that die, and the gateway with them: no answer that a client had whole is without its row, and what was cut is on the books.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { BINARY, type Served, issueKey, makeFolder, run, waitUntil } from "./binary.ts";
import {
  type CrewScene,
  ENGINES,
  ask,
  expectSound,
  isAlive,
  listChildren,
  makeAnswer,
  openCrew,
  readMetric,
  readRows,
} from "./workers-scene.ts";

const isLinux = process.platform === "linux";

/** Clients that ask until they are told to stop; what is lost with a connection is asked anew. */
function keepAsking(gateway: Served, token: string, clients: number) {
  const complete = new Set<string>();
  let isOver = false;
  const all = Array.from({ length: clients }, async () => {
    while (!isOver) {
      const { status, id } = await ask(gateway, token);
      if (status === 200) complete.add(id);
    }
  });
  return {
    complete,
    async stop() {
      isOver = true;
      await Promise.all(all);
    },
  };
}

/** Each whole answer has one settled row, and no request has two. */
async function expectBooked(run: Served["run"], complete: ReadonlySet<string>): Promise<void> {
  const rows = await readRows(run);
  const byRequest = Map.groupBy(rows, (row) => row.request_id);
  const unsettled = [...complete].filter(
    (id) => byRequest.get(id)?.filter(({ error_kind: kind }) => kind === null).length !== 1,
  );
  expect(unsettled).toEqual([]);
  expect([...byRequest.values()].filter((own) => own.length > 1)).toEqual([]);
}

async function killOne(scene: CrewScene): Promise<void> {
  const before = scene.workers();
  const [victim = 0] = before;
  process.kill(victim, "SIGKILL");
  await waitUntil(() => {
    const now = scene.workers();
    return now.length === before.length && !now.includes(victim);
  }, "another worker");
}

describe.skipIf(!isLinux)("a worker", () => {
  test.each(ENGINES)(
    "that is killed under load loses no row, and another takes its place, on %s",
    async (_name, env) => {
      const folder = makeFolder();
      const scene = await openCrew({ folder, env: await env(), config: "[limit.all]\nconcurrent = 64\n" });
      const { gateway } = scene;
      try {
        const { token } = await issueKey(gateway);
        const clients = keepAsking(gateway, token, 6);
        for (let round = 1; round <= 3; round++) {
          await waitUntil(() => clients.complete.size >= round * 40, "answers");
          await killOne(scene);
        }
        const { size } = clients.complete;
        await waitUntil(() => clients.complete.size >= size + 40, "answers of the new ones");
        await clients.stop();
        expect(gateway.log()).toContain("A worker ended; another one takes its place");
        expect(await readMetric(gateway, "tokligence_ledger_rows_per_acknowledged_request")).toBe(1);
        expect(await readMetric(gateway, "tokligence_workers_ended_total")).toBe(3);
        await waitUntil(async () => (await readMetric(gateway, "tokligence_workers")) === 2, "all to serve");
        gateway.signal("SIGTERM");
        expect(await gateway.exited).toBe(0);
        await expectBooked(gateway.run, clients.complete);
        await expectSound(gateway);
      } finally {
        await scene.close();
      }
    },
    90_000,
  );

  test("that hangs is ended, and another takes its place", async () => {
    const scene = await openCrew();
    const { gateway } = scene;
    try {
      const { token } = await issueKey(gateway);
      const [victim = 0] = scene.workers();
      process.kill(victim, "SIGSTOP");
      await waitUntil(() => gateway.log().includes("does not answer any more and is ended"), "the silence to be heard");
      await waitUntil(
        () => gateway.log().includes("A worker serves in the place of the one that ended"),
        "another one",
      );
      expect(isAlive(victim)).toBe(false);
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gateway, token)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    } finally {
      await scene.close();
    }
  }, 60_000);

  test("that cannot be replaced ends the gateway with a word and a code", async () => {
    const scene = await openCrew();
    const { gateway } = scene;
    try {
      writeFileSync(join(gateway.folder, "config/setting.ini"), "http_address = nonsense\n");
      for (const pid of scene.workers()) process.kill(pid, "SIGKILL");
      expect(await gateway.exited).toBe(1);
      expect(gateway.log()).toContain("Workers end again and again");
    } finally {
      await scene.close();
    }
  }, 60_000);
});

describe.skipIf(!isLinux)("a gateway with workers", () => {
  test.each(ENGINES)(
    "that is killed takes them along, and the next one puts on the books what they left, on %s",
    async (_name, makeEnv) => {
      const folder = makeFolder();
      const env = await makeEnv();
      let isSlow = false;
      const answer = () => (isSlow ? new Promise<Response>(() => undefined) : makeAnswer());
      const first = await openCrew({ folder, env, answer });
      const { token } = await issueKey(first.gateway);
      const clients = keepAsking(first.gateway, token, 6);
      await waitUntil(() => clients.complete.size >= 60, "answers");
      isSlow = true;
      first.upstream.calls.length = 0;
      await waitUntil(() => first.upstream.calls.length > 0, "a call that hangs");
      const workers = first.workers();
      first.gateway.signal("SIGKILL");
      await first.gateway.exited;
      await waitUntil(() => !workers.some(isAlive), "the workers to be gone");
      await clients.stop();
      await first.close();
      const second = await openCrew({ folder, env });
      try {
        const rows = await readRows(second.gateway.run);
        expect(rows.filter(({ error_kind: kind }) => kind === "interrupted").length).toBeGreaterThan(0);
        await expectBooked(second.gateway.run, clients.complete);
        expect((await ask(second.gateway, token)).status).toBe(200);
        await expectSound(second.gateway);
      } finally {
        await second.close();
      }
    },
    90_000,
  );

  test("lets what runs come to its end when it is told to stop", async () => {
    const waiting: (() => void)[] = [];
    const scene = await openCrew({
      answer: () => new Promise((resolve) => void waiting.push(() => resolve(makeAnswer()))),
    });
    const { gateway } = scene;
    try {
      const { token } = await issueKey(gateway);
      const running = Array.from({ length: 8 }, () => ask(gateway, token));
      await waitUntil(() => waiting.length === 8, "the calls to be under way");
      // As a service manager does: all processes are told, and it is one word.
      const all = scene.workers();
      gateway.signal("SIGTERM");
      for (const pid of all) process.kill(pid, "SIGTERM");
      await waitUntil(
        async () => (await fetch(`${gateway.url}/health/ready`, { keepalive: false })).status === 503,
        "readiness to go 503",
      );
      expect((await ask(gateway, token)).status).toBe(503);
      for (const finish of waiting) finish();
      expect((await Promise.all(running)).map(({ status }) => status)).toEqual(running.map(() => 200));
      expect(await gateway.exited).toBe(0);
      // How many there are, and that they are waited for, and not so many calls.
      expect(gateway.log()).toMatch(/is listening.*"workers":2/u);
      expect(gateway.log()).toMatch(/"signal":"SIGTERM","workers":2/u);
      expect((await readRows(gateway.run)).filter(({ status }) => status === 200)).toHaveLength(8);
    } finally {
      await scene.close();
    }
  }, 60_000);

  test("ends where one of its workers cannot begin, and leaves none of them behind", async () => {
    const folder = makeFolder();
    const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home"), TOKLIGENCE_WORKERS: "2" };
    const child = Bun.spawn([BINARY, "serve", "--http-address", "127.0.0.1:0"], {
      cwd: folder,
      env: { ...env, PATH: process.env["PATH"] ?? "" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let workers: number[] = [];
    await waitUntil(() => (workers = listChildren(child.pid)).length === 2, "the workers to be begun");
    process.kill(workers[0] ?? 0, "SIGKILL");
    const said = await child.stderr.text();
    expect([await child.exited, said]).toEqual([1, expect.stringContaining("Worker")]);
    expect(workers.filter(isAlive)).toEqual([]);
  }, 60_000);

  test("does not take a port that somebody listens on, be it another one with workers", async () => {
    const scene = await openCrew();
    const folder = makeFolder();
    try {
      const { port } = new URL(scene.gateway.url);
      const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home"), TOKLIGENCE_WORKERS: "2" };
      const { code, err } = await run(["serve", "--http-address", `127.0.0.1:${port}`], { cwd: folder, env });
      expect([code, err]).toEqual([69, expect.stringContaining("already in use")]);
    } finally {
      await scene.close();
    }
  }, 60_000);

  test("has no door to be begun as a worker from outside", async () => {
    const folder = makeFolder();
    const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home"), TOKLIGENCE_CREW_WORKER: "1" };
    const { code, err } = await run(["serve"], { cwd: folder, env });
    expect([code, err]).toEqual([2, expect.stringContaining("begun by a gateway alone")]);
  });
});
