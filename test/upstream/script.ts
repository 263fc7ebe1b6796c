// What a scripted provider says, whatever format it speaks: an echo of the last user message, the tool calls that it spells out
// (`call:NAME {"json":"arguments"}`), or, once the tools have answered, their results.

export interface Conversation {
  /** Texts of the user's messages since the last answer. */
  asked: readonly string[];
  /** Texts of tools' results since the last answer. */
  results: readonly string[];
  tools: readonly string[];
  /** A tool must be called: this one, or any. */
  forced?: string | boolean;
  /** Calls in the conversation so far. */
  spoken: number;
  /** JSON is demanded. */
  json?: boolean;
}

export interface ScriptedCall {
  name: string;
  /** JSON text. */
  arguments: string;
  /** Runs through the whole conversation, from 1. */
  number: number;
}

export interface ScriptedTurn {
  /** Before calls, or alone. */
  text: string;
  calls: ScriptedCall[];
}

const PREFIX = "[strict] ";
/** White space, other scripts and an emoji: what is easily lost. */
const SUFFIX = " – ünïcödé 🦜\n\n end";

/** In the providers' own counts: all input, of which read from the cache; all output, of which reasoning where the model reasons. */
export const USAGE = { input: 43, cached: 8, output: 21, reasoning: 5 } as const;

export const REASONING = "The user wants\n\n an answer. 🤔";

export function takeTurn({ asked, results, tools, forced, spoken, json }: Conversation): ScriptedTurn {
  const text = PREFIX + (results.length > 0 ? results.join("\n") : (asked.at(-1) ?? "")) + SUFFIX;
  const calls = results.length > 0 ? [] : readCalls(asked.join("\n"), tools);
  if (calls.length === 0 && results.length === 0 && forced !== undefined && forced !== false) {
    calls.push({ name: forced === true ? (tools[0] ?? "") : forced, arguments: "{}" });
  }
  if (calls.length === 0) return { text: json === true ? JSON.stringify({ title: text }) : text, calls: [] };
  return {
    text: "",
    calls: calls.map((call, index) => ({ ...call, number: spoken + index + 1 })),
  };
}

function readCalls(text: string, tools: readonly string[]): Omit<ScriptedCall, "number">[] {
  return [...text.matchAll(/(?<![\w-])call:([\w-]+) */gu)].flatMap((match) => {
    const [whole, name = ""] = match;
    if (!tools.includes(name)) return [];
    return [{ name, arguments: cutObject(text.slice(match.index + whole.length)) }];
  });
}

function cutObject(written: string): string {
  if (!written.startsWith("{")) return "{}";
  // Some command lines hand on what was typed in quotes, with the quotes in it escaped.
  const text = written.startsWith('{\\"') ? written.replaceAll(/\\(["\\])/gu, "$1") : written;
  for (const { index } of text.matchAll(/\}/gu)) {
    try {
      JSON.parse(text.slice(0, index + 1));
      return text.slice(0, index + 1);
    } catch {
      // The brace belongs to an inner object or a string.
    }
  }
  throw new Error(`this is no JSON object: ${text.slice(0, 100)}`);
}

/** Pieces that join to the text, cut through words and between white space. */
export function cutPieces(text: string): string[] {
  const letters = Array.from(text);
  return Array.from({ length: Math.ceil(letters.length / 5) }, (_, index) =>
    letters.slice(index * 5, index * 5 + 5).join(""),
  );
}
