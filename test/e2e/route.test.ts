// Routes in the compiled executable: what the command line declares is in force at a server that runs, at every one that shares its database, and
// after a restart.

import { describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Served, expectOk, issueKey, serve, waitUntil } from "./binary.ts";

const CONFIG = "[route.smart]\ntargets=loopback/from-file\n";

async function askModel({ url }: Served, token: string): Promise<string | null> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "smart", messages: [{ role: "user", content: "Hi" }] }),
  });
  await response.text();
  return response.headers.get("x-tokligence-model");
}

const set = (served: Served, ...words: string[]): Promise<string> =>
  expectOk(served.run(["admin", "routes", "set", "smart", ...words]));

describe("routes of run time", () => {
  test("are in force within a second of the command, outlive a kill, and can be had again", async () => {
    const served = await serve({ config: CONFIG });
    let again: Served | null = null;
    try {
      const { token } = await issueKey(served);
      expect(await askModel(served, token)).toBe("from-file");
      await set(served, "targets=loopback/one weight=3, loopback/one", "strategy=weighted", "--comment", "first");
      const sinceMs = performance.now();
      await waitUntil(async () => (await askModel(served, token)) === "one", "the route to be in force");
      expect(performance.now() - sinceMs).toBeLessThan(3_000);
      await set(served, "targets=loopback/two");
      served.signal("SIGKILL");
      await served.exited;
      again = await serve({ config: CONFIG, folder: served.folder });
      expect(await askModel(again, token)).toBe("two");
      const told = await expectOk(again.run(["models", "route", "smart", "--explain"]));
      expect(told).toContain("runtime, version 2");
      await expectOk(again.run(["admin", "routes", "rollback", "smart", "--to", "1"]));
      const running = again;
      await waitUntil(async () => (await askModel(running, token)) === "one", "version 1 to be in force again");
      const history = await expectOk(again.run(["admin", "routes", "history", "smart", "--json"]));
      expect(JSON.parse(history).history.map((each: { version: number }) => each.version)).toEqual([3, 2, 1]);
    } finally {
      await again?.stop();
      await served.stop();
    }
  }, 60_000);

  test.skipIf(!hasPostgres)(
    "of one gateway reach another that shares its PostgreSQL",
    async () => {
      const location = await createDatabase();
      const config = `identity_path = ${location}\n${CONFIG}`;
      const [first, second] = [await serve({ config }), await serve({ config })];
      try {
        const { token } = await issueKey(first, "gateway_admin");
        expect(await askModel(second, token)).toBe("from-file");
        const answer = await fetch(`${first.url}/api/v1/admin/routes/smart`, {
          method: "PUT",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ targets: "loopback/shared" }),
        });
        expect(answer.status).toBe(201);
        expect(await askModel(first, token)).toBe("shared");
        await waitUntil(async () => (await askModel(second, token)) === "shared", "the other gateway to hear of it");
      } finally {
        await first.stop();
        await second.stop();
      }
    },
    60_000,
  );
});
