// What a provider says to a key is remembered, whoever asked with it: also where its answer is handed on as it is, and where it refuses a WebSocket.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, makeProviderSettings, makeRig } from "../rig.ts";
import { ASK, completion, refusal } from "./failover-scene.ts";

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

const LABELS = ["a", "b"];
const keyOf = (label: string): string => `sk-canary-pool-${label}`;
const labelOf = (headers: Headers): string => (headers.get("authorization") ?? "").slice(-1);

interface Scene {
  upstream?: Upstream;
  baseUrl?: string;
}

async function open({ upstream, baseUrl = "http://p.test/v1" }: Scene): Promise<Rig> {
  const rig = await makeRig({
    ...(upstream === undefined ? {} : { upstream }),
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 3 },
      providers: [
        makeProviderSettings({
          name: "p",
          kind: "openai",
          baseUrl,
          apiKey: keyOf("a"),
          needsApiKey: true,
          keyStrategy: "priority",
          keys: LABELS.map((label) => ({ label, apiKey: keyOf(label), weight: 1 })),
        }),
      ],
      routes: [{ pattern: "gpt-*", targets: [{ provider: "p", model: null }], origin: "test" }],
    }),
  });
  close = rig.close;
  return rig;
}

/** A provider that has nothing good to say to the first key. */
const refusing =
  (answer: () => Response): Upstream =>
  ({ headers }) =>
    labelOf(headers) === "a" ? answer() : Response.json(completion("Hi"));

const used = ({ calls }: Rig): string => calls.map(({ headers }) => labelOf(headers)).join("");

/** Of the whole key, or of what is passed through alone: others may have rights and limits that this has not. */
const MARKED: [string, () => Response, "the key" | "these calls"][] = [
  ["401", () => refusal(401), "the key"],
  ["402", () => refusal(402), "the key"],
  ["403", () => refusal(403), "these calls"],
  ["429 with Retry-After", () => refusal(429, { "retry-after": "60" }), "these calls"],
  [
    "429 for want of quota",
    () => Response.json({ error: { message: "no quota", code: "insufficient_quota" } }, { status: 429 }),
    "the key",
  ],
];

describe("what is passed through", () => {
  test.each(MARKED)("%s is handed on as it is, and the next one goes by another key", async (_what, answer, whose) => {
    const rig = await open({ upstream: refusing(answer) });
    const { token } = await rig.issue("root_admin");
    const pass = () => rig.send("/passthrough/p/v1/new", { token });
    const first = await pass();
    expect([first.status, await first.text()]).toEqual([answer().status, await answer().text()]);
    const second = await pass();
    expect([second.status, await second.json()]).toEqual([200, completion("Hi")]);
    expect(used(rig)).toBe("ab");
    expect((await rig.chat(ASK)).status).toBe(200);
    // A chat that meets the refusal itself goes on to the other key.
    expect(used(rig)).toBe(whose === "the key" ? "abb" : "abab");
    const rows = (await rig.rows()).filter(({ endpoint }) => endpoint === "passthrough");
    const accounts = rows.flatMap(({ attempts }) => attempts.map(({ account, status }) => `${account} ${status}`));
    expect(accounts.toSorted()).toEqual([`a ${answer().status}`, "b 200"]);
  });

  test("once the time is over, the key is tried again, and is whole where it answers", async () => {
    let isOver = false;
    const rig = await open({
      upstream: refusing(() => (isOver ? Response.json({}) : refusal(429, { "retry-after": "60" }))),
    });
    const { token } = await rig.issue("root_admin");
    const pass = async (): Promise<number> => {
      const response = await rig.send("/passthrough/p/v1/new", { token });
      await response.text();
      return response.status;
    };
    expect([await pass(), await pass()]).toEqual([429, 200]);
    isOver = true;
    rig.clock.advance(60_000);
    expect([await pass(), await pass()]).toEqual([200, 200]);
    expect(used(rig)).toBe("abaa");
  });

  test.each([400, 404, 422])("%d says nothing of the key", async (status) => {
    const rig = await open({ upstream: refusing(() => refusal(status)) });
    const { token } = await rig.issue("root_admin");
    for (let call = 0; call < 2; call++) await rig.send("/passthrough/p/v1/new", { token });
    expect(used(rig)).toBe("aa");
  });

  test("a key that a chat found void is not used", async () => {
    const rig = await open({ upstream: refusing(() => refusal(401)) });
    const { token } = await rig.issue("root_admin");
    expect((await rig.chat(ASK)).status).toBe(200);
    expect((await rig.send("/passthrough/p/v1/new", { token })).status).toBe(200);
    expect(used(rig)).toBe("abb");
  });
});

describe("a WebSocket", () => {
  const UPGRADE = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };

  interface Sockets {
    rig: Rig;
    /** Labels of the keys by which sessions were asked for. */
    asked: string[];
    /** Asks for a session; the status that the client has, 101 where it has one. */
    connect(path?: string): Promise<number>;
  }

  /** The first key is refused with that status. */
  async function openSockets(status: () => number): Promise<Sockets> {
    const asked: string[] = [];
    const provider = Bun.serve({
      port: 0,
      fetch(request, server) {
        if (request.headers.get("upgrade") === null) return Response.json(completion("Hi"));
        const label = labelOf(request.headers);
        asked.push(label);
        const code = label === "a" ? status() : 101;
        if (code !== 101) return new Response("no", { status: code });
        return server.upgrade(request) ? undefined : new Response("no", { status: 400 });
      },
      websocket: { message: () => undefined },
    });
    const rig = await open({
      baseUrl: `http://127.0.0.1:${provider.port}/v1`,
      upstream: ({ method }) => Response.json(method === "GET" ? { data: [] } : completion("Hi")),
    });
    const gateway = Bun.serve({
      port: 0,
      fetch: (request, server) => rig.app.fetch(request, server),
      websocket: rig.app.sockets,
    });
    const { token } = await rig.issue();
    close = async () => {
      await gateway.stop(true);
      await provider.stop(true);
      await rig.close();
    };
    return {
      rig,
      asked,
      async connect(path = "/v1/realtime?model=gpt-realtime") {
        const { promise, resolve } = Promise.withResolvers<number>();
        const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, {
          headers: { authorization: `Bearer ${token}` },
        } as never);
        socket.addEventListener("open", () => resolve(101));
        socket.addEventListener("error", () => resolve(0));
        const code = await promise;
        socket.close();
        if (code !== 0) return code;
        // The runtime's own client does not tell the status.
        return (await rig.rows()).at(0)?.status ?? 0;
      },
    };
  }

  test.each([401, 402, 403, 429])(
    "that is refused with %d: the next one is asked for by another key",
    async (status) => {
      const { rig, asked, connect } = await openSockets(() => status);
      expect([await connect(), await connect(), await connect()]).toEqual([status, 101, 101]);
      expect(asked.join("")).toBe("abb");
      const refused = (await rig.rows()).find((row) => row.status === status);
      expect(refused?.attempts).toMatchObject([{ account: "a", status }]);
    },
  );

  test("the key is tried again once the time is over", async () => {
    let status = 429;
    const { rig, asked, connect } = await openSockets(() => status);
    expect([await connect(), await connect()]).toEqual([429, 101]);
    status = 101;
    rig.clock.advance(10_000);
    expect(await connect()).toBe(101);
    expect(asked.join("")).toBe("aba");
  });

  test("a key that is void is void for chats, too", async () => {
    const { rig, connect } = await openSockets(() => 401);
    expect(await connect()).toBe(401);
    expect((await rig.chat(ASK)).status).toBe(200);
    expect(used(rig)).toBe("b");
  });

  test("one over its limit is told when to come back", async () => {
    const { rig } = await openSockets(() => 429);
    const response = await rig.send("/v1/realtime?model=gpt-realtime", { headers: UPGRADE });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "10"]);
  });
});
