// OpenAI's Embeddings: a batch of texts, and vectors in base64, which is what its own SDKs ask for.
// https://platform.openai.com/docs/api-reference/embeddings

import { type Dialect, countTokens, makeText } from "./type.ts";

const INPUTS = 32;
const DIMENSIONS = 1_536;

export const openaiEmbeddings: Dialect = {
  path: () => "/v1/embeddings",
  base: "/v1",
  headers: (key) => ({ authorization: `Bearer ${key}` }),
  request: ({ model, bytes }) => ({
    model,
    input: Array.from({ length: INPUTS }, (_, index) => `${index}: ${makeText(Math.max(1, bytes / INPUTS - 8))}`),
    encoding_format: "base64",
  }),
  answer: (model, bytes) => ({
    object: "list",
    data: Array.from({ length: INPUTS }, (_, index) => ({ object: "embedding", index, embedding: makeVector(index) })),
    model,
    usage: { prompt_tokens: countTokens(bytes), total_tokens: countTokens(bytes) },
  }),
  frames: null,
};

function makeVector(index: number): string {
  const vector = Float32Array.from({ length: DIMENSIONS }, (_, at) => Math.sin(index * DIMENSIONS + at));
  return Buffer.from(vector.buffer).toString("base64");
}
