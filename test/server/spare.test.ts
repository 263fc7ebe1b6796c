// Who is asked where all who are well have failed: those that were left alone, as soon as they may be. And a backup that is never asked first.

import { afterEach, expect, test } from "bun:test";
import type { Rig, Upstream } from "../rig.ts";
import { makeClock } from "../clock.ts";
import { hostOf, openRouted, say } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const HELLO = { model: "smart", messages: [{ role: "user", content: "Hello there" }] };
const no = (status: number, headers: Record<string, string> = {}): Response =>
  Response.json({ error: { message: `no ${status}`, type: "server_error" } }, { status, headers });
const hosts = (): string[] => (rig?.calls ?? []).map(({ url }) => hostOf(url));

const open = async (answers: Record<string, () => Response>, maxAttempts = 3) => {
  const clock = makeClock();
  const upstream: Upstream = ({ url }) => answers[hostOf(url)]?.() ?? no(500);
  const opened = await openRouted({
    upstream,
    clock,
    maxAttempts,
    routes: { smart: { targets: "openai/a, local/b" } },
  });
  rig = opened;
  return { rig: opened, clock, ask: () => opened.chat(HELLO) };
};

/** Time goes on as long as nothing comes. */
async function passTime(
  clock: ReturnType<typeof makeClock>,
  response: Promise<Response>,
  stepMs: number,
): Promise<Response> {
  let isThere = false;
  void response.finally(() => (isThere = true));
  for (let step = 0; step < 200 && !isThere; step++) {
    clock.advance(stepMs);
    for (let tick = 0; tick < 10; tick++) await new Promise(setImmediate);
  }
  return response;
}

test("one that failed too often is left alone as long as another one answers, and asked where none does", async () => {
  const answers = { openai: () => no(503), local: () => say("from local") };
  const { ask } = await open(answers);
  for (let turn = 0; turn < 6; turn++) expect((await ask()).status).toBe(200);
  // Five failures in a row: the sixth request went past it.
  expect(hosts().filter((host) => host === "openai")).toHaveLength(5);
  answers.openai = () => say("from openai");
  answers.local = () => no(503);
  const before = hosts().length;
  const got = await ask();
  expect([got.status, await got.text()]).toEqual([200, expect.stringContaining("from openai")]);
  expect(hosts().slice(before)).toEqual(["local", "openai"]);
  expect(got.headers.get("x-tokligence-attempts")).toBe("2");
});

test("one that asked for a short pause is given it, and asked then, where all others failed", async () => {
  const answers = { openai: () => no(429, { "retry-after": "1" }), local: () => say("from local") };
  const { ask, clock } = await open(answers);
  expect((await ask()).status).toBe(200);
  answers.openai = () => say("from openai");
  answers.local = () => no(503);
  const before = hosts().length;
  const startedMs = clock.monotonicMs();
  const response = ask();
  const got = await passTime(clock, response, 100);
  expect(await got.text()).toContain("from openai");
  expect(hosts().slice(before)).toEqual(["local", "openai"]);
  expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(1_000);
});

test("nobody is kept waiting for one that asked for a long pause", async () => {
  const answers = { openai: () => no(429, { "retry-after": "60" }), local: () => say("from local") };
  const { ask, clock } = await open(answers);
  expect((await ask()).status).toBe(200);
  answers.local = () => no(503);
  const before = hosts().length;
  const got = await passTime(clock, ask(), 100);
  expect(got.status).toBe(503);
  expect(hosts().slice(before)).toEqual(["local", "local", "local"]);
});

test("where an operator wants them left alone whatever comes, they are", async () => {
  const answers = { openai: () => no(503), local: () => say("from local") };
  const { rig: at, ask } = await open(answers, 2);
  at.app.reload({ ...at.config, health: { ...at.config.health, whenAlone: "refuse" } });
  for (let turn = 0; turn < 6; turn++) expect((await ask()).status).toBe(200);
  answers.openai = () => say("from openai");
  answers.local = () => no(401);
  const before = hosts().length;
  expect((await ask()).ok).toBe(false);
  expect(hosts().slice(before)).toEqual(["local"]);
});

test("a backup that is never asked first is asked as often as the first one fails", async () => {
  const answers = { openai: () => no(503), local: () => say("from local") };
  const opened = await open(answers);
  // Of two failures, one answer keeps the breaker closed: the first is asked every time.
  let turn = 0;
  answers.openai = () => (turn++ % 3 === 2 ? say("from openai") : no(503));
  for (let request = 0; request < 60; request++) {
    const got = await opened.ask();
    expect([request, got.status]).toEqual([request, 200]);
    await got.text();
  }
  expect(hosts().filter((host) => host === "local").length).toBeGreaterThan(20);
});
