// Each deadline of a call to a provider, by the clock: which one passed is told, and whose setting it is; what is said of a provider or a route
// stands over what is said of all.

import { afterEach, expect, test } from "bun:test";
import { isDue } from "../clock.ts";
import { type Rig, type UpstreamCall, makeRig, readJson } from "../rig.ts";
import { ASK, GOOD_STREAM, START, chunk, completion } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

type Rules = NonNullable<Rig["config"]["providers"][number]["deadlines"]>;

interface Scene {
  upstream: (call: UpstreamCall) => Response | Promise<Response>;
  provider?: Rules;
  route?: Rules;
  dial?: () => Promise<void>;
  lookup?: (hostname: string) => Promise<string[]>;
}

/** `openai` behind a route of its own. */
async function open({ upstream, provider, route, dial, lookup }: Scene): Promise<Rig> {
  rig = await makeRig({
    upstream: (call) => (call.method === "GET" ? Response.json({ data: [] }) : upstream(call)),
    ...(dial === undefined ? {} : { dial }),
    ...(lookup === undefined ? {} : { lookup }),
    config: (config) => ({
      ...config,
      providers: config.providers.map((each) =>
        each.name === "openai" && provider !== undefined ? { ...each, deadlines: provider } : each,
      ),
      routes: [
        {
          pattern: "gpt-4o",
          targets: [{ provider: "openai", model: null }],
          origin: "test",
          ...(route === undefined ? {} : { deadlines: { section: "route.quick", rules: route } }),
        },
      ],
    }),
  });
  return rig;
}

/** Never answers, and stops when it is hung up on. */
function hang({ signal }: UpstreamCall): Promise<Response> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
}

/** Says a piece whenever the test wants it to. */
function openStream(type = "text/event-stream", length?: number) {
  let control: ReadableStreamDefaultController | null = null;
  const body = new ReadableStream({
    start(controller) {
      control = controller;
    },
  });
  const encoder = new TextEncoder();
  return {
    upstream: ({ signal }: UpstreamCall): Response => {
      signal.addEventListener("abort", () => control?.error(new Error("aborted")));
      const sized = length === undefined ? {} : { "content-length": String(length) };
      return new Response(body, { headers: { "content-type": type, ...sized } });
    },
    say: (text: string) => control?.enqueue(encoder.encode(text)),
    end: () => control?.close(),
  };
}

async function settle(): Promise<void> {
  for (let round = 0; round < 30; round++) await new Promise(setImmediate);
}

async function begun({ calls }: Rig): Promise<void> {
  while (calls.length === 0) await new Promise(setImmediate);
  await settle();
}

const UNSAID = { connect: 10_000, firstOutput: 120_000, header: 60_000, idle: 30_000, total: 3_600_000 };

test.each([
  ["the gateway's", {}, 60_000, "upstream_header_timeout"],
  ["its provider's", { provider: { header: 7_000 } }, 7_000, "header_timeout of [provider.openai]"],
  [
    "its route's, over its provider's",
    { provider: { header: 7_000 }, route: { header: 5_000 } },
    5_000,
    "header_timeout of [route.quick]",
  ],
  ["the gateway's, where its route says something else", { route: { idle: 1 } }, 60_000, "upstream_header_timeout"],
] as [string, Pick<Scene, "provider" | "route">, number, string][])(
  "the wait for headers ends by %s setting",
  async (_whose, rules, ms, setting) => {
    const { chat, clock, calls, row } = await open({ upstream: hang, ...rules });
    const pending = chat(ASK);
    await begun({ calls } as Rig);
    clock.advance(ms - 1);
    await settle();
    expect(calls[0]?.signal.aborted).toBe(false);
    clock.advance(1);
    const response = await pending;
    expect([response.status, (await readJson(response)).error.message]).toEqual([
      504,
      `Provider "openai" did not answer within ${ms / 1000} s (${setting}).`,
    ]);
    expect(await row()).toMatchObject({ status: 504, errorKind: "timeout", latencyMs: ms });
  },
);

test("a server that takes no connection is given up on long before one that thinks", async () => {
  const gateway = await open({ upstream: hang, dial: () => new Promise(() => undefined) });
  const pending = gateway.chat(ASK);
  await begun(gateway);
  gateway.clock.advance(UNSAID.connect);
  const response = await pending;
  expect([response.status, (await readJson(response)).error.message]).toEqual([
    504,
    'Provider "openai" took no connection within 10 s (upstream_connect_timeout).',
  ]);
  // Nobody has read what was never sent.
  expect(await gateway.row()).toMatchObject({ status: 504, usageSource: "none", costNanos: null });
});

test("a call that does not end when it is cut, as while the name service is silent, holds up nobody", async () => {
  const never = () => new Promise<never>(() => undefined);
  const gateway = await open({ upstream: never, dial: never });
  const pending = gateway.chat(ASK);
  await begun(gateway);
  gateway.clock.advance(UNSAID.connect);
  const { error } = await readJson(await pending);
  expect(error.message).toContain("took no connection within 10 s");
  expect(await gateway.row()).toMatchObject({ status: 504, errorKind: "timeout", latencyMs: UNSAID.connect });
});

test("a name service that is silent holds up nobody for longer, and is asked once for all that wait", async () => {
  const lookups: string[] = [];
  const gateway = await open({
    upstream: () => Response.json(completion("Hi")),
    provider: { connect: 7_000 },
    dial: () => Promise.resolve(),
    lookup: (hostname) => {
      lookups.push(hostname);
      return new Promise(() => undefined);
    },
  });
  const pending = [gateway.chat(ASK), gateway.chat(ASK), gateway.chat(ASK)];
  while (!isDue(gateway.clock, 7_000)) await settle();
  await settle();
  gateway.clock.advance(7_000);
  for (const response of await Promise.all(pending)) {
    expect((await readJson(response)).error.message).toContain("took no connection within 7 s (connect_timeout of");
  }
  expect(new Set(lookups).size).toBe(lookups.length);
  expect(gateway.calls).toEqual([]);
});

test.each(["is taken", "is refused, which the call will hear itself"])(
  "a connection that %s ends that wait, and no other",
  async (how) => {
    const dial = how === "is taken" ? () => Promise.resolve() : () => Promise.reject(new Error("refused"));
    const gateway = await open({ upstream: hang, dial });
    const pending = gateway.chat(ASK);
    await begun(gateway);
    gateway.clock.advance(UNSAID.connect);
    await settle();
    expect(gateway.calls[0]?.signal.aborted).toBe(false);
    gateway.clock.advance(UNSAID.header);
    expect((await readJson(await pending)).error.message).toContain("did not answer within 60 s");
  },
);

test("a server that is back is found to be, whatever was tried while it was away", async () => {
  let isAway = true;
  const dial = (): Promise<void> => (isAway ? new Promise(() => undefined) : Promise.resolve());
  const gateway = await open({ upstream: hang, dial });
  const first = gateway.chat(ASK);
  await begun(gateway);
  gateway.clock.advance(UNSAID.connect);
  expect((await readJson(await first)).error.message).toContain("took no connection within 10 s");
  isAway = false;
  const second = gateway.chat(ASK);
  while (gateway.calls.length < 2) await settle();
  gateway.clock.advance(UNSAID.connect);
  await settle();
  expect(gateway.calls[1]?.signal.aborted).toBe(false);
  gateway.clock.advance(UNSAID.header);
  expect((await readJson(await second)).error.message).toContain("did not answer within 60 s");
});

test("one server is knocked at once for all calls that wait, and not at all where it has just answered", async () => {
  let knocks = 0;
  const gateway = await open({
    upstream: () => Response.json(completion("Hi")),
    dial: () => {
      knocks++;
      return new Promise(() => undefined);
    },
  });
  await Promise.all([gateway.chat(ASK), gateway.chat(ASK), gateway.chat(ASK)]);
  expect(knocks).toBe(1);
  expect((await gateway.chat(ASK)).status).toBe(200);
  expect(knocks).toBe(1);
});

test("a server is not knocked at where a call has just been answered that began soon after another one's answer", async () => {
  let knocks = 0;
  const asked: PromiseWithResolvers<Response>[] = [];
  const gateway = await open({
    upstream: () => {
      const answer = Promise.withResolvers<Response>();
      asked.push(answer);
      return answer.promise;
    },
    dial: () => {
      knocks++;
      return Promise.resolve();
    },
  });
  for (const takesMs of [1_000, 30_000, 1_000]) {
    const before = asked.length;
    const pending = gateway.chat(ASK);
    while (asked.length === before) await settle();
    gateway.clock.advance(takesMs);
    asked.at(-1)?.resolve(Response.json(completion("Hi")));
    expect((await pending).status).toBe(200);
    gateway.clock.advance(2_000);
  }
  expect(knocks).toBe(1);
});

test("a stream that only shows signs of life is given up on", async () => {
  const { upstream, say } = openStream();
  const gateway = await open({ upstream });
  const pending = gateway.chat({ ...ASK, stream: true });
  await begun(gateway);
  for (let spentMs = 0; spentMs < UNSAID.firstOutput; spentMs += 20_000) {
    say(spentMs === 0 ? START : ": still there\n\n");
    await settle();
    gateway.clock.advance(20_000);
  }
  expect(await (await pending).text()).toContain(
    "began its stream, and said nothing of the answer within 120 s (upstream_first_output_timeout).",
  );
  expect(await gateway.row()).toMatchObject({ errorKind: "timeout", latencyMs: UNSAID.firstOutput });
});

test("a stream that has said something may take longer than that for the rest", async () => {
  const { upstream, say, end } = openStream();
  const gateway = await open({ upstream });
  const pending = gateway.chat({ ...ASK, stream: true });
  await begun(gateway);
  say(START + chunk({ delta: { content: "slowly" } }));
  const response = await pending;
  const text = response.text();
  for (let round = 0; round < 10; round++) {
    await settle();
    gateway.clock.advance(20_000);
    say(": still there\n\n");
  }
  say(GOOD_STREAM.slice(1).join(""));
  end();
  expect((await text).endsWith("data: [DONE]\n\n")).toBe(true);
});

test("a long answer that says its length may take longer than a pause may, as long as it goes on", async () => {
  const answer = JSON.stringify(completion("x".repeat(300 * 1024)));
  const { upstream, say, end } = openStream("application/json", answer.length);
  const gateway = await open({ upstream, provider: { idle: 9_000 } });
  const pending = gateway.chat(ASK);
  await begun(gateway);
  for (let at = 0; at < answer.length; at += 100 * 1024) {
    say(answer.slice(at, at + 100 * 1024));
    await settle();
    gateway.clock.advance(8_000);
  }
  end();
  expect((await pending).status).toBe(200);
});

test("a pause in the middle of a stream ends it with an error that says so", async () => {
  const { upstream, say } = openStream();
  const gateway = await open({ upstream, provider: { idle: 9_000 } });
  const pending = gateway.chat({ ...ASK, stream: true });
  await begun(gateway);
  say(START + chunk({ delta: { content: "so far" } }));
  const response = await pending;
  const text = response.text();
  await settle();
  gateway.clock.advance(9_000);
  expect(await text).toContain("sent nothing for 9 s (idle_timeout of [provider.openai]) in the middle of its answer");
  expect(await gateway.row()).toMatchObject({ status: 200, errorKind: "timeout" });
});

test("a drip that never pauses ends with the time of the whole call", async () => {
  const { upstream, say } = openStream();
  const gateway = await open({ upstream, route: { total: 60_000 } });
  const pending = gateway.chat({ ...ASK, stream: true });
  await begun(gateway);
  say(START + chunk({ delta: { content: "drip" } }));
  const response = await pending;
  const text = response.text();
  for (let spentMs = 0; spentMs < 60_000; spentMs += 5_000) {
    await settle();
    say(chunk({ delta: { content: "drip" } }));
    gateway.clock.advance(5_000);
  }
  expect(await text).toContain("did not finish its answer within 60 s (total_timeout of [route.quick])");
});

test.each(["/v1/chat/completions", "/v1/completions"])(
  "a client that takes no more of its stream ends with it, too, and its provider is not to blame: %s",
  async (path) => {
    const { upstream, say } = openStream();
    const gateway = await open({ upstream, route: { total: 60_000 } });
    const pending = gateway.send(path, { body: { ...ASK, prompt: "hi", stream: true } });
    await begun(gateway);
    say(
      path.includes("chat") ? START + chunk({ delta: { content: "one" } }) : 'data: {"choices":[{"text":"one"}]}\n\n',
    );
    const response = await pending;
    await settle();
    gateway.clock.advance(60_000);
    await settle();
    // On the books also where nobody ever reads on.
    expect(await gateway.row()).toMatchObject({
      status: 200,
      errorKind: "timeout",
      latencyMs: 60_000,
      attempts: [{ errorKind: "cancelled" }],
    });
    expect(await response.text()).toContain(
      "The client did not take the answer within 60 s (total_timeout of [route.quick]).",
    );
  },
);

test("a whole answer that comes in pieces may pause between them, and no longer", async () => {
  const { upstream, say, end } = openStream("application/json");
  const gateway = await open({ upstream });
  const pending = gateway.chat(ASK);
  await begun(gateway);
  for (let round = 0; round < 4; round++) {
    // As some providers do while the model thinks.
    say("\n");
    await settle();
    gateway.clock.advance(UNSAID.idle - 1);
  }
  say(JSON.stringify(completion("Hi")));
  end();
  expect((await pending).status).toBe(200);
});

test.each([200, 429])(
  "a short answer that says its length is heard of once it is whole (%i): what is told is that it was not",
  async (status) => {
    const answer = JSON.stringify(completion("slow"));
    const { upstream, say } = openStream("application/json", answer.length);
    const gateway = await open({
      upstream(call) {
        const { body, headers } = upstream(call);
        return new Response(body, { status, headers });
      },
      provider: { idle: 9_000 },
      route: { total: 60_000 },
    });
    const pending = gateway.chat(ASK);
    await begun(gateway);
    for (const piece of [answer.slice(0, 5), answer.slice(5, 10)]) {
      say(piece);
      await settle();
      gateway.clock.advance(4_500);
    }
    const { error } = await readJson(await pending);
    expect(error.message).toBe(
      'Provider "openai" began its answer, and did not send the whole of it within 9 s (idle_timeout of [provider.openai]).',
    );
    expect((await gateway.row()).errorKind).toBe("timeout");
  },
);
