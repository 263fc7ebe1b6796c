// Requests for answers that are kept, and scripted providers that give them: shared by the tests of what becomes of such answers.

import { expect } from "bun:test";
import { type Rig, readJson } from "../rig.ts";

export const PATH = "/v1/responses";
/** Of a provider that speaks another format. */
export const CLAUDE = "claude-sonnet-4-5";
/** Of one that speaks this format, and keeps answers itself. */
export const GPT = "gpt-5";

export type Init = Parameters<Rig["send"]>[1];

export function create(gateway: Rig, body: Record<string, unknown>, init: Init = {}): Promise<Response> {
  return gateway.send(PATH, { ...init, body: { model: CLAUDE, ...body } });
}

export async function created(gateway: Rig, body: Record<string, unknown>, init: Init = {}) {
  const response = await create(gateway, body, init);
  const answer = await readJson(response);
  expect([response.status, answer.error ?? null]).toEqual([200, null]);
  return answer;
}

let serial = 0;

/** Each provider in its own format; the second mimics one that keeps answers. */
export function script(call: { url: string; body: unknown }): Response {
  if (call.url.includes("anthropic")) {
    return Response.json({
      id: "msg_same",
      type: "message",
      role: "assistant",
      model: CLAUDE,
      content: [
        { type: "thinking", thinking: "Hm.", signature: "c2lnbmVk" },
        { type: "text", text: "Fine." },
      ],
      stop_reason: "end_turn",
      usage: { input_tokens: 3, output_tokens: 2 },
    });
  }
  const id = `resp_native${++serial}`;
  return Response.json({
    id,
    object: "response",
    created_at: 1_700_000_000,
    status: "completed",
    model: GPT,
    output: [
      { type: "reasoning", id: `rs_${serial}`, summary: [], encrypted_content: "bmF0aXZl" },
      {
        type: "message",
        id: `msg_${serial}`,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Native.", annotations: [] }],
      },
    ],
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  });
}

export type Body = Record<string, never> & {
  messages: { role: string }[];
  input: Record<string, unknown>[];
  system?: unknown;
};

export function sent(gateway: Rig, index: number): Body {
  return gateway.calls[index]?.body as Body;
}
