// OpenAI's Chat Completions. https://platform.openai.com/docs/api-reference/chat

import { BLANK_STAMP } from "../http/stamp.ts";
import { type Dialect, countTokens, frame, makeText } from "./type.ts";

const HEAD = { id: "chatcmpl-BenchBenchBenchBenchBenchBench", created: 1_760_000_000, system_fingerprint: "fp_bench" };

export const openaiChat: Dialect = {
  path: () => "/v1/chat/completions",
  base: "/v1",
  headers: (key) => ({ authorization: `Bearer ${key}` }),
  request: ({ model, bytes, stream }) => ({
    model,
    messages: [
      { role: "system", content: "You are a careful assistant." },
      { role: "user", content: makeText(Math.max(1, bytes - 200)) },
    ],
    max_completion_tokens: 1_000,
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }),
  answer: (model, bytes) => ({
    ...HEAD,
    object: "chat.completion",
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: makeText(bytes), refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: sayUsage(countTokens(bytes)),
  }),
  frames(model, pieces) {
    const chunk = (choices: object[], usage: object | null): string =>
      frame({ ...HEAD, object: "chat.completion.chunk", model, choices, usage });
    const choice = (delta: object, finish_reason: string | null): object[] => [
      { index: 0, delta, logprobs: null, finish_reason },
    ];
    return {
      start: chunk(choice({ role: "assistant", content: "", refusal: null }, null), null),
      piece: chunk(choice({ content: BLANK_STAMP }, null), null),
      end: `${chunk(choice({}, "stop"), null)}${chunk([], sayUsage(pieces))}${frame("[DONE]")}`,
    };
  },
};

function sayUsage(output: number): object {
  return {
    prompt_tokens: 210,
    completion_tokens: output,
    total_tokens: 210 + output,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}
