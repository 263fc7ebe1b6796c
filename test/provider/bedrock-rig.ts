// A gateway with a Bedrock behind it that the test scripts, and what such a Bedrock says: whole answers, and streams in binary frames.

import type { JsonObject } from "../../src/ir/index.ts";
import { type Rig, type Upstream, type UpstreamCall, makeProviderSettings, makeRig } from "../rig.ts";
import { encodeMessage } from "../upstream/event-stream.ts";

export const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
export const KEYS = { region: "eu-west-1", access_key_id: "AKIAEXAMPLE", secret_access_key: SECRET };
export const CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
export const NOVA = "us.amazon.nova-pro-v1:0";
export const HELLO = [{ role: "user", content: "Say hi" }];

export async function withRig(
  upstream: Upstream,
  work: (rig: Rig) => Promise<void>,
  over: Partial<Parameters<typeof makeProviderSettings>[0]> = {},
): Promise<void> {
  const settings = makeProviderSettings({ name: "bedrock", kind: "bedrock", options: KEYS, ...over });
  const rig = await makeRig({
    upstream: (call) => (call.method === "GET" ? list(call, upstream) : upstream(call)),
    config: (config) => ({ ...config, providers: [...config.providers, settings] }),
  });
  try {
    await work(rig);
  } finally {
    await rig.close();
  }
}

const list = (call: UpstreamCall, upstream: Upstream) =>
  call.url.includes("amazonaws.com") ? upstream(call) : Response.json({ data: [] });

export const whole = (text: string): Response =>
  Response.json({
    output: { message: { role: "assistant", content: [{ text }] } },
    stopReason: "end_turn",
    usage: { inputTokens: 7, outputTokens: 3, totalTokens: 15, cacheReadInputTokens: 4, cacheWriteInputTokens: 1 },
  });

export const names = (event: string) => ({
  ":event-type": event,
  ":content-type": "application/json",
  ":message-type": "event",
});

export function binary(bytes: Uint8Array, size = 97): Response {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.slice(index * size, (index + 1) * size),
  );
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "application/vnd.amazon.eventstream" } });
}

export const converse = (...events: [name: string, body: JsonObject][]): Uint8Array =>
  Buffer.concat(events.map(([name, body]) => encodeMessage(names(name), body)));

export const START: [string, JsonObject] = ["messageStart", { role: "assistant" }];
export const delta = (text: string): [string, JsonObject] => [
  "contentBlockDelta",
  { contentBlockIndex: 0, delta: { text } },
];

export const messages = (rig: Rig, body: JsonObject, headers: Record<string, string> = {}): Promise<Response> =>
  rig.send("/v1/messages", { body: { max_tokens: 100, messages: HELLO, ...body }, headers });

/** AWS's own chain reads the environment itself. */
export function setVariables(variables: Record<string, string>): () => void {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  return () => {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  };
}
