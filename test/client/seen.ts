// What a program sees of a conversation through an SDK, in words that all SDKs share, and the tools that it offers. Knows no SDK.

export interface Turn {
  text: string;
  calls: { name: string; input: unknown }[];
  finish: "stop" | "calls" | "other";
  /** All of the input, of which read from a cache. */
  inputTokens: number;
  cachedTokens: number;
  /** All of the output, reasoning too. */
  outputTokens: number;
  /** What the model showed of its reasoning; null where the SDK's format has no place for it or nothing was asked. */
  reasoning: string | null;
}

export interface Conversation {
  fetch: typeof fetch;
  token: string;
  model: string;
  stream: boolean;
  reasoning: boolean;
  /** Offered only where it is true. */
  tools: boolean;
  /** What the user says, turn after turn; all of what the model calls is answered in between. */
  says: readonly string[];
}

/** Every answer of the model, in order. */
export type Client = (conversation: Conversation) => Promise<Turn[]>;

export const TOOL_NAME = "look_up";
export const TOOL_DESCRIPTION = "Looks up the weather.";
export const TOOL_SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" as const }, days: { type: ["integer" as const, "null" as const] } },
  required: ["city"],
  additionalProperties: false,
};

export function runTool(input: unknown): string {
  const city = typeof input === "object" && input !== null && "city" in input ? String(input.city) : "nowhere";
  return `It rains in ${city}.`;
}

/** Where the vendor demands an output limit. */
export const MAX_TOKENS = 8_000;

/** Without what OpenAI's stream reader adds to an answer, which is not the API's and would not be taken back. */
export function dropParsed<T>(answer: T): T {
  const isAdded = (name: string): boolean => name === "parsed" || name === "parsed_arguments";
  return JSON.parse(JSON.stringify(answer, (name, value: unknown) => (isAdded(name) ? undefined : value)));
}
