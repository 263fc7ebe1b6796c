// Embeddings in OpenAI's format, put to models that have another: Cohere's, Amazon's Titan and Nova. Knows no chat and no address.
// https://docs.cohere.com/reference/embed and https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
// https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html

import { type Json, type JsonObject, invalidRequest, isJsonObject } from "../ir/index.ts";
import { encodeVector } from "../lib/vector.ts";
import type { Endpoint } from "./type.ts";

type Convert = NonNullable<Endpoint["convert"]>;

interface Answered {
  vectors: Json[];
  /** Null where the body does not say. */
  tokens: number | null;
}

/** Names the count of a request whose body does not tell it. */
const TOKEN_HEADER = "x-amzn-bedrock-input-token-count";

/** Models on Bedrock; `base` is the model's id without region. */
export function convertEmbeddings(base: string): Convert {
  if (base.startsWith("cohere.")) return convertCohere(false);
  return convertWith(base.startsWith("amazon.nova-") ? NOVA : makeTitan(base));
}

/** Cohere's own format; its own server wants the model in the body. */
export function convertCohere(namesModel: boolean): Convert {
  const { request, ...rest } = convertWith(COHERE);
  return {
    request: (body) => (namesModel ? { model: body["model"] ?? "", ...request(body) } : request(body)),
    ...rest,
  };
}

function convertWith(form: Form): Convert {
  return {
    request(body) {
      requireFloats(body);
      return form.request(readTexts(body), readDimensions(body));
    },
    reads: ["dimensions", "encoding_format", "input", "model"],
    answer(answer, asked, headers, estimate) {
      const { vectors, tokens } = form.answer(answer);
      if (vectors.length === 0 || !vectors.every(Array.isArray)) return null;
      return printAnswer(vectors, tokens ?? readHeader(headers) ?? estimate(), asked);
    },
    report(answer, headers) {
      const { tokens } = form.answer(answer);
      if (tokens !== null) return form.report(answer);
      const told = readHeader(headers);
      return told === null ? null : { [TOKEN_HEADER]: told };
    },
  };
}

function readHeader(headers: Headers): number | null {
  const told = headers.get(TOKEN_HEADER);
  return told === null || !/^\d+$/u.test(told) ? null : Number(told);
}

interface Form {
  request(texts: string[], dimensions: number | null): JsonObject;
  answer(body: JsonObject): Answered;
  /** What of an answer that tells its tokens does so. */
  report(body: JsonObject): JsonObject;
}

const COHERE: Form = {
  request: (texts, dimensions) => ({
    texts,
    input_type: "search_document",
    embedding_types: ["float"],
    truncate: "NONE",
    ...(dimensions === null ? {} : { output_dimension: dimensions }),
  }),
  answer({ embeddings, meta }) {
    const vectors = isJsonObject(embeddings) ? embeddings["float"] : embeddings;
    const billed = isJsonObject(meta) ? meta["billed_units"] : null;
    const tokens = isJsonObject(billed) ? readCount(billed["input_tokens"]) : null;
    return { vectors: Array.isArray(vectors) ? vectors : [], tokens };
  },
  report: ({ meta }) => (isJsonObject(meta) ? meta : {}),
};

const NOVA: Form = {
  request: (texts, dimensions) => ({
    taskType: "SINGLE_EMBEDDING",
    singleEmbeddingParams: {
      embeddingPurpose: "GENERIC_INDEX",
      ...(dimensions === null ? {} : { embeddingDimension: dimensions }),
      text: { truncationMode: "NONE", value: requireOne(texts) },
    },
  }),
  answer({ embeddings, inputTextTokenCount }) {
    const rows = Array.isArray(embeddings) ? embeddings.filter(isJsonObject) : [];
    return { vectors: rows.map((row) => row["embedding"] ?? []), tokens: readCount(inputTextTokenCount) };
  },
  report: pickCount,
};

function makeTitan(base: string): Form {
  // The first version knows nothing but the text.
  const takesDimensions = !/titan-embed-text-v1|titan-embed-g1/u.test(base);
  const isImage = base.includes("titan-embed-image");
  return {
    request(texts, dimensions) {
      const inputText = requireOne(texts);
      if (dimensions === null) return { inputText };
      if (!takesDimensions) throw invalidRequest("dimensions: this model has vectors of one length", "dimensions");
      return isImage
        ? { inputText, embeddingConfig: { outputEmbeddingLength: dimensions } }
        : { inputText, dimensions };
    },
    answer: ({ embedding, inputTextTokenCount }) => ({
      vectors: embedding === undefined ? [] : [embedding],
      tokens: readCount(inputTextTokenCount),
    }),
    report: pickCount,
  };
}

function pickCount({ inputTextTokenCount }: JsonObject): JsonObject {
  return { inputTextTokenCount: inputTextTokenCount ?? null };
}

function readTexts({ input }: JsonObject): string[] {
  const texts = Array.isArray(input) ? input : [input];
  if (texts.every((text) => typeof text === "string")) return texts;
  throw invalidRequest("input: this model embeds text, not tokens of another model's", "input");
}

function requireFloats({ encoding_format: format }: JsonObject): void {
  if (format === undefined || format === null || format === "float" || format === "base64") return;
  throw invalidRequest("encoding_format: this model gives vectors as 'float' or 'base64' alone.", "encoding_format");
}

function readDimensions({ dimensions }: JsonObject): number | null {
  return typeof dimensions === "number" ? dimensions : null;
}

function requireOne(texts: string[]): string {
  const [text] = texts;
  if (text !== undefined && texts.length === 1) return text;
  throw invalidRequest("input: this model embeds one text a request; send each by itself", "input");
}

function readCount(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function printAnswer(vectors: readonly Json[], total: number, asked: JsonObject): JsonObject {
  const isBase64 = asked["encoding_format"] === "base64";
  return {
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: isBase64 ? encodeVector(Float32Array.from(readNumbers(vector))) : vector,
    })),
    model: asked["model"] ?? "",
    usage: { prompt_tokens: total, total_tokens: total },
  };
}

function readNumbers(vector: Json): number[] {
  return Array.isArray(vector) ? vector.filter((value) => typeof value === "number") : [];
}
