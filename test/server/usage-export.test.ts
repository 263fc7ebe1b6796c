// Exports of the books by HTTP: all that is on them, in order, safe to open, and no longer than somebody reads.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import { createReader, type LedgerReader } from "../../src/server/reader/reader.ts";
import { makeUsageRoutes } from "../../src/server/usage.ts";
import { makeEntry } from "../ledger/entry.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
let ana: Awaited<ReturnType<Rig["issue"]>>;
let ben: Awaited<ReturnType<Rig["issue"]>>;
let admin: Awaited<ReturnType<Rig["issue"]>>;

beforeAll(async () => {
  rig = await makeRig();
  ana = await rig.issue();
  ben = await rig.issue();
  admin = await rig.issue("gateway_admin");
  const own = { userId: ana.userId, apiKeyId: ana.keyId };
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 28, 22, minute));
  const call = makeEntry({ ...own, createdAt: at(5), tags: ["team=a"], costNanos: 1_000, ttftMs: 40 });
  await rig.store.ledger.append([
    makeEntry({ ...own, createdAt: at(9), costNanos: null, usageSource: "none", status: 502, errorKind: "timeout" }),
    call,
    makeEntry({
      ...own,
      kind: "correction",
      corrects: call.id,
      reason: "reprice",
      createdAt: at(5),
      outputTokens: -2,
      costNanos: -400,
    }),
    makeEntry({ ...own, requestId: "sold", createdAt: at(1), direction: "supply", costNanos: 9 }),
    makeEntry({
      userId: ben.userId,
      apiKeyId: ben.keyId,
      requestId: '=HYPERLINK("http://evil.test")',
      modelAsked: "+cmd|' /C calc'!A0",
      modelServed: null,
      createdAt: at(3),
      costNanos: null,
      tags: ["@x", "a,b", 'quo"te'],
    }),
  ]);
});
afterAll(() => rig.close());

describe("export", () => {
  const exportAll = async (query: string, token = admin.token): Promise<Response> =>
    rig.send(`/api/v1/usage/export?${query}`, { token });

  test("CSV: what comes out is what is on the books, oldest first", async () => {
    const response = await exportAll("format=csv&user=all");
    expect(response.headers.get("content-type")).toStartWith("text/csv");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="usage.csv"');
    const rows: Record<string, string>[] = parse(await response.text(), { columns: true, record_delimiter: "\r\n" });
    expect(rows.length).toBe(Number(response.headers.get("x-tokligence-rows")));
    const times = rows.map((row) => row["created_at"] ?? "");
    expect(times).toEqual(times.toSorted());
    const entries = (await rig.rows()).toReversed();
    expect(rows.map((row) => row["id"])).toEqual(entries.map(({ id }) => id));
    for (const [index, entry] of entries.entries()) expect(readBack(rows[index] ?? {})).toEqual(figuresOf(entry));
  });

  test("JSON lines: the same rows as logs, oldest first", async () => {
    const response = await exportAll("format=jsonl", ana.token);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const rows = (await response.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const logs = (
      await readJson(await rig.send("/api/v1/usage/logs?limit=100", { token: ana.token }))
    ).entries.toReversed();
    expect(rows).toEqual(logs.map((entry: Record<string, unknown>) => ({ ...entry, corrected: undefined })));
  });

  test("no cell of a stranger's is a formula", async () => {
    const text = await (await exportAll("format=csv", ben.token)).text();
    const [row]: Record<string, string>[] = parse(text, { columns: true });
    expect(row?.["request_id"]).toBe(`'=HYPERLINK("http://evil.test")`);
    expect(row?.["model"]).toBe(`'+cmd|' /C calc'!A0`);
    expect(JSON.parse(row?.["tags"] ?? "")).toEqual(["@x", "a,b", 'quo"te']);
    const cells: string[][] = parse(await (await exportAll("format=csv&user=all")).text());
    for (const cell of cells.flat()) expect(cell).not.toMatch(/^[=+@\t\r]|^-(?!\d+(?:\.\d+)?$)/u);
  });

  test("filters hold, nothing found is a head without rows, and a format must be said", async () => {
    expect((await (await exportAll("format=csv&tag=nothing")).text()).trimEnd().split("\r\n")).toHaveLength(1);
    expect(await (await exportAll("format=jsonl&tag=nothing")).text()).toBe("");
    const rows = (await (await exportAll("format=jsonl&user=all&direction=supply")).text()).trimEnd().split("\n");
    expect(rows.map((line) => JSON.parse(line).request_id)).toEqual(["sold"]);
    expect((await exportAll("")).status).toBe(422);
    expect((await exportAll("format=xlsx")).status).toBe(422);
  });
});

test("an export that its client leaves is read no further", async () => {
  let pieces = 0;
  const reader: LedgerReader = {
    ...createReader(rig.store),
    async exportPiece() {
      pieces++;
      return { bytes: new TextEncoder().encode("row\n"), rows: 1, nextCursor: "more" };
    },
  };
  const routes = makeUsageRoutes({ reader, directory: rig.directory, rights: rig.ring, now: rig.clock.wallMs });
  const route = routes.find(({ path }) => path.endsWith("/export"));
  const request = new Request("http://gateway.test/api/v1/usage/export?format=jsonl");
  const caller = {
    userId: ana.userId,
    email: ana.email,
    displayName: null,
    role: "gateway_user",
    keyId: ana.keyId,
    scopes: [],
    isStrict: false,
  };
  const context = {
    request,
    requestId: "r",
    path: "",
    params: {},
    peer: () => null,
    socket: () => null,
    keepOpen: () => undefined,
    letGo: () => undefined,
    upgrade: () => false,
  };
  const response = await route?.handle({
    ...context,
    query: new URL(request.url).searchParams,
    caller: caller as never,
  });
  const body = response?.body?.getReader();
  for (let read = 0; read < 3; read++) await body?.read();
  await body?.cancel();
  const taken = pieces;
  expect(taken).toBeLessThan(8);
  await new Promise(setImmediate);
  expect(pieces).toBe(taken);
});

function readBack(row: Record<string, string>): Record<string, unknown> {
  const number = (name: string): number | null => (row[name] === "" ? null : Number(row[name]));
  return {
    kind: row["kind"],
    corrects: row["corrects"] || null,
    direction: row["direction"],
    status: number("status"),
    fresh: number("fresh_input_tokens"),
    output: number("output_tokens"),
    cost: number("cost_nanos"),
    latency: number("latency_ms"),
    userId: row["user_id"],
    streamed: row["streamed"] === "true",
    dropped: JSON.parse(row["dropped"] ?? ""),
  };
}

function figuresOf(entry: LedgerEntry): ReturnType<typeof readBack> {
  return {
    kind: entry.kind,
    corrects: entry.corrects,
    direction: entry.direction,
    status: entry.status,
    fresh: entry.freshInputTokens,
    output: entry.outputTokens,
    cost: entry.costNanos,
    latency: entry.latencyMs,
    userId: entry.userId,
    streamed: entry.streamed,
    dropped: entry.dropped,
  };
}
