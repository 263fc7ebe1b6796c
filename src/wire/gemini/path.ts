// The addresses of Google's methods on a model: its own API in both versions, and Vertex AI's without a project. Knows no method.

const STARTS = [
  "/v1beta/models/",
  "/v1/models/",
  "/v1beta1/publishers/google/models/",
  "/v1/publishers/google/models/",
  // Where a name has a slash in it, such as `groq/llama-3.3`, several clients take it for one with its collection.
  "/v1beta/",
  "/v1/",
] as const;

export function listPaths(method: string): string[] {
  return STARTS.map((start) => `${start}{model}:${method}`);
}
