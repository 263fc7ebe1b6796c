// Sessions in which each message names a model of its own: each answer is booked, and held to budgets, as that model's.

import { afterEach, describe, expect, test } from "bun:test";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import { readJson } from "../rig.ts";
import { type Client, type Event, type Scene, closeScene, connect, open, untilRows } from "./socket-scene.ts";

afterEach(closeScene);

const ask = (model: string): Event => ({ type: "response.create", model, input: "hi" });
const usage = { input_tokens: 10, output_tokens: 4, total_tokens: 14 };

/** Serves a dated model, and refuses what is not known to it. */
function respond(data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void {
  const { model } = JSON.parse(String(data));
  const send = (event: Event): void => void socket.send(JSON.stringify(event));
  if (model === "gpt-unknown") return send({ type: "error", status: 400, error: { message: "No such model." } });
  const response = { id: `resp_${model}`, status: "completed", model: `${model}-2024-08-06`, output: [] };
  send({ type: "response.created", response: { ...response, status: "in_progress" } });
  send({ type: "response.completed", response: { ...response, usage } });
}

async function begin(scene: Scene): Promise<Client> {
  const client = connect(scene, "/responses");
  await client.until(({ messages, closing }) => messages.length === 1 || closing !== null);
  return client;
}

async function budget({ rig }: Scene, body: Record<string, unknown>): Promise<void> {
  const { token } = await rig.issue("gateway_admin");
  expect((await rig.send("/api/v1/admin/budgets", { body, token })).status).toBe(201);
}

const isRefusal = ({ type }: Event): boolean => type === "error";

test("rows name the model that was asked for, as asked and as sent", async () => {
  const scene = await open(respond);
  const client = await begin(scene);
  for (const model of ["openai/gpt-4o", "gpt-unknown", "gpt-4o-mini"]) client.say(ask(model));
  await client.until(({ messages }) => messages.length === 6);
  client.socket.close();
  const rows = await untilRows(scene.rig, 3);
  expect(rows.map(({ modelAsked, modelServed, attempts }) => [modelAsked, attempts[0]?.model, modelServed])).toEqual([
    ["openai/gpt-4o", "gpt-4o", "gpt-4o-2024-08-06"],
    ["gpt-unknown", "gpt-unknown", null],
    ["gpt-4o-mini", "gpt-4o-mini", "gpt-4o-mini-2024-08-06"],
  ]);
  expect(rows[1]).toMatchObject({ status: 400, errorKind: "upstream_rejected", usageSource: "none" });
});

test("each is led by what is configured by then: a session may last for hours", async () => {
  const scene = await open(respond);
  const client = await begin(scene);
  client.say(ask("fast"));
  await client.until(({ messages }) => messages.length === 2);
  const { rig } = scene;
  const route = {
    pattern: "gpt-4o",
    targets: [{ provider: "anthropic", model: "claude" }] as const,
    origin: "test",
  };
  const aliases = [...rig.config.aliases, { pattern: "fast", target: "gpt-4o-mini", origin: "test" }];
  rig.app.reload({ ...rig.config, aliases, routes: [route, ...rig.config.routes] });
  client.say(ask("fast"));
  client.say(ask("gpt-4o"));
  await client.until(({ messages }) => messages.length === 5);
  const errors = client.events().filter(isRefusal);
  expect(errors).toMatchObject([{ error: { code: "model_not_found" } }, { error: { code: "model_elsewhere" } }]);
  expect(scene.received.map((data) => JSON.parse(String(data)).model)).toEqual(["gpt-4o-mini"]);
  client.socket.close();
});

test("none is asked for at a provider that an operator took out of service meanwhile", async () => {
  const scene = await open(respond);
  const client = await begin(scene);
  const { token } = await scene.rig.issue("gateway_admin");
  const act = async (action: string): Promise<number> =>
    (await scene.rig.send(`/api/v1/admin/health/providers/openai/${action}`, { body: {}, token })).status;
  expect(await act("disable")).toBe(200);
  client.say(ask("gpt-4o"));
  await client.until(({ messages }) => messages.length === 2);
  expect(await act("enable")).toBe(200);
  client.say(ask("gpt-4o-mini"));
  await client.until(({ messages }) => messages.length === 4);
  expect(client.events().filter(isRefusal)).toMatchObject([
    { status: 503, error: { code: "provider_out_of_service" } },
  ]);
  expect(scene.received.map((data) => JSON.parse(String(data)).model)).toEqual(["gpt-4o-mini"]);
  client.socket.close();
});

test("what cannot be asked for holds nothing, and is no request", async () => {
  const scene = await open(respond);
  await budget(scene, { name: "held", limit_tokens: 100_000 });
  const client = await begin(scene);
  client.say({ ...ask("gpt-4o"), background: true, store: false });
  await client.until(({ messages }) => messages.length === 2);
  expect(client.events().filter(isRefusal)).toMatchObject([{ status: 400 }]);
  const { token } = await scene.rig.issue("gateway_admin");
  const { budget: held } = await readJson(await scene.rig.send("/api/v1/admin/budgets/held", { token }));
  expect(held.state.reserved_tokens).toBe(0);
  scene.rig.app.drain();
  await client.until(({ closing }) => closing !== null);
  expect(client.closing?.code).toBe(1001);
});

test("a budget in money lets the session open, and each answer in as long as there is room", async () => {
  const scene = await open(respond);
  await budget(scene, { name: "all", limit_usd: 1 });
  const client = await begin(scene);
  client.say(ask("gpt-4o"));
  await client.until(({ messages, closing }) => messages.length === 3 || closing !== null);
  expect(client.closing).toBeNull();
  client.socket.close();
  expect(await untilRows(scene.rig, 1)).toMatchObject([{ status: 200, costNanos: 10 * 2_500 + 4 * 10_000 }]);
});

test("a model whose budget is spent is refused before it is asked, on record, and others go on", async () => {
  const scene = await open(respond);
  await budget(scene, { name: "large", limit_tokens: 1, model: "gpt-4o" });
  const client = await begin(scene);
  client.say(ask("gpt-4o"));
  await client.until(({ messages }) => messages.length === 3);
  client.say(ask("gpt-4o"));
  client.say(ask("gpt-4o-mini"));
  await client.until(({ messages }) => messages.length === 6);
  expect(client.events().filter(isRefusal)).toMatchObject([{ status: 429, error: { code: "insufficient_quota" } }]);
  expect(scene.received).toHaveLength(2);
  client.socket.close();
  const rows = await untilRows(scene.rig, 3);
  expect(rows.map(({ modelAsked, status, attempts }) => [modelAsked, status, attempts.length])).toEqual([
    ["gpt-4o", 200, 1],
    ["gpt-4o", 429, 0],
    ["gpt-4o-mini", 200, 1],
  ]);
});

test("a key in the place of a model goes to nobody, and on no row", async () => {
  const scene = await open(respond);
  const client = await begin(scene);
  client.say(ask("openai/sk-proj-0123456789abcdefghij"));
  await client.until(({ messages, closing }) => messages.length === 2 || closing !== null);
  expect(client.events().filter(isRefusal)).toMatchObject([{ error: { code: "invalid_model" } }]);
  expect(scene.received).toHaveLength(0);
  client.socket.close();
  expect(JSON.stringify([await untilRows(scene.rig, 1), client.events()])).not.toContain("sk-proj");
});

test("what was asked for and never began is on the books, and holds nothing once the session is over", async () => {
  const scene = await open(() => undefined);
  await budget(scene, { name: "held", limit_tokens: 100_000 });
  const client = await begin(scene);
  client.say(ask("gpt-4o"));
  await client.until(() => scene.received.length === 1);
  client.socket.close();
  expect(await untilRows(scene.rig, 1)).toMatchObject([{ status: 499, modelAsked: "gpt-4o", costNanos: null }]);
  const { token } = await scene.rig.issue("gateway_admin");
  const { budget: held } = await readJson(await scene.rig.send("/api/v1/admin/budgets/held", { token }));
  expect(held.state).toMatchObject({ spent_tokens: 0, reserved_tokens: 0 });
});

describe("what another overtook", () => {
  /** Of each model, which it answers once it is told to. */
  const later = (data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void => {
    const { input, model } = JSON.parse(String(data));
    if (input === "late") respond(JSON.stringify({ model: "gpt-4o" }), socket);
    if (input !== "never") respond(JSON.stringify({ model }), socket);
  };
  const list = (rows: readonly LedgerEntry[]): unknown[] =>
    rows.map(({ modelAsked, status, outputTokens }) => [modelAsked, status, outputTokens]).toSorted(compareText);
  const compareText = (left: unknown, right: unknown): number => (String(left) < String(right) ? -1 : 1);

  test("is on the books once the session is over, and holds nothing until then", async () => {
    const scene = await open(later);
    await budget(scene, { name: "held", limit_tokens: 100_000 });
    const client = await begin(scene);
    client.say({ ...ask("gpt-4o"), input: "never" });
    client.say(ask("gpt-4o-mini"));
    await client.until(({ messages }) => messages.length === 3);
    const { token } = await scene.rig.issue("gateway_admin");
    const { budget: held } = await readJson(await scene.rig.send("/api/v1/admin/budgets/held", { token }));
    expect(held.state).toMatchObject({ spent_tokens: 14, reserved_tokens: 0 });
    client.socket.close();
    expect(list(await untilRows(scene.rig, 2))).toEqual([
      ["gpt-4o", 499, null],
      ["gpt-4o-mini", 200, 4],
    ]);
    expect(scene.rig.ledger.figures().openIntents).toBe(0);
  });

  test("and begins after all is on the books as it was answered, and once", async () => {
    const scene = await open(later);
    const client = await begin(scene);
    client.say({ ...ask("gpt-4o"), input: "never" });
    client.say(ask("gpt-4o-mini"));
    await client.until(({ messages }) => messages.length === 3);
    client.say({ ...ask("gpt-5"), input: "late" });
    await client.until(({ messages }) => messages.length === 7);
    client.socket.close();
    while (scene.closed.length === 0) await new Promise(setImmediate);
    expect(list(await untilRows(scene.rig, 3))).toEqual([
      ["gpt-4o", 200, 4],
      ["gpt-4o-mini", 200, 4],
      ["gpt-5", 200, 4],
    ]);
  });

  test("is on the books however much there is of it", async () => {
    const scene = await open(later);
    const client = await begin(scene);
    for (let count = 0; count < 40; count++) client.say({ ...ask("gpt-4o"), input: "never" });
    client.say(ask("gpt-4o-mini"));
    await client.until(({ messages }) => messages.length === 3);
    client.socket.close();
    expect((await untilRows(scene.rig, 41)).filter(({ status }) => status !== 200)).toHaveLength(40);
    expect(scene.rig.ledger.figures().openIntents).toBe(0);
  });
});

test("a key in the model's place is refused, and neither kept nor sent on", async () => {
  const scene = await open(respond);
  const client = await begin(scene);
  for (const model of [scene.token, `openai/${scene.token}`]) client.say(ask(model));
  await client.until(({ messages, closing }) => messages.length === 3 || closing !== null);
  expect(client.events().filter(isRefusal)).toMatchObject([
    { status: 400, error: { code: "invalid_model", param: "model" } },
    { status: 400, error: { code: "invalid_model", param: "model" } },
  ]);
  client.socket.close();
  const rows = await untilRows(scene.rig, 1);
  expect(
    [...rows.map((row) => JSON.stringify(row)), ...scene.received, ...client.messages].map(String).join(),
  ).not.toContain(scene.token);
});
