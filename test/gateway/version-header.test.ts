// Headers of the client's that go on to the provider: which version of a format a body is in where it is forwarded, and what the operator did not say.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

const ANSWER = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5-5",
  content: [{ type: "text", text: "hi" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 1, output_tokens: 1 },
};

let rig: Rig;
beforeAll(async () => {
  rig = await makeRig({ upstream: () => Response.json(ANSWER) });
});
afterAll(() => rig.close());

const BODY = { model: "claude-sonnet-5-5", max_tokens: 9, messages: [{ role: "user", content: "hi" }] };

test.each([
  ["/v1/messages", { "anthropic-version": "2026-10-21" }, "2026-10-21"],
  ["/v1/messages", {}, "2023-06-01"],
  ["/v1/chat/completions", { "anthropic-version": "2026-10-21" }, "2023-06-01"],
])("%s with %j is sent as %s", async (path, headers, sent) => {
  const response = await rig.send(path, { body: BODY, headers });
  expect(response.status).toBe(200);
  expect(rig.calls.at(-1)?.headers.get("anthropic-version")).toBe(sent);
});

test("a header that the operator has set for a provider stands, whatever the client says in it; of features there may be several", async () => {
  const said = { "openai-organization": "org-operator", "openai-beta": "one" };
  const gateway = await makeRig({
    upstream: () => Response.json({}),
    config: (config) => ({
      ...config,
      providers: config.providers.map((each) => (each.name === "openai" ? { ...each, headers: said } : each)),
    }),
  });
  try {
    const body = { model: "gpt-4o", messages: [{ role: "user", content: "hi" }] };
    await gateway.chat(body, { headers: { "openai-organization": "org-client", "openai-beta": "two" } });
    const sent = gateway.calls[0]?.headers;
    expect([sent?.get("openai-organization"), sent?.get("openai-beta")]).toEqual(["org-operator", "one,two"]);
  } finally {
    await gateway.close();
  }
});

test("so does a version that he has set, also in what passes through, where features are joined likewise", async () => {
  const said = { "anthropic-version": "2023-01-01", "anthropic-beta": "one" };
  const client = { "anthropic-version": "2026-10-21", "anthropic-beta": "two" };
  for (const [headers, version, beta] of [
    [said, "2023-01-01", "one,two"],
    [{}, "2026-10-21", "two"],
  ] as const) {
    const gateway = await makeRig({
      upstream: () => Response.json(ANSWER),
      config: (config) => ({
        ...config,
        providers: [
          ...config.providers.map((each) => (each.name === "anthropic" ? { ...each, headers } : each)),
          makeProviderSettings({
            name: "own",
            kind: "compatible",
            baseUrl: "http://own.test/v1",
            headers,
            options: { formats: "messages" },
          }),
        ],
      }),
    });
    const { token } = await gateway.issue("root_admin");
    for (const [path, body] of [
      ["/v1/messages", BODY],
      ["/v1/messages", { ...BODY, model: "own/any" }],
      ["/passthrough/anthropic/v1/messages", BODY],
    ] as const) {
      await gateway.send(path, { body, token, headers: client });
      const sent = gateway.calls.at(-1)?.headers;
      const seen = [path, body.model, sent?.get("anthropic-version"), sent?.get("anthropic-beta")];
      expect(seen).toEqual([path, body.model, version, beta]);
    }
    await gateway.close();
  }
});
