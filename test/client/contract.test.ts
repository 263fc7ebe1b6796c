// The vendors' SDKs against every provider's format, whole and streamed: an echo, a tool loop with two calls at once, and one that reasons.
// The providers are scripted and as strict as the real ones: whatever the gateway sends them they must accept.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { UPSTREAM_KEY } from "../upstream/openai.ts";
import { makeStrictMessages } from "../upstream/anthropic-messages.ts";
import { makeStrictBedrock } from "../upstream/bedrock.ts";
import { makeStrictCohere } from "../upstream/cohere.ts";
import { makeStrictOpenai } from "../upstream/openai-both.ts";
import { makeStrictChat } from "../upstream/openai-chat.ts";
import { makeStrictResponses } from "../upstream/openai-responses.ts";
import { REASONING } from "../upstream/script.ts";
import type { StrictUpstream } from "../upstream/strict.ts";
import { makeStrictGemini } from "../upstream/gemini.ts";
import { anthropicMessages, anthropicRunner } from "./anthropic-messages.ts";
import { gemini, geminiAgent, geminiChat } from "./gemini.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiResponses, openaiStoredResponses } from "./openai-responses.ts";
import { expectHeard, SCENARIOS } from "./scenario.ts";
import type { Client } from "./seen.ts";

const CLIENTS = {
  "anthropic messages": anthropicMessages,
  "anthropic tool runner": anthropicRunner,
  gemini,
  "gemini agent": geminiAgent,
  "gemini chat": geminiChat,
  "openai chat": openaiChat,
  "openai responses": openaiResponses,
  "openai stored responses": openaiStoredResponses,
} satisfies Record<string, Client>;

interface Target {
  kind: string;
  make(): StrictUpstream;
  /** What comes before the format's own path. */
  base: string;
  /** In place of a key. */
  options?: Record<string, string>;
  /** Models that the vendor treats differently; reasoning is asked of those that can. */
  models: readonly { model: string; reasons: boolean; except?: string }[];
  /** Tokens that the vendor bills as read from its cache, where not those of the script. */
  cached?: number;
  /** The reasoning that the vendor shows. */
  shown: string | null;
}

const TARGETS: Readonly<Record<string, Target>> = {
  bedrock: {
    kind: "bedrock",
    make: makeStrictBedrock,
    base: "",
    options: { region: "us-east-1", access_key_id: "AKIASTRICT", secret_access_key: UPSTREAM_KEY },
    models: [
      { model: "us.amazon.nova-pro-v1:0", reasons: false },
      { model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0", reasons: true },
    ],
    shown: REASONING,
  },
  cohere: {
    kind: "cohere",
    make: makeStrictCohere,
    base: "",
    models: [
      { model: "command-a-03-2025", reasons: false },
      { model: "command-a-reasoning-08-2025", reasons: true },
    ],
    // It charges the same for them.
    cached: 0,
    shown: REASONING,
  },
  messages: {
    kind: "anthropic",
    make: makeStrictMessages,
    base: "",
    models: [
      { model: "claude-sonnet-5-5", reasons: true },
      { model: "claude-sonnet-4-5", reasons: true },
    ],
    shown: REASONING,
  },
  gemini: {
    kind: "gemini",
    make: makeStrictGemini,
    base: "",
    models: [
      { model: "gemini-3-pro", reasons: true },
      { model: "gemini-2.5-flash", reasons: true },
    ],
    shown: REASONING,
  },
  chat: {
    kind: "compatible",
    make: makeStrictChat,
    base: "/v1",
    models: [
      { model: "gpt-4.1", reasons: false },
      { model: "gpt-5.1", reasons: true },
    ],
    shown: null,
  },
  responses: {
    kind: "openai",
    make: makeStrictResponses,
    base: "/v1",
    models: [
      { model: "gpt-5-codex", reasons: true },
      { model: "gpt-5.2-pro", reasons: true },
    ],
    shown: REASONING,
  },
  openai: {
    kind: "openai",
    make: makeStrictOpenai,
    base: "/v1",
    models: [
      { model: "gpt-4.1", reasons: false },
      // It refuses tools beside reasoning from this client, with or without a gateway.
      { model: "gpt-5.4", reasons: true, except: "openai chat" },
    ],
    shown: REASONING,
  },
};

describe.each(Object.keys(TARGETS))("on a strict %s provider", (name) => {
  const target = TARGETS[name];
  if (target === undefined) throw new Error(name);
  let rig: Rig;
  let token = "";
  let upstream: StrictUpstream;
  beforeAll(async () => {
    upstream = target.make();
    rig = await makeRig({
      upstream: ({ url, method, headers, text }) =>
        upstream.fetch(new Request(url, { method, headers, ...(method === "GET" ? {} : { body: text }) })),
      config: (config) => ({
        ...config,
        providers: [
          ...config.providers,
          makeProviderSettings({
            name,
            kind: target.kind,
            baseUrl: `http://strict.test${target.base}`,
            ...(target.options === undefined ? { apiKey: UPSTREAM_KEY } : { options: target.options }),
          }),
        ],
      }),
    });
    ({ token } = await rig.issue());
  });
  afterAll(() => rig.close());

  const talk = async (
    client: Client,
    over: { model: string; stream: boolean; tools: boolean; reasoning: boolean; says: readonly string[] },
  ) => {
    const before = upstream.refusals.length;
    const turns = await client({ fetch: rig.fetch, token, ...over, model: `${name}/${over.model}` }).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\nrefused: ${upstream.refusals.slice(before).join("\n")}`, { cause: error });
      },
    );
    expect(upstream.refusals.slice(before)).toEqual([]);
    return turns;
  };

  // Many programs send all of them, whatever model answers.
  test.each(target.models)("sampling that $model does not take is left out", async ({ model }) => {
    const sampling = { temperature: 0.2, top_p: 0.9, frequency_penalty: 0, presence_penalty: 0 };
    const body = { model: `${name}/${model}`, messages: [{ role: "user", content: "hi" }], ...sampling };
    const response = await rig.chat(body);
    expect(await response.text()).toContain("[strict]");
  });

  test("an event stream of Google's format is data alone, which its older SDK demands", async () => {
    const path = `/v1beta/models/${name}/${target.models[0]?.model}:streamGenerateContent?alt=sse`;
    const response = await rig.send(path, { body: { contents: [{ role: "user", parts: [{ text: "hi" }] }] } });
    const lines = (await response.text()).split(/\r?\n/u).filter((line) => line !== "");
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter((line) => !line.startsWith("data: {"))).toEqual([]);
  });

  describe.each(Object.entries(CLIENTS))("%s", (clientName, client) => {
    for (const { model, reasons, except } of target.models) {
      for (const stream of [false, true]) {
        const how = `${model}${stream ? ", streamed" : ""}`;
        for (const [scenario, { tools, says, hears }] of Object.entries(SCENARIOS)) {
          test.each(reasons && except !== clientName ? [false, true] : [false])(
            `${scenario}: ${how}, reasoning: %p`,
            async (reasoning) => {
              const turns = await talk(client, { model, stream, tools, reasoning, says });
              const shown = reasoning && clientName !== "openai chat" ? target.shown : null;
              // Without the thoughts that it keeps to itself, a loop cannot go on thinking everywhere.
              expectHeard(turns, hears, clientName === "gemini agent" ? undefined : shown, target.cached);
            },
          );
        }
      }
    }
  });
});
