// `admin cache …` on a file, on Redis, and where there is nothing to look at.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import type { AnswerShelf } from "../../src/gateway/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openRedisShelf } from "../../src/store/redis/shelf.ts";
import { openSqliteShelf } from "../../src/store/sqlite/shelf.ts";
import { hasRedis, startRedis } from "../redis.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

const configure = (lines: Record<string, string>): void => {
  const paths = { home: desk.folder, identity_path: join(desk.folder, "identity.db") };
  const text = Object.entries({ ...paths, ...lines }).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(join(desk.folder, "config/setting.ini"), text.join(""));
};

async function fill(shelf: AnswerShelf): Promise<void> {
  await shelf.ready;
  const answer = { from: "r", storedMs: 1, modelServed: null, saved: { tokens: null, costNanos: null }, headers: {} };
  for (const key of ["a", "b"]) shelf.put(key, { ...answer, body: new Uint8Array([1, 2]) }, 3_600_000);
  await shelf.size();
}

const onFault = (error: unknown): never => {
  throw error;
};

describe("admin cache", () => {
  test("shows and empties a file", async () => {
    const path = join(desk.folder, "cache.db");
    configure({ cache: "sqlite", cache_path: path, cache_scope: "user", cache_ttl: "10m" });
    const shelf = openSqliteShelf({ path, maxBytes: 1e6, clock: systemClock, onFault });
    await fill(shelf);
    await shelf.stop();
    expect(await desk.read("admin cache show")).toMatchObject({
      cache: { store: "sqlite", file: path, scope: "user", ttl_seconds: 600, entries: 2, idempotency: "on" },
    });
    expect(await desk.read("admin cache clear")).toEqual({ store: "sqlite", removed: 2 });
    expect(await desk.read("admin cache show")).toMatchObject({ cache: { entries: 0, bytes: 0 } });
    const plain = await desk.run("admin cache show");
    expect(plain.out).toContain("ttl seconds");
  });

  test.if(hasRedis)("shows and empties Redis, and never its password", async () => {
    const redis = await startRedis();
    configure({ cache: "redis", redis_url: redis.url });
    const shelf = openRedisShelf({ url: redis.url, clock: systemClock, onFault, onRecovery: () => undefined });
    await fill(shelf);
    await shelf.stop();
    const shown = await desk.run("admin cache show --json");
    expect(JSON.parse(shown.out)).toMatchObject({ cache: { store: "redis", entries: 2, bytes: null } });
    expect(await desk.read("admin cache clear")).toEqual({ store: "redis", removed: 2 });
    await redis.stop();
    const away = await desk.run("admin cache clear");
    expect(away.code).toBe(EXIT.unavailable);
    expect(away.err).toContain("redis_url");
    const settings = await desk.run("config show");
    expect([shown, away, settings].map(({ out, err }) => out + err).join("\n")).not.toContain("canary");
  });

  test("says where a cache in memory is to be asked for", async () => {
    configure({ cache: "memory" });
    const shown = await desk.run("admin cache show --json");
    expect([shown.code, JSON.parse(shown.out).cache.entries]).toEqual([0, null]);
    expect(shown.err).toContain("/api/v1/admin/cache");
    expect(await desk.run("admin cache clear")).toMatchObject({ code: EXIT.unavailable });
  });

  test("off, there is nothing to forget", async () => {
    expect(await desk.run("admin cache clear")).toMatchObject({ code: EXIT.notFound });
    expect(await desk.read("admin cache show")).toMatchObject({ cache: { store: "off" } });
  });
});

const REFUSED: [lines: Record<string, string>, told: string][] = [
  [{ cache: "redis" }, "redis_url"],
  [{ cache: "redis", redis_url: "http://x:1" }, "redis://"],
  [{ cache: "redis", redis_url: "redis://:canary@h/name" }, "number of its database"],
  [{ cache: "disk" }, "off, memory, sqlite, redis"],
  [{ cache_scope: "team" }, "key, user, global"],
];

describe("the configuration", () => {
  test.each(REFUSED)("%j is refused", async (lines, told) => {
    configure(lines);
    const { code, err } = await desk.run("config validate");
    expect(code).not.toBe(0);
    expect(err).toContain(told);
    expect(err).not.toContain("canary");
  });

  test("no provider may be called as the books call what was given again", async () => {
    writeFileSync(join(desk.folder, "config/setting.ini"), "[provider.cache]\nbase_url = http://x.test/v1\n");
    const { code, err } = await desk.run("config validate");
    expect(code).not.toBe(0);
    expect(err).toContain("choose another name");
  });
});
