// `usage summary` and `usage logs` on books of their own: sums, rows, filters and pages.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { makeEntry } from "../ledger/entry.ts";
import { type Desk, makeDesk } from "./desk.ts";

interface Page {
  entries: { request_id: string; cost_usd: string | null; cost_nanos: number | null }[];
  next_cursor: string | null;
}

const HOUR_MS = 3_600_000;

let desk: Desk;
let user = { id: "" };
let key = { id: "", prefix: "" };

beforeEach(async () => {
  desk = makeDesk();
  ({ user } = await desk.read<{ user: typeof user }>("admin users create --email ana@example.com"));
  ({ api_key: key } = await desk.read<{ api_key: typeof key }>("admin api-keys create --user ana@example.com"));
  const own = { userId: user.id, apiKeyId: key.id };
  await desk.withStore(async ({ ledger }) =>
    ledger.append([
      makeEntry({
        ...own,
        requestId: "first",
        tags: ["team=a", "env=prod"],
        createdAt: new Date("2026-01-01T00:00:00Z"),
      }),
      makeEntry({
        requestId: "second",
        createdAt: new Date("2026-01-02T00:00:00Z"),
        provider: "anthropic",
        modelAsked: "claude-sonnet",
        modelServed: "claude-sonnet-4-5",
        endpoint: "messages",
        costNanos: null,
        attempts: [
          {
            provider: "anthropic",
            model: "claude-sonnet-4-5",
            route: "smart",
            status: 200,
            errorKind: null,
            upstreamRequestId: null,
            latencyMs: 12,
          },
        ],
      }),
      makeEntry({
        ...own,
        requestId: "third",
        createdAt: new Date(Date.now() - HOUR_MS),
        status: 502,
        errorKind: "upstream_unavailable",
        freshInputTokens: null,
        outputTokens: null,
        usageSource: "none",
        costNanos: null,
      }),
    ]),
  );
});
afterEach(() => desk.close());

const logs = async (flags = ""): Promise<string[]> => {
  const { entries } = await desk.read<Page>(`usage logs ${flags}`.trim());
  return entries.map((entry) => entry.request_id);
};

describe("filters", () => {
  test("each of them, on rows and on sums", async () => {
    const table: [string, string[]][] = [
      ["", ["third", "second", "first"]],
      ["--from 2026-01-02", ["third", "second"]],
      ["--from 2026-01-01T00:00:01Z --to 2026-01-02T00:00:01Z", ["second"]],
      ["--to 2026-01-02T01:00:00+01:00", ["first"]],
      ["--from 2h", ["third"]],
      ["--from 7d --to 30m", ["third"]],
      ["--to 30m --from 45m", []],
      ["--model claude-sonnet", ["second"]],
      ["--model gpt-4o-2024-08-06", ["third", "first"]],
      ["--provider anthropic", ["second"]],
      ["--endpoint messages", ["second"]],
      ["--status 502", ["third"]],
      ["--status 2xx", ["second", "first"]],
      ["--user ana@example.com", ["third", "first"]],
      [`--user ${user.id}`, ["third", "first"]],
      ["--user all", ["third", "second", "first"]],
      [`--key ${key.id}`, ["third", "first"]],
      [`--key ${key.prefix}`, ["third", "first"]],
      ["--user ana@example.com --status 5xx", ["third"]],
      ["--tag team=a", ["first"]],
      ["--tag team=a,env=prod", ["first"]],
      ["--tag team=a,env=dev", []],
      ["--direction supply", []],
      ["--direction consume", ["third", "second", "first"]],
      ["--to 2026-01-02 --tz Europe/Berlin", ["first"]],
      ["--to 2026-01-02T00:00:01 --tz America/New_York --from 2026-01-01T00:00:01Z", ["second"]],
    ];
    for (const [flags, expected] of table) {
      expect({ flags, rows: await logs(flags) }).toEqual({ flags, rows: expected });
      const summary = await desk.read<{ requests: number }>(`usage summary ${flags}`.trim());
      expect({ flags, requests: summary.requests }).toEqual({ flags, requests: expected.length });
    }
  });

  test("of a user and a key that are gone, by id", async () => {
    await desk.read("admin users delete --id ana@example.com --hard");
    expect(await logs(`--user ${user.id}`)).toEqual(["third", "first"]);
    expect(await logs(`--key ${key.id}`)).toEqual(["third", "first"]);
  });

  test.each([
    ["--status 99", EXIT.usage],
    ["--status ok", EXIT.usage],
    ["--from yesterday", EXIT.usage],
    ["--from 7d --to 8d", EXIT.usage],
    ["--tag ,", EXIT.usage],
    ["--model=", EXIT.usage],
    ["--to 2026-02-30T25:00:00Z", EXIT.usage],
    ["--to 0026-01-31", EXIT.usage],
    ["--limit 0", EXIT.usage],
    ["--limit 1001", EXIT.usage],
    ["--limit many", EXIT.usage],
    ["--cursor nonsense", EXIT.usage],
    ["--direction up", EXIT.usage],
    ["--tz Mars/Base", EXIT.usage],
    ["--user nobody@example.com", EXIT.notFound],
    ["--key tok_nothing", EXIT.notFound],
  ])("%s is refused", async (flags, code) => {
    const result = await desk.run(`usage logs ${flags}`);
    expect({ code: result.code, out: result.out }).toEqual({ code, out: "" });
    expect(result.err).toStartWith("error: ");
  });

  test("of an endpoint that there is none of, it is said, as only an import can have brought some", async () => {
    const { code, out, err } = await desk.run("usage logs --endpoint chat.completion");
    expect([code, out.split("\n").length]).toEqual([0, 2]);
    expect(err).toBe(
      'note: "chat.completion" is no endpoint of the gateway, and only imported rows can have it; did you mean chat.completions?\n',
    );
    expect((await desk.run("usage summary --endpoint foo")).err).toContain("its own are audio.speech,");
    for (const name of ["chat.completions", "batches.usage", "vector_stores.files", "realtime"]) {
      expect((await desk.run(`usage summary --endpoint ${name}`)).err).toBe("");
    }
  });

  test("of books that are not where they were, it is said that these are new", async () => {
    const elsewhere = join(desk.folder, "books.db");
    appendFileSync(join(desk.folder, "config/setting.ini"), `ledger_path = ${elsewhere}\n`);
    const first = await desk.run("usage summary");
    expect(first.err).toContain(`warning: there was no database at ${elsewhere}, so an empty one is made`);
    expect(first.err).toContain("say in ledger_path where it is");
    expect((await desk.run("usage summary")).err).not.toContain("there was no database");
  });

  test("a beginning that two keys share is not guessed at", async () => {
    await desk.read("admin api-keys create --user ana@example.com");
    const { code, err } = await desk.run("usage logs --key tok_");
    expect(code).toBe(EXIT.usage);
    expect(err).toStartWith("error: More than one API key begins like that.\n");
  });
});

describe("logs", () => {
  test("pages of the books, by cursor, until the end", async () => {
    const first = await desk.read<Page>("usage logs --limit 2");
    expect(first.entries.map((entry) => entry.request_id)).toEqual(["third", "second"]);
    const second = await desk.read<Page>(`usage logs --limit 2 --cursor ${first.next_cursor}`);
    expect(second.entries.map((entry) => entry.request_id)).toEqual(["first"]);
    expect(second.next_cursor).toBeNull();
  });

  test("for people: a table, and on stderr how to go on", async () => {
    const { code, out, err } = await desk.run("usage logs --limit 2");
    expect(code).toBe(0);
    const [head, third, second, ...more] = out.trimEnd().split("\n");
    expect(head).toMatch(/^TIME +MODEL +PROVIDER +ROUTE +STATUS +IN +OUT +COST USD +MS +KEY$/u);
    expect(third).toContain(" 502 ");
    expect(second).toMatch(
      /^2026-01-02T00:00:00\.000Z +claude-sonnet-4-5 +anthropic +smart +200 +10 +5 +- +12 +key-1$/u,
    );
    expect(more).toEqual([]);
    expect(err).toMatch(/^There are more: --cursor \S+\n$/u);
  });

  test("an unknown cost is null, a known one an exact decimal", async () => {
    const { entries } = await desk.read<Page>("usage logs");
    expect(entries.map(({ cost_usd, cost_nanos }) => [cost_usd, cost_nanos])).toEqual([
      [null, null],
      [null, null],
      ["0.000001234", 1_234],
    ]);
  });
});

describe("summary", () => {
  test("for programs", async () => {
    expect(await desk.read("usage summary")).toMatchObject({
      requests: 3,
      errors: 1,
      consumed_tokens: 30,
      supplied_tokens: 0,
      net_tokens: -30,
      cost_usd: "0.000001234",
      cost_nanos: 1_234,
      unpriced_requests: 1,
    });
  });

  test("for people", async () => {
    const { code, out, err } = await desk.run("usage summary");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^requests +3$/mu);
    expect(out).toMatch(/^cost usd +0\.000001234$/mu);
    expect(out).not.toContain("nanos");
  });
});

describe("timeseries", () => {
  test("for programs and for people, in a zone", async () => {
    const line = "usage timeseries --from 2026-01-01 --to 2026-01-04 --tz Asia/Tokyo";
    const { series } = await desk.read<{ series: { start: string; requests: number }[] }>(line);
    expect(series.map(({ start, requests }) => [start, requests])).toEqual([
      ["2026-01-01T00:00:00+09:00", 1],
      ["2026-01-02T00:00:00+09:00", 1],
      ["2026-01-03T00:00:00+09:00", 0],
    ]);
    const { out } = await desk.run(line);
    expect(out.split("\n")[0]).toMatch(
      /^START +REQUESTS +ERRORS +ATTEMPTS +IN +OUT +COST USD +UNPRICED +MS +P50 MS +P90 MS +P99 MS +TTFT P50 MS$/u,
    );
    expect(out.split("\n")[1]).toMatch(
      /^2026-01-01T00:00:00\+09:00 +1 +0 +0 +10 +5 +0\.000001234 +0 +12 +13 +13 +13 +-$/u,
    );
  });

  test("a bucket that is none is refused", async () => {
    expect((await desk.run("usage timeseries --bucket year")).code).toBe(EXIT.usage);
  });
});

describe("breakdown", () => {
  test("for programs and for people", async () => {
    const { groups } = await desk.read<{ groups: Record<string, unknown>[] }>("usage breakdown --by provider,status");
    expect(groups.map((group) => [group["provider"], group["status"], group["requests"], group["cost_nanos"]])).toEqual(
      [
        ["openai", 200, 1, 1_234],
        ["anthropic", 200, 1, 0],
        ["openai", 502, 1, 0],
      ],
    );
    const { out } = await desk.run("usage breakdown --by user");
    expect(out.split("\n")[0]).toMatch(/^USER +DIRECTION +REQUESTS/u);
    expect(out.split("\n")[1]).toStartWith(`${user.id}  consume`);
  });

  test.each(["", "--by", "--by nothing", "--by user,user"])("%p is refused", async (flags) => {
    expect((await desk.run(`usage breakdown ${flags}`.trim())).code).toBe(EXIT.usage);
  });
});

describe("export", () => {
  test("to stdout and to a file, the same", async () => {
    const { code, out, err } = await desk.run("usage export --format jsonl --status 2xx");
    expect({ code, err }).toEqual({ code: 0, err: "2 rows written\n" });
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).request_id),
    ).toEqual(["first", "second"]);
    const path = desk.write("usage.jsonl", "what was there before, and is longer than nothing".repeat(100));
    const printed = await desk.read(`usage export --format jsonl --status 2xx -o ${path}`);
    expect(printed).toEqual({ rows: 2, file: path });
    expect(await Bun.file(path).text()).toBe(out);
  });

  test("CSV unless it is said", async () => {
    const { out } = await desk.run("usage export");
    expect(out.split("\r\n")).toHaveLength(5);
    expect(out).toStartWith("id,kind,");
  });

  test.each([
    ["--format xlsx", EXIT.usage, "--format: "],
    ["--json", EXIT.usage, "--json: "],
    ["-o /no/such/folder/usage.csv", EXIT.failed, "/no/such/folder/usage.csv cannot be written"],
  ])("%s ends in a sentence", async (flags, code, said) => {
    const printed = await desk.run(`usage export ${flags}`);
    expect(printed.code).toBe(code);
    expect(`${printed.out}${printed.err}`).toContain(said);
  });
});
