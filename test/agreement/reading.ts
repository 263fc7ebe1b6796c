// What the user of any SDK learns from an answer, in words that every format shares, so that two readings can be compared.

export interface Reading {
  text: string;
  calls: { name: string; input: unknown }[];
  stop: "filter" | "length" | "none" | "other" | "stop" | "tool-calls";
  /** All prompt tokens, cached ones included; -1 where the SDK knows none. */
  input: number;
  /** All tokens produced, reasoning included. */
  output: number;
  /** The HTTP status, or `stream` where an error came inside of one; null where all went well. */
  error: number | "stream" | null;
}

/** A failure as every SDK tells it: by its status, or within a stream. */
export function readError(error: unknown): Reading {
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  return { ...NOTHING, error: typeof status === "number" ? status : "stream" };
}

const NOTHING: Reading = { text: "", calls: [], stop: "none", input: -1, output: -1, error: null };

/** A call's arguments as JSON, or the text itself where they are none. */
export function readInput(text: string): unknown {
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch {
    return text;
  }
}
