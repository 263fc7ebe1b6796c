// The vendors' SDKs with the retries that they come with, before a provider that always fails: what the gateway has tried in vain they do not try
// again, and where it has not tried they may.

import { afterEach, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { type Rig, makeRig, makeStream } from "../rig.ts";
import { START, broken, refusal } from "../server/failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

type Ask = (gateway: Rig, token: string, stream: boolean) => Promise<unknown>;

const SDKS: Record<string, Ask> = {
  "OpenAI, chat": async ({ fetch }, apiKey, stream) => {
    const client = new OpenAI({ apiKey, baseURL: "http://gateway.test/v1", fetch });
    return client.chat.completions.create({ model: "gpt-4o", messages: [{ role: "user", content: "Hi" }], stream });
  },
  "OpenAI, responses": async ({ fetch }, apiKey, stream) => {
    const client = new OpenAI({ apiKey, baseURL: "http://gateway.test/v1", fetch });
    return client.responses.create({ model: "gpt-4o", input: "Hi", stream });
  },
  "OpenAI, embeddings": async ({ fetch }, apiKey) => {
    const client = new OpenAI({ apiKey, baseURL: "http://gateway.test/v1", fetch });
    return client.embeddings.create({ model: "text-embedding-3-small", input: "Hi" });
  },
  "Anthropic, messages": async ({ fetch }, apiKey, stream) => {
    const client = new Anthropic({ apiKey, baseURL: "http://gateway.test", fetch });
    return client.messages.create({
      model: "gpt-4o",
      max_tokens: 9,
      messages: [{ role: "user", content: "Hi" }],
      stream,
    });
  },
  "Google, gemini": async ({ fetch }, apiKey, stream) => {
    const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: "http://gateway.test", fetch } as never });
    const asked = { model: "gpt-4o", contents: "Hi" };
    return stream ? client.models.generateContentStream(asked) : client.models.generateContent(asked);
  },
};

async function open(fault: () => Response, maxAttempts: number): Promise<{ gateway: Rig; token: string }> {
  const gateway = await makeRig({
    upstream: ({ method }) => (method === "GET" ? Response.json({ data: [] }) : fault()),
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts, backoff: { baseMs: 0, capMs: 0 } },
    }),
  });
  rig = gateway;
  return { gateway, token: (await gateway.issue()).token };
}

/** How a stream fails that has begun with 200: in the words of one format, and so that none takes it for an answer. */
const OPENINGS: Record<string, () => Response> = {
  "broke off": () => broken([START]),
  "ended without a word": () => makeStream([]),
  "told an error": () =>
    makeStream([
      `event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "busy" } })}\n\n`,
    ]),
};

/** Lets what waits for the gateway's clock go on. */
async function fails({ clock }: Rig, asking: Promise<unknown>): Promise<void> {
  let isDone = false;
  const settled = asking.then(
    () => "answered",
    (error: unknown) => (error instanceof Error ? error.constructor.name : "failed"),
  );
  void settled.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise(setImmediate);
    clock.advance(1);
  }
  expect(await settled).not.toBe("answered");
}

describe.each(Object.entries(SDKS))("%s", (name, ask) => {
  const streams = name.endsWith("embeddings") ? [false] : [false, true];

  test.each(streams.flatMap((stream) => [429, 500, 503, 529].map((status): [number, boolean] => [status, stream])))(
    "does not repeat what was tried three times, with %d (streamed: %p)",
    async (status, stream) => {
      const { gateway, token } = await open(() => refusal(status), 3);
      await fails(gateway, ask(gateway, token, stream));
      expect(gateway.calls).toHaveLength(3);
      expect(await gateway.rows()).toHaveLength(1);
    },
  );

  test.each(streams.includes(true) ? Object.entries(OPENINGS) : [])(
    "does not repeat a stream that %s three times before it said anything",
    async (_name, fault) => {
      const { gateway, token } = await open(fault, 3);
      await fails(gateway, ask(gateway, token, true));
      expect(gateway.calls).toHaveLength(3);
      expect(await gateway.rows()).toHaveLength(1);
    },
  );
});
