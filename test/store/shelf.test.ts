// The places where answers are kept to be given again: one contract for all of them, and what each does when it is lost.

import { RedisClient } from "bun";
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AnswerShelf, type StoredAnswer, createMemoryShelf } from "../../src/gateway/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openRedisShelf } from "../../src/store/redis/shelf.ts";
import { openSqliteShelf } from "../../src/store/sqlite/shelf.ts";
import { type TestClock, makeClock } from "../clock.ts";
import { type TestRedis, hasRedis, startRedis } from "../redis.ts";

const HOUR_MS = 3_600_000;

function answer(text: string, over: Partial<StoredAnswer> = {}): StoredAnswer {
  return {
    from: "row-1",
    storedMs: 1_700_000_000_000,
    modelServed: "m",
    saved: { tokens: 12, costNanos: 345 },
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(text),
    ...over,
  };
}

const bytesOf = (found: StoredAnswer | null): string | null =>
  found === null ? null : new TextDecoder().decode(found.body);
const readText = async (shelf: AnswerShelf, key: string): Promise<string | null> => bytesOf(await shelf.get(key));

const folder = mkdtempSync(join(tmpdir(), "tokligence-shelf-"));
let files = 0;
const newPath = (): string => join(folder, `cache-${++files}.db`);
const faults: unknown[] = [];
const onFault = (error: unknown): void => void faults.push(error);

let redis: TestRedis | null = null;
beforeAll(async () => {
  if (hasRedis) redis = await startRedis();
});
afterAll(async () => {
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => void faults.splice(0));

const openSqlite = (clock: TestClock, path = newPath(), maxBytes = 2 ** 20): AnswerShelf =>
  openSqliteShelf({ path, maxBytes, clock, onFault });

const OPENERS: Record<string, (clock: TestClock) => Promise<AnswerShelf>> = {
  memory: async (clock) => createMemoryShelf({ maxBytes: 2 ** 20, nowMs: clock.wallMs }),
  sqlite: async (clock) => openSqlite(clock),
  ...(hasRedis
    ? {
        redis: async () => {
          const shelf = openRedisShelf({
            url: redis?.url ?? "",
            clock: systemClock,
            onFault,
            onRecovery: () => undefined,
          });
          await shelf.ready;
          return shelf;
        },
      }
    : {}),
};

describe.each(Object.entries(OPENERS))("%s", (kind, openShelf) => {
  test("gives back what it was given, to the byte, and the newest of it", async () => {
    const clock = makeClock();
    const shelf = await openShelf(clock);
    const binary = answer("", { body: new Uint8Array([0, 255, 13, 10, 0, 128]), headers: { "x-y": "z" } });
    expect(await shelf.get("none")).toBeNull();
    shelf.put("a", answer("first"), HOUR_MS);
    shelf.put("b", binary, HOUR_MS);
    shelf.put("a", answer("second", { saved: { tokens: null, costNanos: null }, modelServed: null }), HOUR_MS);
    const read = async () => [await shelf.get("a"), await shelf.get("b")];
    const early = await read();
    clock.advance(1_000);
    for (const [a, b] of [early, await read()]) {
      expect(bytesOf(a ?? null)).toBe("second");
      expect(a).toMatchObject({ saved: { tokens: null, costNanos: null }, modelServed: null });
      expect({ ...b, body: [...(b?.body ?? [])] }).toEqual({ ...binary, body: [...binary.body] } as never);
    }
    expect(shelf.kind as string).toBe(kind);
    expect((await shelf.size()).entries).toBe(2);
    expect(await shelf.clear()).toBe(2);
    expect([await shelf.get("a"), (await shelf.size()).entries]).toEqual([null, 0]);
    await shelf.stop();
    expect(faults).toEqual([]);
  });
});

describe("sqlite", () => {
  test("what is too old is not there, and takes no space", async () => {
    const clock = makeClock();
    const shelf = openSqlite(clock);
    shelf.put("a", answer("x"), 60_000);
    clock.advance(59_999);
    expect(await readText(shelf, "a")).toBe("x");
    clock.advance(1);
    expect(await readText(shelf, "a")).toBeNull();
    shelf.put("b", answer("y"), 60_000);
    clock.advance(100);
    expect(shelf.glance().entries).toBe(1);
    await shelf.stop();
  });

  test("what was used the longest ago makes room", async () => {
    const clock = makeClock();
    const shelf = openSqlite(clock, newPath(), 200_000);
    const long = "x".repeat(1_000);
    for (let index = 0; index < 140; index++) {
      shelf.put(`k${index}`, answer(long), HOUR_MS);
      clock.advance(100);
      if (index % 10 === 0) expect(await readText(shelf, "k0")).toBe(long);
    }
    clock.advance(1_000);
    for (let index = 140; index < 160; index++) {
      shelf.put(`k${index}`, answer(long), HOUR_MS);
      clock.advance(100);
    }
    expect(shelf.glance().bytes).toBeLessThanOrEqual(200_000);
    expect(await readText(shelf, "k0")).toBe(long);
    expect(await readText(shelf, "k1")).toBeNull();
    expect(await readText(shelf, "k159")).toBe(long);
    await shelf.stop();
    expect(faults).toEqual([]);
  });

  test("outlives its process, and two share one file", async () => {
    const [clock, path] = [makeClock(), newPath()];
    const first = openSqlite(clock, path);
    first.put("a", answer("kept"), HOUR_MS);
    await first.stop();
    const [second, third] = [openSqlite(clock, path), openSqlite(clock, path)];
    expect(await readText(second, "a")).toBe("kept");
    for (const end of ["", "-wal", "-shm"]) expect(statSync(path + end).mode & 0o777).toBe(0o600);
    second.put("b", answer("of the second"), HOUR_MS);
    clock.advance(100);
    expect(await readText(third, "b")).toBe("of the second");
    expect(third.glance().entries).toBe(2);
    await second.stop();
    await third.stop();
  });

  test("a file that is broken, or of another edition, is begun anew; one that is deleted is not missed", async () => {
    const [clock, path] = [makeClock(), newPath()];
    writeFileSync(path, "no database at all ".repeat(100));
    const shelf = openSqlite(clock, path);
    shelf.put("a", answer("x"), HOUR_MS);
    clock.advance(100);
    for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
    shelf.put("b", answer("y"), HOUR_MS);
    clock.advance(100);
    expect(await readText(shelf, "b")).toBe("y");
    await shelf.stop();
    const next = openSqlite(clock, path);
    expect([await readText(next, "b"), existsSync(path)]).toEqual([null, true]);
    await next.stop();
    // It may have been a file of somebody's.
    expect(readFileSync(`${path}.damaged`, "utf8")).toStartWith("no database at all");
    const older = new Database(path);
    older.run("pragma user_version = 99");
    older.close();
    const anew = openSqlite(clock, path);
    anew.put("c", answer("z"), HOUR_MS);
    clock.advance(100);
    expect(await readText(anew, "c")).toBe("z");
    await anew.stop();
    expect(faults).toEqual([]);
  });

  test("a file whose sums are not those of its answers, as a loss of power may leave it, holds nobody up", async () => {
    const [clock, path] = [makeClock(), newPath()];
    await openSqlite(clock, path).stop();
    const torn = new Database(path);
    torn.run("update sums set entries = 9, bytes = 1e12");
    torn.close();
    const shelf = openSqlite(clock, path);
    for (const key of ["a", "b"]) {
      shelf.put(key, answer(key), HOUR_MS);
      clock.advance(100);
    }
    expect([await readText(shelf, "b"), (await shelf.size()).entries, faults]).toEqual(["b", 2, []]);
    await shelf.stop();
  });

  test("a disk that takes nothing more is told of once, and what is there is given on", async () => {
    const clock = makeClock();
    const path = newPath();
    const shelf = openSqlite(clock, path);
    const put = (key: string): void => {
      shelf.put(key, answer(key), HOUR_MS);
      clock.advance(60);
    };
    put("a");
    const other = new Database(path);
    other.run("begin immediate");
    for (const key of ["b", "c", "d"]) {
      put(key);
      expect([await readText(shelf, "a"), await readText(shelf, key), (await shelf.size()).entries]).toEqual([
        "a",
        null,
        1,
      ]);
    }
    expect(faults).toHaveLength(1);
    other.run("rollback");
    put("e");
    expect(await readText(shelf, "e")).toBe("e");
    other.run("begin immediate");
    put("f");
    expect(faults).toHaveLength(2);
    other.close();
    await shelf.stop();
  });

  test("a database of something else is neither used nor deleted, nor is one that somebody else writes to", async () => {
    const [clock, path] = [makeClock(), newPath()];
    for (const edition of [0, 1, 7]) {
      const other = new Database(path, { create: true });
      other.run("create table if not exists notes (text)");
      other.run(`pragma user_version = ${edition}`);
      other.close();
      const before = readFileSync(path);
      expect(() => openSqlite(clock, path)).toThrow("is a database of something else");
      expect(readFileSync(path).equals(before)).toBe(true);
    }
    rmSync(path);
    const shelf = openSqlite(clock, path);
    shelf.put("a", answer("x"), HOUR_MS);
    clock.advance(100);
    const writer = new Database(path);
    writer.run("begin immediate");
    const second = openSqlite(clock, path);
    expect(await readText(second, "a")).toBe("x");
    writer.run("rollback");
    writer.close();
    await second.stop();
    await shelf.stop();
  });
});

describe.if(hasRedis)("redis", () => {
  const openOn = (url: string, clock: TestClock | typeof systemClock) => {
    const told: string[] = [];
    const shelf = openRedisShelf({
      url,
      clock,
      onFault: (error) => void told.push(error.message),
      onRecovery: () => void told.push("recovered"),
    });
    return { shelf, told };
  };

  test("what is too old is Redis' own to forget", async () => {
    const { shelf } = openOn(redis?.url ?? "", systemClock);
    await shelf.ready;
    shelf.put("short", answer("x"), 1);
    let found: StoredAnswer | null = answer("");
    for (const until = performance.now() + 5_000; found !== null && performance.now() < until;) {
      found = await shelf.get("short");
    }
    expect(found).toBeNull();
    await shelf.stop();
  });

  test("nobody there: nothing is found, at once, and it is told once", async () => {
    const { shelf, told } = openOn("redis://127.0.0.1:1/0", systemClock);
    expect(shelf.get("a")).toBeNull();
    await shelf.ready;
    for (let round = 0; round < 100; round++) {
      expect(shelf.get("a")).toBeNull();
      shelf.put("a", answer("x"), HOUR_MS);
    }
    expect(told).toHaveLength(1);
    expect([await shelf.clear(), (await shelf.size()).entries]).toEqual([null, null]);
    await shelf.stop();
  });

  test("slow: a request waits no longer than its patience, the next ones not at all, and once it is back, it is used again", async () => {
    const own = await startRedis();
    const clock = makeClock();
    const { shelf, told } = openOn(own.url, clock);
    await shelf.ready;
    shelf.put("a", answer("x"), HOUR_MS);
    expect(await readText(shelf, "a")).toBe("x");
    own.freeze();
    const waiting = readText(shelf, "a");
    clock.advance(99);
    clock.advance(1);
    expect(await waiting).toBeNull();
    expect(shelf.get("a")).toBeNull();
    expect(told).toEqual(["Redis did not answer within 100 ms."]);
    own.wake();
    clock.advance(1_000);
    for (const until = performance.now() + 10_000; told.length < 2 && performance.now() < until;) {
      await new Promise(setImmediate);
    }
    expect(told).toEqual(["Redis did not answer within 100 ms.", "recovered"]);
    expect(await readText(shelf, "a")).toBe("x");
    await shelf.stop();
    await own.stop();
  });

  test("full: it is told once, what is there is given on, and it is told when there is room again", async () => {
    const own = await startRedis();
    const { shelf, told } = openOn(own.url, systemClock);
    await shelf.ready;
    shelf.put("a", answer("x"), HOUR_MS);
    const admin = new RedisClient(own.url);
    await admin.send("CONFIG", ["SET", "maxmemory", "1"]);
    for (const key of ["b", "c", "d"]) {
      shelf.put(key, answer("y"), HOUR_MS);
      expect([await readText(shelf, "a"), await readText(shelf, key)]).toEqual(["x", null]);
    }
    expect(told).toEqual([expect.stringContaining("OOM")]);
    await admin.send("CONFIG", ["SET", "maxmemory", "0"]);
    shelf.put("e", answer("y"), HOUR_MS);
    expect(await readText(shelf, "e")).toBe("y");
    expect(told.slice(1)).toEqual(["recovered"]);
    admin.close();
    await shelf.stop();
    await own.stop();
  });

  test("gone in the middle, and there again", async () => {
    const own = await startRedis();
    const port = Number(new URL(own.url).port);
    const clock = makeClock();
    const { shelf, told } = openOn(own.url, clock);
    await shelf.ready;
    await own.stop();
    for (const until = performance.now() + 10_000; told.length === 0 && performance.now() < until;) {
      await readText(shelf, "a");
      await new Promise(setImmediate);
    }
    expect(told).toHaveLength(1);
    const again = await startRedis(port);
    clock.advance(1_000);
    for (const until = performance.now() + 10_000; told.length < 2 && performance.now() < until;) {
      await new Promise(setImmediate);
    }
    expect(told[1]).toBe("recovered");
    shelf.put("a", answer("x"), HOUR_MS);
    expect(await readText(shelf, "a")).toBe("x");
    await shelf.stop();
    await again.stop();
  });

  test("a wrong password is a fault, and stands in no message", async () => {
    const { shelf, told } = openOn((redis?.url ?? "").replace(/:[^:@]*@/u, ":canary-wrong-password@"), systemClock);
    await shelf.ready;
    expect(told).toHaveLength(1);
    expect(told.join()).not.toContain("canary");
    expect(shelf.get("a")).toBeNull();
    await shelf.stop();
  });
});
