// Providers of run time in the compiled executable: keys that are set while it runs are in force within a second, at every gateway of the database, and no
// trace of them is found in anything that it writes or says.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeSealKey, printSealKey } from "../../src/lib/seal.ts";
import { createDatabase, dumpDatabase, hasPostgres } from "../postgres.ts";
import { BINARY, type Served, expectOk, issueKey, serve, waitUntil } from "./binary.ts";
import { startUpstream } from "./upstream.ts";

/** As unlike a vendor's form as may be: nothing but knowing it can mask it. */
const CANARY = "Zq7-canary-of-run-time-Kp3wxyz";
const SECOND = "Zq7-canary-the-second-Lm4abcd";
const CANARIES = [CANARY, SECOND, Buffer.from(CANARY).toString("base64").slice(0, 32), encodeURIComponent(CANARY)];

const answerWith = (content: string) => ({
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

/** Answers with the end of the key that it was asked with; a model of that name makes it quote the whole key in an error. */
const startProvider = () =>
  startUpstream(({ headers, body }) => {
    const key = headers.get("authorization")?.replace("Bearer ", "") ?? "none";
    if (body["model"] === "quote")
      return Response.json({ error: { message: `Incorrect API key: ${key}` } }, { status: 401 });
    return Response.json(answerWith(key.slice(-4)));
  });

async function ask({ url }: Served, token: string, model: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] }),
  });
  return { status: response.status, text: await response.text() };
}

const answers = async (served: Served, token: string, end: string): Promise<boolean> =>
  (await ask(served, token, "acme/m")).text.includes(`"content":"${end}"`);

const providers = (served: Served, words: readonly string[], stdin = ""): Promise<string> =>
  expectOk(served.run(["admin", "providers", ...words], { stdin }));

/** Every file below the folder, logs and databases with what lies beside them. */
function readAll(folder: string): string {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}

function expectClean(text: string): void {
  expect(CANARIES.filter((canary) => text.includes(canary))).toEqual([]);
}

/** All that it says about itself to an administrator, and by its commands. */
async function collectWords(served: Served, token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const paths = [
    "/api/v1/admin/providers",
    "/api/v1/admin/providers/acme",
    "/api/v1/admin/providers/acme/history",
    "/api/v1/admin/health/providers",
    "/api/v1/admin/audit",
    "/api/v1/admin/audit/export",
    "/api/v1/usage/logs",
    "/metrics",
    "/v1/models",
    "/passthrough/acme/v1/models",
  ];
  const pages = paths.map(async (path) => (await fetch(served.url + path, { headers })).text());
  const said: string[] = await Promise.all(pages);
  for (const words of [
    ["admin", "providers", "list"],
    ["admin", "providers", "show", "acme", "--json"],
    ["admin", "providers", "history", "acme"],
    ["admin", "providers", "test", "acme"],
    ["config", "show"],
    ["usage", "export", "--format", "jsonl"],
  ]) {
    const { out, err } = await served.run(words);
    said.push(out, err);
  }
  return said.join("\n");
}

/** How many credentials lie under each key. */
function countKeys(folder: string): number[] {
  const database = new Database(join(folder, "home/identity.db"), { readonly: true });
  try {
    const rows = database.query<{ count: number }, []>(
      "select count(*) as count from provider_secrets group by key_id",
    );
    return rows.all().map(({ count }) => count);
  } finally {
    database.close();
  }
}

describe("encrypting anew", () => {
  test("that is killed in the middle leaves every key of use, and is gone on with", async () => {
    const served = await serve();
    try {
      const { token } = await issueKey(served, "gateway_admin");
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const keys = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, `${CANARY}-${index}`]));
      for (let provider = 0; provider < 20; provider++) {
        const body = JSON.stringify({ type: "groq", api_keys: keys });
        const made = await fetch(`${served.url}/api/v1/admin/providers/p${provider}`, { method: "PUT", headers, body });
        expect(made.status).toBe(201);
      }
      const child = Bun.spawn([BINARY, "admin", "providers", "rotate-secret"], {
        cwd: served.folder,
        env: { PATH: process.env["PATH"], HOME: served.folder, TOKLIGENCE_HOME: join(served.folder, "home") },
        stdio: ["ignore", "ignore", "ignore"],
      });
      await waitUntil(() => countKeys(served.folder).length > 1, "the first rows to be exchanged");
      child.kill("SIGKILL");
      await child.exited;
      const [left = 0, right = 0] = countKeys(served.folder);
      expect(left + right).toBe(1_000);
      expect(Math.min(left, right)).toBeGreaterThan(0);
      const isAllSent = async (): Promise<boolean> => {
        const listed = JSON.parse(await providers(served, ["list", "--json"]));
        const own = listed.providers.filter(({ origin }: { origin: string }) => origin === "runtime");
        return (
          own.length === 20 &&
          own.every(({ usable, findings }: { usable: boolean; findings: string[] }) => usable && findings.length === 0)
        );
      };
      expect(await isAllSent()).toBe(true);
      const again = JSON.parse(await providers(served, ["rotate-secret", "--json"]));
      expect(again).toMatchObject({ resumed: true, unreadable: [] });
      expect(countKeys(served.folder)).toEqual([1_000]);
      expect(await isAllSent()).toBe(true);
    } finally {
      await served.stop();
    }
  }, 90_000);
});

describe("a key of run time", () => {
  test("is in force within a second, outlives a kill and a new encryption, and shows nowhere", async () => {
    const upstream = startProvider();
    const config =
      "allow_private_providers = yes\nlog_level = debug\nlog_file_daemon = daemon.log\nlog_file_cli = cli.log\n";
    const served = await serve({ config });
    let again: Served | null = null;
    try {
      const { token } = await issueKey(served, "gateway_admin");
      await providers(served, ["add", "acme", "type=compatible", `base_url=${upstream.url}/v1`]);
      const said = await providers(served, ["set-key", "acme"], `${CANARY}\n`);
      const sinceMs = performance.now();
      await waitUntil(() => answers(served, token, CANARY.slice(-4)), "the key to be in force");
      expect(performance.now() - sinceMs).toBeLessThan(3_000);
      expect((await ask(served, token, "acme/quote")).status).toBe(401);
      const refused = await served.run(["admin", "providers", "set-key", "acme", SECOND]);
      expect([refused.code, refused.out]).toEqual([2, ""]);
      expectClean([said, refused.err, await collectWords(served, token), served.log()].join("\n"));

      served.signal("SIGKILL");
      await served.exited;
      expectClean(readAll(served.folder));
      again = await serve({ config, folder: served.folder });
      expect(await answers(again, token, CANARY.slice(-4))).toBe(true);
      await providers(again, ["rotate-secret"]);
      await providers(again, ["set-key", "acme", "--key-file", "-"], SECOND);
      const running = again;
      await waitUntil(() => answers(running, token, SECOND.slice(-4)), "the second key to be in force");
      // Refused with the key before while it is on its way, it is told without it.
      expectClean((await ask(again, token, "acme/quote")).text);
      await providers(again, ["disable", "acme"]);
      await waitUntil(async () => (await ask(running, token, "acme/m")).status === 503, "it to be out of service");
      await providers(again, ["enable", "acme"]);
      await waitUntil(() => answers(running, token, SECOND.slice(-4)), "it to be in service again");
      expectClean([await collectWords(again, token), again.log(), readAll(again.folder)].join("\n"));
      expect(upstream.calls.every(({ text }) => !CANARIES.some((canary) => text.includes(canary)))).toBe(true);
    } finally {
      await again?.stop();
      await served.stop();
      await upstream.stop();
    }
  }, 90_000);

  test.skipIf(!hasPostgres)(
    "is in force at every gateway of a PostgreSQL that has what it is encrypted with, and in no dump of it",
    async () => {
      const upstream = startProvider();
      const location = await createDatabase();
      const shared = `identity_path = ${location}\nallow_private_providers = yes\nsecret_key = ${printSealKey(makeSealKey())}\n`;
      const [first, second] = [await serve({ config: shared }), await serve({ config: shared })];
      const stranger = await serve({ config: shared.replace(/secret_key = .*/u, "") });
      try {
        const { token } = await issueKey(first, "gateway_admin");
        const body = { type: "compatible", base_url: `${upstream.url}/v1`, api_key: CANARY };
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const made = await fetch(`${first.url}/api/v1/admin/providers/acme`, {
          method: "PUT",
          headers,
          body: JSON.stringify(body),
        });
        expectClean(await made.text());
        expect(made.status).toBe(201);
        expect(await answers(first, token, CANARY.slice(-4))).toBe(true);
        await waitUntil(() => answers(second, token, CANARY.slice(-4)), "the other gateway to hear of it");
        await waitUntil(async () => (await ask(stranger, token, "acme/m")).status === 503, "the third to find it shut");
        expect((await ask(stranger, token, "acme/m")).text).toContain("which this gateway does not have");
        await fetch(`${first.url}/api/v1/admin/providers/acme/disable`, { method: "POST", headers, body: "{}" });
        await waitUntil(async () => (await ask(second, token, "acme/m")).status === 503, "the other to leave it alone");
        const dump = dumpDatabase(location);
        expect(dump).toContain("provider_secrets");
        expectClean([dump, readAll(first.folder), first.log(), second.log(), stranger.log()].join("\n"));
      } finally {
        await Promise.all([first, second, stranger].map((each) => each.stop()));
        await upstream.stop();
      }
    },
    90_000,
  );
});
