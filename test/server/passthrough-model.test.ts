// What goes by unread and names its model all the same, in its JSON or in its address: the books, budgets and limits of that model hold for it.

import { describe, expect, test } from "bun:test";
import { readJson } from "../rig.ts";
import { type LimitRig, answerChat, openLimited } from "./limit-scene.ts";

const MESSAGES = [{ role: "user", content: "Hi" }];

const CALLS: [string, string, string | object][] = [
  ["in its JSON", "/v1/chat/completions", { messages: MESSAGES, model: "gpt-4o" }],
  [
    "in its JSON behind a mark of its encoding",
    "/v1/chat/completions",
    `\uFEFF ${JSON.stringify({ model: "gpt-4o" })}`,
  ],
  ["in the first of two objects", "/v1/chat/completions", String.raw`{"a":"}\"}","model":"gpt-4o"}{}`],
  [
    "in an address of a deployment",
    "/openai/deployments/gpt-4o/chat/completions?api-version=1",
    { messages: MESSAGES },
  ],
  ["in an address with a verb", "/v1beta/models/gpt-4o:generateContent", { contents: [] }],
  ["in an address with a verb behind it", "/model/gpt-4o/converse", { messages: MESSAGES }],
  ["in an encoded address", "/model/gpt%2d4o/invoke", { messages: MESSAGES }],
];

/** Whole: by then it is on the books. */
async function ask(rig: LimitRig, path: string, body: unknown): Promise<{ status: number; code: unknown }> {
  const { token } = await rig.issue("gateway_user", { scopes: ["passthrough"] });
  const response = await rig.send(`/passthrough/openai${path}`, { token, body });
  return { status: response.status, code: (await readJson(response)).error?.code };
}

describe.each(CALLS)("a model %s", (_where, path, body) => {
  test("is on the books, and has its price where the answer does not name it", async () => {
    const usage = { prompt_tokens: 1_000, completion_tokens: 100 };
    const rig = await openLimited({ upstream: () => Response.json({ usage }) });
    expect((await ask(rig, path, body)).status).toBe(200);
    expect(await rig.row()).toMatchObject({ modelAsked: "gpt-4o", modelServed: "gpt-4o", costNanos: 3_500_000 });
    expect(rig.calls[0]?.text).toBe(typeof body === "string" ? body.toString() : JSON.stringify(body));
  });

  test("is refused where its budget is spent, and another is not", async () => {
    const rig = await openLimited({ upstream: () => answerChat() });
    const budget = { name: "dear", model: "gpt-4o", limit_tokens: 10 };
    await rig.send("/api/v1/admin/budgets", { body: budget, token: rig.admin });
    expect((await ask(rig, path, body)).status).toBe(200);
    expect(await ask(rig, path, body)).toEqual({ status: 429, code: "insufficient_quota" });
    expect((await ask(rig, "/v1/chat/completions", { model: "gpt-4o-mini", messages: MESSAGES })).status).toBe(200);
    expect(rig.calls).toHaveLength(2);
  });

  test("is under the limits of its name", async () => {
    const rig = await openLimited({ upstream: () => answerChat(), limits: { dear: { model: "gpt-4o", requests: 1 } } });
    expect([(await ask(rig, path, body)).status, (await ask(rig, path, body)).status]).toEqual([200, 429]);
  });
});

test("a model that stands twice is refused, as each reader may take another one", async () => {
  const rig = await openLimited({ upstream: () => answerChat() });
  const response = await ask(rig, "/v1/chat/completions", '{"model":"gpt-4o-mini","model":"gpt-4o"}');
  expect(response).toEqual({ status: 400, code: "repeated_field" });
  expect(rig.calls).toEqual([]);
});

test("what is no JSON object goes by as it is", async () => {
  const rig = await openLimited({ upstream: () => answerChat() });
  const bodies = [
    "  ",
    '[{"model":"gpt-4o"}]',
    '{"body":{"model":"gpt-4o"}}\n{"model":"gpt-4o"}\n',
    "\0{\r\n",
    '{"model":4}',
  ];
  for (const body of bodies) expect((await ask(rig, "/v1/any", body)).status).toBe(200);
  expect(rig.calls.map(({ text }) => text)).toEqual(bodies);
  expect((await rig.rows()).map(({ modelAsked }) => modelAsked)).toEqual(bodies.map(() => ""));
});
