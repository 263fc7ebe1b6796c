// Where vendors describe the bodies of calls, by format and by family. Knows no format.

const OPENAI = "https://platform.openai.com/docs/api-reference";
const ANTHROPIC = "https://docs.anthropic.com/en/api";
const GEMINI = "https://ai.google.dev/api";

const PAGES: Readonly<Record<string, string>> = {
  "anthropic-count": `${ANTHROPIC}/messages-count-tokens`,
  "anthropic-messages": `${ANTHROPIC}/messages`,
  audio: `${OPENAI}/audio`,
  batches: `${OPENAI}/batch`,
  completions: `${OPENAI}/completions`,
  containers: `${OPENAI}/containers`,
  conversations: `${OPENAI}/conversations`,
  files: `${OPENAI}/files`,
  fine_tuning: `${OPENAI}/fine-tuning`,
  gemini: `${GEMINI}/generate-content`,
  "gemini-batch-embed": `${GEMINI}/embeddings`,
  "gemini-count": `${GEMINI}/tokens`,
  "gemini-embed": `${GEMINI}/embeddings`,
  images: `${OPENAI}/images`,
  message_batches: `${ANTHROPIC}/creating-message-batches`,
  models: `${OPENAI}/models`,
  moderations: `${OPENAI}/moderations`,
  "openai-chat": `${OPENAI}/chat`,
  "openai-embeddings": `${OPENAI}/embeddings`,
  "openai-responses": `${OPENAI}/responses`,
  "openai-responses-compact": `${OPENAI}/responses`,
  "openai-responses-count": `${OPENAI}/responses`,
  realtime: `${OPENAI}/realtime`,
  rerank: "https://docs.cohere.com/reference/rerank",
  responses: `${OPENAI}/responses`,
  uploads: `${OPENAI}/uploads`,
  vector_stores: `${OPENAI}/vector-stores`,
  videos: `${OPENAI}/videos`,
};

/** `name`: of a format or a family; null where nobody describes it but we. */
export function findVendorPage(name: string): string | null {
  return PAGES[name] ?? null;
}
