// `tokligence doctor` beside a gateway that runs: it is found, and found to work on the same database; a stranger's is told from it.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { issueKey, makeFolder, run, serve } from "./binary.ts";

interface Report {
  findings: { check: string; level: string; subject: string; found: string }[];
}

const readPorts = (out: string): string[] =>
  (JSON.parse(out) as Report).findings.flatMap(({ check, level, found }) =>
    check === "ports" ? [`${level}: ${found}`] : [],
  );

describe.if(process.platform === "linux")("doctor", () => {
  test("finds the gateway of this configuration, and tells one that works on another database", async () => {
    const served = await serve();
    try {
      const own = await served.run(["doctor", "--offline", "--json"]);
      const found = readPorts(own.out);
      expect(found[0]).toMatch(/^ok: a gateway runs there, version /u);
      expect(found.slice(1)).toEqual([
        "ok: is ready for requests",
        `ok: works on the same database, as process ${served.pid}`,
      ]);
      const folder = makeFolder();
      writeFileSync(join(folder, "gateway.ini"), `http_address = ${new URL(served.url).host}\nhome = ${folder}\n`);
      const env = { HOME: folder, TOKLIGENCE_HOME: folder };
      const other = await run(["doctor", "--offline", "--json", "--config", join(folder, "gateway.ini")], { env });
      expect(readPorts(other.out)[2]).toStartWith(
        `warning: the gateway there (process ${served.pid}) works on another database`,
      );
    } finally {
      await served.stop();
    }
  });

  test.if(hasPostgres)("finds it on PostgreSQL by its connections", async () => {
    const served = await serve({ config: `identity_path = ${await createDatabase()}\n` });
    try {
      const { out } = await served.run(["doctor", "--offline", "--json"]);
      expect(readPorts(out).at(-1)).toBe(`ok: works on the same database, as process ${served.pid}`);
    } finally {
      await served.stop();
    }
  });
});

test("a model that was named is asked for a token, through the gateway, and has a row on the books", async () => {
  const asked: string[] = [];
  const upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (request.method === "GET") return Response.json({ object: "list", data: [{ id: "m", object: "model" }] });
      const { model, max_tokens: most } = (await request.json()) as { model: string; max_tokens: number };
      asked.push(`${pathname} ${model} ${most}`);
      if (model !== "m") return Response.json({ error: { message: "no such model" } }, { status: 404 });
      const choices = [{ index: 0, finish_reason: "length", message: { role: "assistant", content: "a" } }];
      const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
      return Response.json({ id: "c", object: "chat.completion", created: 1, model, choices, usage });
    },
  });
  const base = `http://127.0.0.1:${upstream.port}/v1`;
  const served = await serve({ config: `[provider.acme]\ntype = compatible\nbase_url = ${base}\n` });
  try {
    const { out, code } = await served.run(["doctor", "--call", "acme/m,acme/none", "--json"]);
    const called = (JSON.parse(out) as Report).findings.filter(({ check }) => check === "call");
    expect(called.map(({ level, subject }) => `${level}: ${subject}`)).toEqual(["ok: acme/m", "error: acme/none"]);
    expect(code).toBe(6);
    const { token } = await issueKey(served, "gateway_admin");
    const env = { TOKLIGENCE_URL: served.url, TOKLIGENCE_KEY: token };
    const told = await served.run(["doctor", "--offline", "--json"], { env });
    expect((JSON.parse(told.out) as Report).findings.filter(({ check }) => check === "health")).toMatchObject([
      { level: "ok", found: expect.stringMatching(/^leaves none of its \d providers alone$/u) },
    ]);
    expect(told.out + told.err).not.toContain(token);
    expect(new Set(asked.map((line) => line.split(" ")[1]))).toEqual(new Set(["m", "none"]));
    const books = await served.run(["usage", "logs", "--user", "all", "--json"]);
    expect((JSON.parse(books.out) as { entries: object[] }).entries.length).toBeGreaterThanOrEqual(1);
  } finally {
    await served.stop();
    await upstream.stop(true);
  }
});
