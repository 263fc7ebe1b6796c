// Several keys of one provider: by turns, and another one where one is refused, without quota or limited; what is parked is tried again.

import { afterEach, describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/value.ts";
import { type Rig, type Upstream, type UpstreamCall, makeRig, makeStream, readJson } from "../rig.ts";
import { ASK, GOOD_STREAM, SECOND, completion, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const LABELS = ["a", "b", "c"];
const keyOf = (label: string): string => `sk-canary-pool-${label}`;
const labelOf = ({ headers }: UpstreamCall): string => (headers.get("authorization") ?? "").slice(-1);

interface Init {
  labels?: readonly string[];
  others?: { provider: string; model: string | null }[];
  provider?: Partial<Config["providers"][number]>;
  keys?: readonly string[];
}

async function open(
  upstream: Upstream,
  { labels = LABELS, others = [], provider = {}, keys }: Init = {},
): Promise<Rig> {
  const pool = labels.map((label) => ({ label, apiKey: keyOf(label), weight: 1 }));
  rig = await makeRig({
    upstream,
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 5 },
      providers: config.providers.map((each) =>
        each.name === "openai" ? { ...each, apiKey: keyOf(labels[0] ?? ""), keys: pool, ...provider } : each,
      ),
      secrets: [...config.secrets, ...pool.map(({ apiKey }) => apiKey)],
      routes: [
        {
          pattern: "gpt-4o",
          targets: [{ provider: "openai", model: null, ...(keys && { keys }) }, ...others],
          origin: "test",
        },
      ],
    }),
  });
  return rig;
}

const good: Upstream = () => Response.json(completion("Hi"));
const used = ({ calls }: Rig): string => calls.map(labelOf).join("");

/** What a provider says to a key that it knows no more, and to one without quota. */
const revoked = (): Response =>
  Response.json({ error: { message: "Incorrect API key provided", code: "invalid_api_key" } }, { status: 401 });
const spent = (headers = {}): Response =>
  Response.json(
    { error: { message: "no quota", type: "insufficient_quota", code: "insufficient_quota" } },
    { status: 429, headers },
  );

async function ask(gateway: Rig, times = 1): Promise<number[]> {
  const statuses: number[] = [];
  for (let call = 0; call < times; call++) statuses.push((await gateway.chat(ASK)).status);
  return statuses;
}

/** Likewise, where the stream has begun. */
const inside = (error: object): Response => makeStream([`data: ${JSON.stringify({ error })}\n\n`]);

test.each([
  ["a key is unknown", { message: "no", type: "authentication_error", code: "invalid_api_key" }],
  ["there is no quota", { message: "no", type: "insufficient_quota", code: "insufficient_quota" }],
  ["this is not allowed", { message: "no", type: "permission_error", code: 403 }],
])("a stream that begins with the word that %s goes on with the next key, and that one is parked", async (_, error) => {
  const gateway = await open((call) => (labelOf(call) === "c" ? makeStream(GOOD_STREAM) : inside(error)), {
    provider: { keyStrategy: "priority" },
  });
  for (let call = 0; call < 2; call++) {
    const response = await gateway.chat({ ...ASK, stream: true });
    expect(await response.text()).toContain("from the second");
  }
  expect(used(gateway)).toBe("abcc");
});

test.each([400, 404, 413])(
  "a stream that begins with a refusal of the request (%d) is asked for once",
  async (code) => {
    const gateway = await open(() => inside({ message: "no", type: "invalid_request_error", code }));
    const response = await gateway.chat({ ...ASK, stream: true });
    expect([response.status, used(gateway)]).toEqual([code, "a"]);
  },
);

describe("who is asked", () => {
  test("one after another, and the record says with which", async () => {
    const gateway = await open(good);
    await ask(gateway, 6);
    expect(used(gateway)).toBe("abcabc");
    const rows = await gateway.rows();
    expect(rows.map(({ attempts }) => attempts[0]?.account ?? "").toSorted()).toEqual(["a", "a", "b", "b", "c", "c"]);
    expect(rows.every(({ provider }) => provider === "openai")).toBe(true);
  });

  test("by weight where weights are said", async () => {
    const keys = LABELS.map((label) => ({ label, apiKey: keyOf(label), weight: label === "b" ? 1_000_000 : 1 }));
    const gateway = await open(good, { provider: { keys } });
    await ask(gateway, 8);
    expect(used(gateway).replaceAll("b", "").length).toBeLessThan(3);
  });

  test("the same one for the same caller where it sticks, the first where it goes by order", async () => {
    const sticky = await open(good, { provider: { keyStrategy: "sticky" } });
    await ask(sticky, 6);
    expect(new Set(used(sticky)).size).toBe(1);
    await sticky.close();
    const first = await open(good, { provider: { keyStrategy: "priority" } });
    await ask(first, 3);
    expect(used(first)).toBe("aaa");
  });

  test("only those that the route names", async () => {
    const gateway = await open(good, { keys: ["c", "a"] });
    await ask(gateway, 4);
    expect(used(gateway)).toBe("acac");
  });

  test("none that the route does not name, also where those that it names are gone", async () => {
    for (const labels of [["a", "b"], ["a"], []]) {
      const alone = await open(good, { labels, keys: ["eu", "us"] });
      const refused = await alone.chat({ model: "gpt-4o", messages: [{ role: "user", content: "Hi" }] });
      expect([refused.status, used(alone)]).toEqual([503, ""]);
      expect((await readJson(refused)).error.message).toContain("has no key that is called eu or us");
      const { token } = await alone.issue("gateway_admin");
      const told = await readJson(await alone.send("/api/v1/admin/route?model=gpt-4o", { token }));
      expect(told).toMatchObject({ ready: false, candidates: [{ outcome: "skipped", ready: false }] });
      await alone.close();
      const helped = await open(good, { labels, keys: ["eu"], others: [{ provider: "local", model: "m" }] });
      expect(await ask(helped, 1)).toEqual([200]);
      expect(helped.calls.map(({ url }) => new URL(url).hostname)).toEqual(["local.test"]);
      await helped.close();
    }
    rig = null;
  });

  test("as many as it takes, where all but the last are refused", async () => {
    const labels = ["a", "b", "c", "d", "e", "f", "g"];
    const gateway = await open((call) => (labelOf(call) === "g" ? good(call) : revoked()), {
      labels,
      provider: { keyStrategy: "priority" },
    });
    expect(await ask(gateway, 2)).toEqual([200, 200]);
    expect(used(gateway)).toBe("abcdefgg");
  });

  test("on every surface: messages, responses, embeddings", async () => {
    const vectors = {
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: [1] }],
      model: "m",
      usage: { prompt_tokens: 1, total_tokens: 1 },
    };
    const gateway = await open((call) =>
      labelOf(call) === "a"
        ? revoked()
        : call.url.endsWith("/embeddings")
          ? Response.json(vectors)
          : makeStream(GOOD_STREAM),
    );
    const body = { model: "text-embedding-3-small", input: "x" };
    expect((await gateway.send("/v1/embeddings", { body })).status).toBe(200);
    expect((await gateway.chat({ ...ASK, stream: true })).status).toBe(200);
    expect(used(gateway)).toMatch(/^ab/u);
  });
});

describe("a key that is refused", () => {
  test("gives way to the next within the same request, and is left alone afterwards", async () => {
    const gateway = await open((call) => (labelOf(call) === "a" ? revoked() : good(call)));
    const response = await gateway.chat(ASK);
    expect([response.status, response.headers.get("x-tokligence-attempts")]).toEqual([200, "2"]);
    const { attempts } = await gateway.row();
    expect(attempts.map(({ account, status }) => [account, status])).toEqual([
      ["a", 401],
      ["b", 200],
    ]);
    await ask(gateway, 6);
    expect(used(gateway).lastIndexOf("a")).toBe(0);
    expect(gateway.log.filter((line) => line.includes("A provider's key is not used"))).toHaveLength(1);
    expect(gateway.log.join("")).not.toContain("sk-canary");
  });

  test("is tried again by one request after half an hour, and by the next after an hour where it is refused again", async () => {
    let isBack = false;
    const gateway = await open((call) => (labelOf(call) === "a" && !isBack ? revoked() : good(call)), {
      labels: ["a", "b"],
    });
    await ask(gateway, 2);
    gateway.clock.advance(30 * 60_000);
    await ask(gateway, 4);
    expect(used(gateway).slice(3).replaceAll("b", "")).toBe("a");
    gateway.clock.advance(59 * 60_000);
    await ask(gateway, 4);
    expect(used(gateway).slice(3).replaceAll("b", "")).toBe("a");
    gateway.clock.advance(60_000);
    isBack = true;
    await ask(gateway, 4);
    expect(used(gateway).slice(-4).replaceAll("b", "")).toBe("aa");
    expect(gateway.log.some((line) => line.includes("A provider's key is taken again"))).toBe(true);
  });

  test("without quota is left alone until the time that the provider names, else a minute, doubled", async () => {
    const gateway = await open((call) => (labelOf(call) === "a" ? spent() : good(call)), { labels: ["a", "b"] });
    await ask(gateway, 3);
    expect(used(gateway)).toBe("abbb");
    gateway.clock.advance(60_000);
    await ask(gateway, 4);
    expect(used(gateway).slice(4).replaceAll("b", "")).toBe("a");
    gateway.clock.advance(119_000);
    await ask(gateway, 2);
    expect(used(gateway).slice(4).replaceAll("b", "")).toBe("a");
    await gateway.close();
    const told = await open((call) => (labelOf(call) === "a" ? spent({ "retry-after": "600" }) : good(call)), {
      labels: ["a", "b"],
    });
    await ask(told, 2);
    told.clock.advance(599_000);
    await ask(told, 4);
    expect(used(told)).toBe("abbbbbb".slice(0, used(told).length));
    told.clock.advance(1_000);
    await ask(told, 2);
    expect(used(told).slice(-3)).toContain("a");
  });

  test("for a minute's limit only with that model, as long as it was told", async () => {
    const gateway = await open(
      (call) =>
        labelOf(call) === "a" && (call.body as { model: string }).model === "gpt-4o"
          ? refusal(429, { "retry-after": "20" })
          : good(call),
      { labels: ["a", "b"] },
    );
    expect(await ask(gateway, 3)).toEqual([200, 200, 200]);
    expect(used(gateway)).toBe("abbb");
    for (let call = 0; call < 4; call++) await gateway.chat({ ...ASK, model: "gpt-4o-mini" });
    expect(used(gateway).slice(4).replaceAll("b", "")).toBe("aa");
    gateway.clock.advance(20_000);
    await ask(gateway, 2);
    expect(used(gateway).slice(8)).toContain("a");
  });

  test("by its limit does not count as a try, however many do", async () => {
    const labels = ["a", "b", "c", "d", "e", "f"];
    const limited: Upstream = (call) => (labelOf(call) === "f" ? good(call) : refusal(429, { "retry-after": "20" }));
    const gateway = await open(limited, { labels, provider: { keyStrategy: "priority" } });
    expect(await ask(gateway)).toEqual([200]);
    expect(used(gateway)).toBe("abcdef");
  });

  test("that is exchanged by a new configuration is used at once", async () => {
    const gateway = await open((call) => (labelOf(call) === "a" ? revoked() : good(call)), { labels: ["a", "b"] });
    await ask(gateway, 2);
    const providers = gateway.config.providers.map((each) =>
      each.name === "openai"
        ? {
            ...each,
            keys: [
              { label: "a", apiKey: "sk-canary-new-z", weight: 1 },
              { label: "b", apiKey: keyOf("b"), weight: 1 },
            ],
          }
        : each,
    );
    gateway.app.reload({ ...gateway.config, providers });
    await ask(gateway, 2);
    expect(used(gateway).slice(3)).toContain("z");
  });

  test("of all is told as the provider said it, and each is asked once", async () => {
    const gateway = await open(revoked);
    const response = await gateway.chat(ASK);
    expect([response.status, (await readJson(response)).error.code]).toEqual([401, "invalid_api_key"]);
    expect(used(gateway)).toBe("abc");
    // Nobody else is left: all are asked all the same.
    expect(await ask(gateway)).toEqual([401]);
    expect(used(gateway)).toHaveLength(6);
  });

  test("for an account that the caller named himself stays with everybody else", async () => {
    const error = { message: "OpenAI-Organization header should match", code: "mismatched_organization" };
    const gateway = await open(
      ({ headers }) =>
        headers.has("openai-organization")
          ? Response.json({ error }, { status: 401 })
          : Response.json(completion("Hi")),
      { labels: ["a"], others: SECOND },
    );
    const headers = { "openai-organization": "org-nobodys" };
    await (await gateway.chat(ASK, { headers })).text();
    const response = await gateway.chat(ASK);
    expect([response.status, response.headers.get("x-tokligence-provider")]).toEqual([200, "openai"]);
  });

  test("alone is told of as ever", async () => {
    rig = await makeRig({ upstream: revoked });
    expect(await ask(rig, 2)).toEqual([401, 401]);
    expect(rig.calls).toHaveLength(2);
    expect((await rig.rows())[0]?.attempts[0]).not.toHaveProperty("account");
  });
});

describe("a provider that is down", () => {
  test("is down for all of its keys: another provider comes before them", async () => {
    const gateway = await open(
      ({ url }) => (url.startsWith("http://openai") ? refusal(503) : Response.json(completion("Hi"))),
      { others: SECOND },
    );
    const response = await gateway.chat(ASK);
    expect([response.status, response.headers.get("x-tokligence-provider")]).toEqual([200, "local"]);
    expect(gateway.calls).toHaveLength(2);
  });

  test("is left before another is asked only once all of its keys were refused", async () => {
    const gateway = await open(
      ({ url }) => (url.startsWith("http://openai") ? revoked() : Response.json(completion("Hi"))),
      { others: SECOND },
    );
    await ask(gateway);
    expect((await gateway.row()).attempts.map(({ account }) => account)).toEqual(["a", "b", "c", undefined]);
    await ask(gateway);
    expect(gateway.calls.at(-1)?.url).toStartWith("http://local");
    expect(gateway.calls).toHaveLength(5);
  });
});

describe("nobody may be asked", () => {
  const failing = (whenAlone: "refuse" | "try"): Promise<Rig> =>
    open(() => refusal(500), {
      labels: ["a"],
      provider: { health: { whenAlone, failures: 2 }, keys: [{ label: "a", apiKey: keyOf("a"), weight: 1 }] },
    });

  test("all are asked all the same, unless the operator wants a refusal with the reason, and when to come back", async () => {
    const trying = await failing("try");
    trying.app.reload({ ...trying.config, travel: { ...trying.config.travel, maxAttempts: 1 } });
    expect(await ask(trying, 4)).toEqual([500, 500, 500, 500]);
    expect(trying.calls).toHaveLength(4);
    await trying.close();
    const refusing = await failing("refuse");
    refusing.app.reload({ ...refusing.config, travel: { ...refusing.config.travel, maxAttempts: 1 } });
    expect(await ask(refusing, 2)).toEqual([500, 500]);
    const response = await refusing.chat(ASK);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "15"]);
    expect((await readJson(response)).error).toMatchObject({
      code: "provider_resting",
      message: expect.stringContaining("HTTP 500"),
    });
    expect(refusing.calls).toHaveLength(2);
    refusing.clock.advance(15_000);
    expect(await ask(refusing)).toEqual([500]);
    expect(refusing.calls).toHaveLength(3);
  });

  test.each<[what: string, upstream: Upstream, why: string]>([
    ["a pause", () => refusal(429, { "retry-after": "20" }), "openai asked for a pause."],
    ["a key that is void", revoked, "openai refused its key."],
    ["no quota", () => spent(), "openai has no quota left for its key."],
    ["failures", () => refusal(500), "openai failed too often (HTTP 500)."],
  ])("and whoever hears so hears why: %s", async (_what, upstream, why) => {
    const gateway = await open(upstream, { labels: ["a"], provider: { health: { whenAlone: "refuse", failures: 1 } } });
    gateway.app.reload({ ...gateway.config, travel: { ...gateway.config.travel, maxAttempts: 1 } });
    await ask(gateway);
    const { error } = await readJson(await gateway.chat(ASK));
    expect(error.message).toBe(
      `Nobody is asked at present: ${why} Try again later, or choose a model of another provider.`,
    );
  });
});
