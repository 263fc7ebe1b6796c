// Google's generateContent. https://ai.google.dev/api/generate-content

import { BLANK_STAMP } from "../http/stamp.ts";
import { type Dialect, countTokens, frame, makeText } from "./type.ts";

export const gemini: Dialect = {
  path: ({ model, stream }) =>
    `/v1beta/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
  base: "",
  headers: (key) => ({ "x-goog-api-key": key }),
  request: ({ bytes }) => ({
    systemInstruction: { parts: [{ text: "You are a careful assistant." }] },
    contents: [{ role: "user", parts: [{ text: makeText(Math.max(1, bytes - 250)) }] }],
    generationConfig: { maxOutputTokens: 1_000 },
  }),
  answer: (model, bytes) => describe(model, makeText(bytes), countTokens(bytes)),
  frames: (model, pieces) => ({
    start: "",
    piece: frame(describe(model, BLANK_STAMP, null)),
    end: frame(describe(model, "", pieces)),
  }),
};

function describe(modelVersion: string, text: string, output: number | null): object {
  const usageMetadata = {
    promptTokenCount: 210,
    ...(output === null ? {} : { candidatesTokenCount: output }),
    totalTokenCount: 210 + (output ?? 0),
  };
  const content = { role: "model", parts: [{ text }] };
  const finish = output === null ? {} : { finishReason: "STOP" };
  return {
    candidates: [{ content, index: 0, ...finish }],
    usageMetadata,
    modelVersion,
    responseId: "bench-bench-bench-bench",
  };
}
