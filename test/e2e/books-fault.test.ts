// What the machine can do to the books of a running daemon: a disk that is full or takes nothing, a database that is down, frozen or gone for so
// long that the outbox is full, another daemon on the same file. Calls that run are settled; a call that could not be is not made.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { BINARY, makeFolder, run, type Served, serve, waitUntil } from "./binary.ts";
import { type Client, makeClient, makeGate, startHeldProvider } from "./books-scene.ts";
import { canLoop, canMount, imageDisk, memoryDisk, serveOn } from "./own-disk.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

const isLinux = process.platform === "linux";
const canLimit = isLinux && Bun.which("prlimit") !== null;
const canTrace = isLinux && Bun.which("strace") !== null;

function open() {
  const provider = startHeldProvider();
  const folder = makeFolder();
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }), provider.stop);
  return { provider, folder };
}

/** Answers of a server that refuses, after as many as it takes for the last free space to be used. */
async function askUntilRefused(client: Client, limit = 5_000): Promise<string | null> {
  for (let turn = 0; turn < limit; turn++) {
    const { status, code } = await client.ask();
    if (status === 503) return code;
  }
  return null;
}

const isRefused = async (client: Client): Promise<boolean> => (await client.ask()).status === 503;
const isTaken = async (client: Client): Promise<boolean> => (await client.ask()).status === 200;

/** Rows of each request, from the ledger's file. */
function countRows(path: string): Map<string, number> {
  const db = new Database(path, { readonly: true });
  const rows = db
    .query<{ id: string; rows: number }, []>("select request_id as id, count(*) as rows from ledger_entries group by 1")
    .all();
  db.close();
  return new Map(rows.map(({ id, rows: count }) => [id, count]));
}

const notOnce = (rows: Map<string, number>, ids: readonly string[]): string[] => ids.filter((id) => rows.get(id) !== 1);

test.skipIf(!canMount)(
  "a full disk: new calls get 503 before the provider is called, streams that run finish and are on the books, and it goes on once there is space",
  async () => {
    const { provider, folder } = open();
    const gateway = await serveOn(memoryDisk(24), { folder, config: provider.config });
    cleanups.push(gateway.stop);
    const { home, within } = gateway;
    const client = await makeClient(gateway);
    const streams = await Promise.all(Array.from({ length: 40 }, () => client.open()));
    const fill = join(home, "fill");
    await within("sh", ["-c", `dd if=/dev/zero of=${fill} bs=1k count=65536 2>/dev/null; true`]);
    expect(await askUntilRefused(client)).toBe("ledger_unavailable");
    const called = provider.called.length;
    expect(await isRefused(client)).toBe(true);
    expect(provider.called.length).toBe(called);
    provider.release();
    const texts = await Promise.all(streams.map(({ rest }) => rest));
    expect(texts.filter((text) => !text.endsWith("data: [DONE]\n\n"))).toEqual([]);
    const logs = await within(BINARY, ["usage", "logs", "--limit", "1000", "--json"]);
    for (const { id } of streams) expect(logs.out).toContain(id);
    await within("rm", [fill]);
    await waitUntil(() => isTaken(client), "the ledger to be written again");
  },
  60_000,
);

test.skipIf(!canLimit)(
  "a disk that takes nothing: new calls get 503 before the provider is called, nothing is acknowledged, and all rows are there once it does",
  async () => {
    const { provider, folder } = open();
    const gateway = await serve({ folder, config: provider.config });
    cleanups.push(gateway.stop);
    const client = await makeClient(gateway);
    const before = await client.ask();
    const streams = await Promise.all(Array.from({ length: 10 }, () => client.open()));
    const limit = (bytes: string) =>
      run(["--pid", String(gateway.pid), `--fsize=${bytes}:unlimited`], { file: "prlimit" });
    // The system refuses each write, as it does on a file system that was made read-only.
    await limit("0");
    // But what was set aside before is taken.
    expect(await askUntilRefused(client)).toBe("ledger_unavailable");
    const announced = await client.ask();
    expect([announced.status, announced.code]).toEqual([503, "ledger_unavailable"]);
    expect(provider.called).not.toContain(announced.id);
    provider.release();
    for (const text of await Promise.all(streams.map(({ rest }) => rest))) {
      expect(text).not.toContain("[DONE]");
      expect(text).toContain("ledger_unavailable");
    }
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
    await limit("unlimited");
    await waitUntil(() => isTaken(client), "the ledger to be written again");
    // A command waits for rows that are on their way.
    await gateway.run(["usage", "summary"]);
    const rows = countRows(join(folder, "home/ledger.db"));
    expect(notOnce(rows, [before.id, ...streams.map(({ id }) => id)])).toEqual([]);
    expect([...rows.values()].filter((count) => count !== 1)).toEqual([]);
  },
  60_000,
);

test.skipIf(!canLoop)(
  "a disk that the system makes read-only: new calls get 503 before the provider is called, and streams that run end with an error",
  async () => {
    const { provider, folder } = open();
    const gateway = await serveOn(await imageDisk(folder), { folder, config: provider.config });
    cleanups.push(gateway.stop);
    const { home, within } = gateway;
    const client = await makeClient(gateway);
    expect((await client.ask()).status).toBe(200);
    const streams = await Promise.all(Array.from({ length: 5 }, () => client.open()));
    await within("sync", ["-f", home]);
    // As after an error of the drive.
    expect((await within("mount", ["-o", "remount,abort", home])).code).toBe(0);
    await waitUntil(() => isRefused(client), "a refusal");
    const called = provider.called.length;
    expect(await isRefused(client)).toBe(true);
    expect(provider.called.length).toBe(called);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
    provider.release();
    for (const text of await Promise.all(streams.map(({ rest }) => rest))) {
      expect(text).not.toContain("[DONE]");
      expect(text).toContain("ledger_unavailable");
    }
    expect(gateway.log()).toContain("read-only file system");
  },
  60_000,
);

test.skipIf(!canLimit)(
  "stopped while the disk takes nothing: the exit code and the log say that rows were lost whose requests got no answer",
  async () => {
    const { provider, folder } = open();
    // So that nothing was set aside before that would still be taken.
    const config = `ledger_durability = disk\n${provider.config}`;
    const gateway = await serve({ folder, config });
    cleanups.push(gateway.stop);
    const client = await makeClient(gateway);
    const streams = await Promise.all(Array.from({ length: 3 }, () => client.open()));
    await run(["--pid", String(gateway.pid), "--fsize=0:unlimited"], { file: "prlimit" });
    provider.release();
    for (const text of await Promise.all(streams.map(({ rest }) => rest))) expect(text).toContain("ledger_unavailable");
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(1);
    const told = gateway.log().split("\n");
    expect(told.find((line) => line.includes("could not be written anywhere"))).toContain('"rows":3');
    // They were announced: the next start closes them, as calls of which nobody knows how they ended.
    const next = await serve({ folder, config: provider.config });
    next.signal("SIGTERM");
    expect(await next.exited).toBe(0);
    const rows = countRows(join(folder, "home/ledger.db"));
    expect(
      notOnce(
        rows,
        streams.map(({ id }) => id),
      ),
    ).toEqual([]);
  },
  60_000,
);

test.skipIf(!canMount)("a disk that is read-only at the start: the daemon says so, and what to do", async () => {
  const folder = makeFolder();
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "home"));
  const script = join(folder, "serve.sh");
  const mount = `mount -t tmpfs -o ro tmpfs "$TOKLIGENCE_HOME" && exec "$0" "$@"`;
  writeFileSync(script, `#!/bin/sh\nexec unshare -m sh -c '${mount}' ${BINARY} "$@"\n`, { mode: 0o755 });
  const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home") };
  const ended = await run(["serve", "--http-address", "127.0.0.1:0"], { file: script, cwd: folder, env });
  expect(ended.code).not.toBe(0);
  expect(ended.err).toContain("identity.db cannot be opened for writing");
});

describe.skipIf(!hasPostgres)("with the ledger on PostgreSQL and users in a file", () => {
  async function start(more = "") {
    const { provider, folder } = open();
    const database = await createDatabase();
    const gate = await makeGate(database);
    cleanups.push(gate.close);
    const init = { folder, env: { TOKLIGENCE_LEDGER_PATH: gate.dsn }, config: `${more}${provider.config}` };
    const countShipped = async (): Promise<Map<string, number>> => {
      const rows = await runSql(database, "select request_id, count(*) as rows from ledger_entries group by 1");
      return new Map(rows.map((row) => [String(row["request_id"]), Number(row["rows"])]));
    };
    const serveAgain = async (): Promise<Served> => {
      const gateway = await serve(init);
      cleanups.push(gateway.stop);
      return gateway;
    };
    return { provider, gate, countShipped, serveAgain };
  }

  test("a database that is down at the start, then frozen, then gone: requests are served as ever, and every row arrives once", async () => {
    const { gate, countShipped, serveAgain } = await start();
    const first = await serveAgain();
    const client = await makeClient(first);
    const ids: string[] = [];
    const ask = async (by: Client, count: number): Promise<number> => {
      const durations: number[] = [];
      for (let turn = 0; turn < count; turn++) {
        const started = performance.now();
        const { id, status } = await by.ask();
        durations.push(performance.now() - started);
        expect(status).toBe(200);
        ids.push(id);
      }
      return durations.toSorted((left, right) => left - right)[Math.floor(count / 2)] ?? Number.NaN;
    };
    const downMs = await ask(client, 100);
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
    await gate.open();
    await waitUntil(
      async () => notOnce(await countShipped().catch(() => new Map()), ids).length === 0,
      "the rows to arrive",
    );
    const upMs = await ask(client, 100);
    gate.freeze();
    const frozenMs = await ask(client, 100);
    console.log(
      `p50 of a call: ${upMs.toFixed(2)} ms; database down ${downMs.toFixed(2)} ms, frozen ${frozenMs.toFixed(2)} ms`,
    );
    expect(Math.max(frozenMs, downMs)).toBeLessThan(upMs + 25);
    // Killed while rows wait, and started again before a database that says nothing.
    first.signal("SIGKILL");
    await first.exited;
    const second = await serveAgain();
    await ask(await makeClient(second, client.token), 20);
    await gate.close();
    gate.thaw();
    await ask(await makeClient(second, client.token), 20);
    await gate.open();
    await waitUntil(async () => notOnce(await countShipped(), ids).length === 0, "the rows to arrive");
    expect([...(await countShipped()).values()].filter((count) => count !== 1)).toEqual([]);
  }, 60_000);

  test("an outbox that is full refuses new calls before the provider is called, and lets those finish that run", async () => {
    const { provider, gate, countShipped, serveAgain } = await start("ledger_outbox_max_bytes = 600KiB\n");
    const gateway = await serveAgain();
    const client = await makeClient(gateway);
    const stream = await client.open();
    expect(await askUntilRefused(client)).toBe("ledger_outbox_full");
    const called = provider.called.length;
    expect(await isRefused(client)).toBe(true);
    expect(provider.called.length).toBe(called);
    provider.release();
    expect(await stream.rest).toEndWith("data: [DONE]\n\n");
    await gate.open();
    await waitUntil(() => isTaken(client), "room in the outbox");
    await waitUntil(async () => notOnce(await countShipped(), provider.called).length === 0, "the rows to arrive");
  }, 60_000);

  test("an outbox that may grow refuses nothing", async () => {
    const { serveAgain } = await start("ledger_outbox_max_bytes = 1KiB\nledger_outbox_full = grow\n");
    const client = await makeClient(await serveAgain());
    for (let turn = 0; turn < 50; turn++) expect(await isTaken(client)).toBe(true);
  }, 60_000);
});

test("two daemons on one file: each has a chain of its own, and one takes over while the other ends", async () => {
  const { provider, folder } = open();
  const first = await serve({ folder, config: provider.config });
  cleanups.push(first.stop);
  const before = await makeClient(first);
  const stream = await before.open();
  const second = await serve({ folder, config: provider.config });
  cleanups.push(second.stop);
  const after = await makeClient(second, before.token);
  const asked = await Promise.all([before, after].flatMap((client) => Array.from({ length: 50 }, () => client.ask())));
  first.signal("SIGTERM");
  const during = await Promise.all(Array.from({ length: 50 }, () => after.ask()));
  provider.release();
  expect(await stream.rest).toEndWith("data: [DONE]\n\n");
  await first.exited;
  second.signal("SIGTERM");
  await second.exited;
  const all = [...asked, ...during];
  expect(all.filter(({ status }) => status !== 200)).toEqual([]);
  const rows = countRows(join(folder, "home/ledger.db"));
  expect(notOnce(rows, [stream.id, ...all.map(({ id }) => id)])).toEqual([]);
  const verified = await second.run(["ledger", "verify", "--json"]);
  expect(verified.code).toBe(0);
  const db = new Database(join(folder, "home/ledger.db"), { readonly: true });
  expect(db.query("select distinct chain from ledger_entries").all().length).toBe(2);
  db.close();
}, 60_000);

test.skipIf(!canTrace)(
  "ledger_durability = disk syncs before each answer; process leaves that to the system",
  async () => {
    const calls = 20;
    const count = async (durability: string): Promise<number> => {
      const { provider, folder } = open();
      const gateway = await serve({ folder, config: `ledger_durability = ${durability}\n${provider.config}` });
      cleanups.push(gateway.stop);
      const client = await makeClient(gateway);
      await client.ask();
      const trace = join(folder, "trace");
      const args = ["strace", "-p", String(gateway.pid), "-e", "trace=fsync,fdatasync", "-o", trace];
      const tracer = Bun.spawn(args, { stdio: ["ignore", "ignore", "pipe"] });
      // It says so once it is there.
      await tracer.stderr.getReader().read();
      for (let turn = 0; turn < calls; turn++) await client.ask();
      tracer.kill("SIGINT");
      await tracer.exited;
      return (await Bun.file(trace).text()).split("\n").filter((line) => /^(?:\d+ +)?f(?:data)?sync\(/u.test(line))
        .length;
    };
    // One for the intent, one for the row.
    expect(await count("disk")).toBeGreaterThanOrEqual(2 * calls);
    expect(await count("process")).toBeLessThan(calls / 2);
  },
  60_000,
);
