// Recorded answers of Cohere, read by Cohere's own SDK. Knows no gateway.

import { CohereClientV2 } from "cohere-ai";
import type { Reading } from "./reading.ts";
import { readInput } from "./reading.ts";

interface Raw {
  status: number;
  contentType: string;
  bytes: Uint8Array;
}

const QUESTION = { model: "any", messages: [{ role: "user" as const, content: "Hello" }] };

/** Cohere's client with this one answer on its line. */
function connect({ status, contentType, bytes }: Raw): CohereClientV2 {
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response(Buffer.from(bytes), { status, headers: { "content-type": contentType } }));
  return new CohereClientV2({
    token: "co-direct",
    maxRetries: 0,
    fetch: Object.assign(fetch, { preconnect: (): void => undefined }),
  });
}

export async function readCohere(raw: Raw): Promise<Reading> {
  const { message, finishReason, usage } = await connect(raw).chat(QUESTION);
  return {
    text: (message.content ?? []).map((item) => (item.type === "text" ? item.text : "")).join(""),
    calls: (message.toolCalls ?? []).map(({ function: made }) => ({
      name: made?.name ?? "",
      input: readInput(made?.arguments ?? ""),
    })),
    ...readEnd(finishReason, usage?.billedUnits),
  };
}

export async function readCohereStream(raw: Raw): Promise<Reading> {
  const calls: { name: string; text: string }[] = [];
  let text = "";
  for await (const event of await connect(raw).chatStream(QUESTION)) {
    if (event.type === "content-delta") text += event.delta?.message?.content?.text ?? "";
    if (event.type === "tool-call-start") {
      const made = event.delta?.message?.toolCalls?.function;
      calls.push({ name: made?.name ?? "", text: made?.arguments ?? "" });
    }
    const call = calls.at(-1);
    if (event.type === "tool-call-delta" && call !== undefined) {
      call.text += event.delta?.message?.toolCalls?.function?.arguments ?? "";
    }
    if (event.type === "message-end") {
      const { finishReason, usage } = event.delta ?? {};
      return {
        text,
        calls: calls.map(({ name, text: input }) => ({ name, input: readInput(input) })),
        ...readEnd(finishReason, usage?.billedUnits),
      };
    }
  }
  throw new Error("the stream has no end");
}

/** What is billed is what counts. */
function readEnd(reason: string | undefined, billed: { inputTokens?: number; outputTokens?: number } | undefined) {
  return {
    stop: STOPS[reason ?? ""] ?? "other",
    input: billed?.inputTokens ?? -1,
    output: billed?.outputTokens ?? -1,
    error: null,
  } as const;
}

const STOPS: Readonly<Record<string, Reading["stop"]>> = {
  COMPLETE: "stop",
  MAX_TOKENS: "length",
  STOP_SEQUENCE: "stop",
  TOOL_CALL: "tool-calls",
};
