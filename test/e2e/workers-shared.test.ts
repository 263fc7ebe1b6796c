// What several workers share with the world outside, they share as one gateway: a Redis, the questions that are asked of providers without a request, and a
// price list that lies elsewhere.

import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { hasRedis, startRedis, type TestRedis } from "../redis.ts";
import { type Served, expectOk, issueKey, serve, waitUntil } from "./binary.ts";
import {
  type Asked,
  type CrewScene,
  adminKey,
  ask,
  askAll,
  expectSound,
  makeAnswer,
  manage,
  openGate,
  withCrew,
} from "./workers-scene.ts";

const isLinux = process.platform === "linux";

interface SharedScene {
  redis: TestRedis;
  crew: CrewScene;
  /** Another gateway, a single process. */
  alone: Served;
}

async function withRedis(
  { config, answer = () => makeAnswer() }: { config: string; answer?: () => Response | Promise<Response> },
  work: (scene: SharedScene) => Promise<void>,
): Promise<void> {
  const redis = await startRedis();
  const settings = `redis_url = ${redis.url}\n${config}`;
  try {
    await withCrew({ config: settings, answer }, async (crew) => {
      const provider = `[provider.local]\nbase_url = ${crew.upstream.url}/v1\n`;
      const alone = await serve({ config: `${settings}\n${provider}` });
      try {
        await work({ redis, crew, alone });
      } finally {
        await alone.stop();
      }
    });
  } finally {
    await redis.stop();
  }
}

const count = (answers: readonly { status: number }[], status: number): number =>
  answers.filter((answer) => answer.status === status).length;

describe.skipIf(!isLinux || !hasRedis)("by a Redis, workers and another gateway", () => {
  test("count a limit once, show it alike, and without Redis it holds for all workers together", async () => {
    const config = "[limit.each]\nrequests_per_minute = 4\nper = model\n";
    await withRedis({ config }, async ({ redis, crew, alone }) => {
      const [first, second] = [await issueKey(crew.gateway), await issueKey(alone)];
      // A model of its own for each trial: one in which Redis was too slow for a moment, so that a gateway counted by itself, says little.
      let model = "";
      await waitUntil(async () => {
        model = `local/${Bun.randomUUIDv7()}`;
        const answers: Asked[] = [];
        for (let turn = 0; turn < 5; turn++) {
          answers.push(await ask(crew.gateway, first.token, { body: { model } }));
          answers.push(await ask(alone, second.token, { body: { model } }));
        }
        // Counted twice it would be two, and counted by each gateway eight.
        expect(count(answers, 200)).toBeGreaterThanOrEqual(4);
        return count(answers, 200) === 4;
      }, "a trial in which Redis was in time");
      for (const gateway of [crew.gateway, alone]) {
        const shown = JSON.parse(await expectOk(gateway.run(["admin", "limits", "show", "each", "--json"])));
        const own = shown.limit.states.filter((state: { model: string }) => model.endsWith(state.model));
        expect(own).toMatchObject([{ requests: { limit: 4, used: 4, remaining: 0 } }]);
      }
      await redis.stop();
      await waitUntil(() => crew.gateway.log().includes("counts rate limits by itself"), "Redis to be missed");
      const body = { model: "local/other" };
      const others = await Promise.all(Array.from({ length: 20 }, () => ask(crew.gateway, first.token, { body })));
      expect([count(others, 200), count(others, 429)]).toEqual([4, 16]);
    });
  }, 90_000);

  test("share places, and those of a worker that dies are free at once", async () => {
    const gate = openGate();
    const config = "[limit.all]\nconcurrent = 3\n";
    await withRedis({ config, answer: gate.answer }, async ({ crew, alone }) => {
      const [first, second] = [await issueKey(crew.gateway), await issueKey(alone)];
      const held = Array.from({ length: 3 }, () => ask(crew.gateway, first.token));
      await waitUntil(() => gate.count() === 3, "the places to be taken");
      expect((await ask(alone, second.token)).status).toBe(429);
      for (const pid of crew.workers()) process.kill(pid, "SIGKILL");
      expect((await Promise.all(held)).map(({ status }) => status)).toEqual([0, 0, 0]);
      gate.letGo();
      // Whoever asks before the process in front has seen that they died is refused, and asks again.
      let asked: ReturnType<typeof ask> | null = null;
      await waitUntil(() => {
        asked ??= ask(alone, second.token).then((answer) => {
          if (answer.status === 429) asked = null;
          return answer;
        });
        return gate.count() === 1;
      }, "a place that is free again");
      gate.letGo();
      expect(await asked).toMatchObject({ status: 200 });
    });
  }, 90_000);

  test("count keys that open nothing together", async () => {
    await withRedis({ config: "bad_key_limit = 6\n" }, async ({ crew, alone }) => {
      await issueKey(crew.gateway);
      const statuses: number[] = [];
      for (let turn = 0; turn < 10; turn++)
        statuses.push((await ask(turn % 2 === 0 ? crew.gateway : alone, "tok_nothing")).status);
      expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429, 429, 429]);
    });
  }, 90_000);

  test("tell each other of a provider that fails: what one gateway found out, all workers of the other heed", async () => {
    let isDown = false;
    const answer = () => (isDown ? Response.json({ error: { message: "no" } }, { status: 503 }) : makeAnswer());
    const config = "breaker_failures = 3\nbreaker_alone = refuse\nbreaker_open = 10m\n";
    await withRedis({ config, answer }, async ({ crew, alone }) => {
      const [first, second] = [await issueKey(crew.gateway), await issueKey(alone)];
      await askAll(crew, 2, () => ask(crew.gateway, first.token));
      isDown = true;
      const rests = async (gateway: Served, token: string): Promise<boolean> =>
        (await ask(gateway, token)).text.includes("provider_resting");
      await waitUntil(() => rests(alone, second.token), "the breaker of one");
      const admin = await adminKey(crew.gateway);
      const list = () => manage(crew.gateway, admin, "/api/v1/admin/health/providers", "GET");
      await waitUntil(async () => JSON.stringify(await list()).includes('"state":"open"'), "the news");
      const before = crew.upstream.calls.length;
      for (const { text } of (await askAll(crew, 2, () => ask(crew.gateway, first.token))).values())
        expect(text).toContain("provider_resting");
      expect(crew.upstream.calls).toHaveLength(before);
    });
  }, 90_000);
});

/** Between each and the one before, in milliseconds. */
const listGaps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => time - (times[index] ?? 0));

describe.skipIf(!isLinux)("for all workers together", () => {
  test("a provider is asked without a request so often as for one, and all hear that it is well again", async () => {
    let isDown = false;
    const probes: number[] = [];
    const answer = ({ body }: { body: Record<string, unknown> }) => {
      if (body["max_tokens"] === 1) probes.push(performance.now());
      return isDown ? Response.json({ error: { message: "no" } }, { status: 503 }) : makeAnswer();
    };
    const config =
      "breaker_failures = 3\nbreaker_alone = refuse\nbreaker_open = 10m\nprobe = call\nprobe_interval = 1s\nprobe_calls_per_day = 5\n";
    await withCrew({ workers: 3, config, answer }, async (scene) => {
      const { gateway } = scene;
      const { token } = await issueKey(gateway);
      const askOnce = () => ask(gateway, token);
      await askAll(scene, 3, askOnce);
      isDown = true;
      await waitUntil(async () => (await askOnce()).text.includes("provider_resting"), "a breaker to open");
      const asked = probes.length;
      await waitUntil(() => probes.length >= asked + 2, "two questions");
      expect((await askOnce()).text).toContain("provider_resting");
      isDown = false;
      await waitUntil(async () => (await askOnce()).status === 200, "the provider to be asked again");
      for (const { status } of (await askAll(scene, 3, askOnce)).values()) expect(status).toBe(200);
      expect(listGaps(probes).filter((gap) => gap < 900)).toEqual([]);
      // Of one that is not asked by anybody all that the day allows is used up, and no more.
      await waitUntil(() => probes.length === 5, "the last of the day");
      const lastMs = performance.now();
      await waitUntil(() => performance.now() > lastMs + 2_500, "two more that do not come");
      expect(probes).toHaveLength(5);
      const rows = JSON.parse(await expectOk(gateway.run(["usage", "logs", "--json", "--limit", "1000"]))) as {
        entries: { request_id: string }[];
      };
      expect(rows.entries.filter(({ request_id: id }) => id.startsWith("probe-"))).toHaveLength(5);
      await expectSound(gateway);
    });
  }, 90_000);

  test("a price list is fetched so often as for one, and is in force at each within its time", async () => {
    const market = openPriceSite();
    const config = `price_file = ${market.url}/list.json\nprice_file_public_key = ${market.key}\nprice_refresh = 1s\n`;
    market.set("/list.json", 2);
    try {
      await withCrew({ workers: 3, config, answer: makeThousand }, async (scene) => {
        const { gateway } = scene;
        const { token } = await issueKey(gateway);
        const costs = async (): Promise<Set<string | null>> => {
          const all = await askAll(scene, 3, () => ask(gateway, token));
          return new Set([...all.values()].map(({ headers }) => headers.get("x-tokligence-cost-usd")));
        };
        expect(await costs()).toEqual(new Set(["0.002"]));
        const begunMs = performance.now();
        market.set("/list.json", 3);
        await waitUntil(() => performance.now() > begunMs + 2_500, "the time in which it is to be in force");
        expect(await costs()).toEqual(new Set(["0.003"]));
        expect(listGaps(market.times.filter((time) => time > begunMs)).filter((gap) => gap < 900)).toEqual([]);
        // One that begins later finds it, too.
        market.close();
        for (const pid of scene.workers()) process.kill(pid, "SIGKILL");
        await waitUntil(async () => (await ask(gateway, token)).status === 200, "other workers");
        expect(await costs()).toEqual(new Set(["0.003"]));
      });
    } finally {
      market.close();
    }
  }, 90_000);

  test("a price list at another address is in force at each after a reload, without a word of complaint", async () => {
    const market = openPriceSite();
    market.set("/list.json", 2);
    market.set("/other.json", 5);
    const config = `price_file = ${market.url}/list.json\nprice_file_public_key = ${market.key}\nprice_refresh = 1h\n`;
    try {
      await withCrew({ workers: 3, config, answer: makeThousand }, async (scene) => {
        const { gateway } = scene;
        const { token } = await issueKey(gateway);
        const costOf = async () => (await ask(gateway, token)).headers.get("x-tokligence-cost-usd");
        await waitUntil(async () => (await costOf()) === "0.002", "the first list");
        const path = join(gateway.folder, "config/setting.ini");
        writeFileSync(path, readFileSync(path, "utf8").replace("/list.json", "/other.json"));
        gateway.signal("SIGHUP");
        await waitUntil(async () => (await costOf()) === "0.005", "the other list");
        await waitUntil(async () => {
          const all = await askAll(scene, 3, () => ask(gateway, token));
          return [...all.values()].every(({ headers }) => headers.get("x-tokligence-cost-usd") === "0.005");
        }, "all to have the other list");
        expect(gateway.log()).not.toContain("cannot be used");
        // The one that fetches may look twice at a reload; none of the others looks.
        expect(market.paths.filter((found) => found === "/other.json").length).toBeLessThanOrEqual(2);
      });
    } finally {
      market.close();
    }
  }, 90_000);
});

function makeThousand(): Response {
  const usage = { prompt_tokens: 1_000, completion_tokens: 0, total_tokens: 1_000 };
  const message = { role: "assistant", content: "Hello" };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  return Response.json({ id: "c", object: "chat.completion", created: 1, model: "m", choices, usage });
}

/** Price lists by the network, signed. */
function openPriceSite() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const lists = new Map<string, Buffer>();
  const times: number[] = [];
  const paths: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ url }) {
      const { pathname } = new URL(url);
      const body = lists.get(pathname.replace(/\.sig$/u, ""));
      if (body === undefined) return new Response(null, { status: 404 });
      if (pathname.endsWith(".sig")) return new Response(sign(null, body, privateKey).toString("base64"));
      times.push(performance.now());
      paths.push(pathname);
      return new Response(body);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    key: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("base64"),
    times,
    paths,
    set: (path: string, input: number) =>
      void lists.set(path, Buffer.from(JSON.stringify({ name: "own", prices: [{ model: "m", input }] }))),
    close: () => void server.stop(true),
  };
}
