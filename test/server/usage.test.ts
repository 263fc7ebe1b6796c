// Reading the books by HTTP: who sees what, sums by time and by group, and pages.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { makeEntry } from "../ledger/entry.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
let ana: Awaited<ReturnType<Rig["issue"]>>;
let ben: Awaited<ReturnType<Rig["issue"]>>;
let admin: Awaited<ReturnType<Rig["issue"]>>;

/** Around the night in which clocks in Berlin are put forward. */
const AT = [
  "2026-03-28T22:59:59.999Z",
  "2026-03-28T23:00:00.000Z",
  "2026-03-29T00:30:00.000Z",
  "2026-03-29T21:59:59.000Z",
  "2026-03-29T22:00:00.000Z",
];

beforeAll(async () => {
  rig = await makeRig();
  ana = await rig.issue();
  ben = await rig.issue();
  admin = await rig.issue("gateway_admin");
  const own = { userId: ana.userId, apiKeyId: ana.keyId };
  const calls = AT.map((at, index) =>
    makeEntry({
      ...own,
      requestId: `ana-${index}`,
      createdAt: new Date(at),
      tags: index % 2 === 0 ? ["team=a", "env=prod"] : null,
      provider: index < 3 ? "openai" : "anthropic",
      costNanos: 1_000 * (index + 1),
      latencyMs: 100,
      ttftMs: index === 0 ? 40 : null,
    }),
  );
  await rig.store.ledger.append([
    ...calls,
    makeEntry({
      ...own,
      kind: "correction",
      corrects: calls[0]?.id ?? "",
      reason: "reprice",
      requestId: "ana-0",
      createdAt: new Date(AT[0] ?? ""),
      freshInputTokens: null,
      outputTokens: -2,
      costNanos: -400,
      latencyMs: 0,
    }),
    makeEntry({ ...own, requestId: "sold", createdAt: new Date(AT[1] ?? ""), direction: "supply", costNanos: 9 }),
    makeEntry({
      userId: ben.userId,
      apiKeyId: ben.keyId,
      requestId: '=HYPERLINK("http://evil.test")',
      modelAsked: "+cmd|' /C calc'!A0",
      modelServed: null,
      createdAt: new Date(AT[0] ?? ""),
      costNanos: null,
      tags: ["@x", "a,b", 'quo"te'],
    }),
  ]);
});
afterAll(() => rig.close());

const get = async (path: string, token: string | null = ana.token) => {
  const response = await rig.send(`/api/v1/usage/${path}`, { token });
  return { status: response.status, body: await readJson(response) };
};

describe("who sees what", () => {
  const PATHS = [
    "summary",
    "logs",
    "timeseries?from=2026-03-28&to=2026-03-30",
    "breakdown?by=user",
    "export?format=jsonl",
  ];
  const join = (path: string, query: string): string => `${path}${path.includes("?") ? "&" : "?"}${query}`;

  test.each(PATHS)(
    "%s: nobody without a key, none but one's own rows, all of them for an administrator",
    async (path) => {
      expect((await rig.send(`/api/v1/usage/${path}`, { token: null })).status).toBe(401);
      const read = async (query: string, token: string): Promise<{ status: number; text: string }> => {
        const response = await rig.send(`/api/v1/usage/${join(path, query)}`, { token });
        return { status: response.status, text: await response.text() };
      };
      for (const whose of [ana.userId, ana.email, "all"])
        expect((await read(`user=${whose}`, ben.token)).status).toBe(403);
      const mine = await read("key=", ben.token);
      expect(mine.status).toBe(422);
      const byKey = await read(`key=${ana.keyId}`, ben.token);
      expect(byKey.status).toBe(200);
      expect(byKey.text).not.toContain(ana.userId);
      expect(byKey.text).not.toContain("ana-");
      const bens = await read("provider=openai", ben.token);
      expect(bens.text).not.toContain(ana.userId);
      const all = await read("user=all", admin.token);
      expect(all.status).toBe(200);
      if (/export|logs|breakdown/u.test(path)) {
        expect(all.text).toContain(ana.userId);
        expect(all.text).toContain(ben.userId);
      }
      // One of the earlier edition's books, of whom nothing else is kept.
      expect((await read("user=legacy-7", admin.token)).status).toBe(200);
      const anas = await read(`user=${ana.email}`, admin.token);
      expect(anas.text).not.toContain(ben.userId);
    },
  );
});

describe("summary", () => {
  test("adds corrections, counts calls, and keeps what was sold apart", async () => {
    const { body } = await get("summary");
    expect(body.summary).toMatchObject({
      requests: 5,
      errors: 0,
      fresh_input_tokens: 50,
      output_tokens: 23,
      consumed_tokens: 73,
      supplied_tokens: 15,
      net_tokens: -58,
      cost_nanos: 14_600,
      cost_usd: "0.0000146",
      unpriced_requests: 0,
      average_latency_ms: 100,
      average_ttft_ms: 40,
      supply: { requests: 1, cost_nanos: 9, output_tokens: 5 },
    });
  });

  test.each([
    ["tag=team%3Da", 3, 0],
    ["tag=team%3Da&tag=env%3Dprod", 3, 0],
    ["tag=team%3Da&tag=nothing", 0, 0],
    ["direction=supply", 0, 1],
    ["direction=consume&provider=anthropic", 2, 0],
    ["from=2026-03-29&tz=Europe/Berlin", 4, 1],
    ["from=2026-03-29", 3, 0],
    ["from=2026-03-29T02:30:00&tz=Europe/Berlin", 2, 0],
    ["from=2026-03-29T00:30:00%2B00:00&to=2026-03-29T23:59:59%2B02:00", 1, 0],
    ["status=2xx", 5, 1],
    ["status=429", 0, 0],
    ["endpoint=chat.completions&model=gpt-4o", 5, 1],
  ])("with %s", async (query, bought, sold) => {
    const { body } = await get(`summary?${query}`);
    expect([body.summary.requests, body.summary.supply.requests]).toEqual([bought, sold]);
  });
});

describe("timeseries", () => {
  test("days of a zone, the short one and the empty ones too", async () => {
    const { body } = await get("timeseries?bucket=day&tz=Europe/Berlin&from=2026-03-28&to=2026-04-01");
    expect(body).toMatchObject({ bucket: "day", tz: "Europe/Berlin" });
    expect(
      body.series.map((point: Record<string, unknown>) => [
        point["start"],
        point["end"],
        point["requests"],
        point["cost_nanos"],
      ]),
    ).toEqual([
      ["2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", 1, 600],
      ["2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 3, 9_000],
      ["2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00", 1, 5_000],
      ["2026-03-31T00:00:00+02:00", "2026-04-01T00:00:00+02:00", 0, 0],
    ]);
    expect(body.series[1].supply).toMatchObject({ requests: 1, cost_nanos: 9 });
  });

  test.each([
    ["hour", "Asia/Kathmandu", "2026-03-29T04:00:00+05:45", 48],
    ["week", "UTC", "2026-03-23T00:00:00Z", 2],
    ["month", "America/New_York", "2026-03-01T00:00:00-05:00", 1],
  ])("by %s in %s", async (bucket, tz, start, count) => {
    const { body } = await get(
      `timeseries?bucket=${bucket}&tz=${tz}&from=2026-03-28T22:20:00Z&to=2026-03-30T21:55:00Z`,
    );
    expect(body.series[0].start).toBe(start);
    expect(body.series).toHaveLength(count);
    const total = body.series.reduce((sum: number, point: { requests: number }) => sum + point.requests, 0);
    expect(total).toBe(5);
  });

  test("without times: the last thirty days, up to now", async () => {
    const { body } = await get("timeseries");
    expect(body.series).toHaveLength(31);
    expect(new Date(body.series.at(-1).end).getTime()).toBeGreaterThan(rig.clock.wallMs());
  });

  test.each([
    "bucket=year",
    "tz=Mars/Base",
    "tz=",
    "from=2026-01-02&to=2026-01-01",
    "bucket=hour&from=2020-01-01&to=2026-01-01",
    "by=user",
  ])("%s is refused", async (query) => expect((await get(`timeseries?${query}`)).status).toBe(422));
});

describe("breakdown", () => {
  test("by one and by several, the dearest first, each direction by itself", async () => {
    const { body } = await get("breakdown?by=provider");
    expect(body.by).toEqual(["provider"]);
    expect(
      body.groups.map((group: Record<string, unknown>) => [
        group["provider"],
        group["direction"],
        group["requests"],
        group["cost_nanos"],
      ]),
    ).toEqual([
      ["anthropic", "consume", 2, 9_000],
      ["openai", "consume", 3, 5_600],
      ["openai", "supply", 1, 9],
    ]);
    const both = await get("breakdown?by=tag,provider&direction=consume");
    expect(
      both.body.groups.map((group: Record<string, unknown>) => [group["tag"], group["provider"], group["requests"]]),
    ).toEqual([
      ["env=prod", "anthropic", 1],
      ["team=a", "anthropic", 1],
      ["env=prod", "openai", 2],
      ["team=a", "openai", 2],
      [null, "anthropic", 1],
      [null, "openai", 1],
    ]);
  });

  test("by user, for an administrator", async () => {
    const { body } = await get("breakdown?by=user&user=all&direction=consume", admin.token);
    expect(
      body.groups.map((group: Record<string, unknown>) => [
        group["user"],
        group["requests"],
        group["unpriced_requests"],
      ]),
    ).toEqual([
      [ana.userId, 5, 0],
      [ben.userId, 1, 1],
    ]);
  });

  test.each(["", "by=", "by=nothing", "by=user,user", "by=model,"])("%p is refused", async (query) =>
    expect((await get(`breakdown?${query}`)).status).toBe(422),
  );
});

describe("logs", () => {
  test("show corrections, and a corrected call with its figures as they are now", async () => {
    const { body } = await get("logs?to=2026-03-28T23:00:00Z&tag=team%3Da");
    expect(body.entries).toHaveLength(1);
    expect(body.entries[0]).toMatchObject({
      kind: "call",
      cost_nanos: 1_000,
      output_tokens: 5,
      corrected: {
        cost_nanos: 600,
        cost_usd: "0.0000006",
        output_tokens: 3,
        fresh_input_tokens: 10,
        reasoning_tokens: null,
      },
    });
    const all = (await get("logs?to=2026-03-28T23:00:00Z")).body.entries;
    const correction = all.find((entry: { kind: string }) => entry.kind === "correction");
    expect(correction).toMatchObject({ corrects: body.entries[0].id, reason: "reprice", cost_nanos: -400 });
    expect(body.entries[0].corrected.by).toEqual([correction.id]);
    expect(
      all.every(
        (entry: { corrected?: unknown; kind: string }) => entry.kind === "call" || entry.corrected === undefined,
      ),
    ).toBeTrue();
  });

  test("page by page, each row once, while rows are added", async () => {
    const { userId, keyId, token } = await rig.issue();
    const add = (ids: string[]) =>
      rig.store.ledger.append(
        ids.map((requestId) => makeEntry({ userId, apiKeyId: keyId, requestId, createdAt: new Date() })),
      );
    const first = Array.from({ length: 7 }, (_, index) => `r${index}`);
    await add(first);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await get(
        `logs?limit=2${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
        token,
      );
      seen.push(...body.entries.map((entry: { request_id: string }) => entry.request_id));
      cursor = body.next_cursor;
      await add([`late-${seen.length}`]);
    } while (cursor !== null);
    expect(seen).toEqual(first.toReversed());
  });
});
