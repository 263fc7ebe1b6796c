// What is said to a model in every test with a client, and what must be heard. Knows no SDK and no provider.

import { expect } from "bun:test";
import { USAGE } from "../upstream/script.ts";
import { TOOL_NAME, type Turn } from "./seen.ts";

export const HELLO = "Grüße, marker-4711 🦜\n\n  indented";
export const CALLS = `Please call:${TOOL_NAME} {"city":"Zürich {🦜}","days":null} and call:${TOOL_NAME} {"city":"Oslo \\"O\\""} now.`;
const RESULTS = 'It rains in Zürich {🦜}.\nIt rains in Oslo "O".';
const SUFFIX = " – ünïcödé 🦜\n\n end";

const echo = (text: string): Partial<Turn> => ({ text: `[strict] ${text}${SUFFIX}`, calls: [], finish: "stop" });

const CALLED: Partial<Turn> = {
  text: "",
  calls: [
    { name: TOOL_NAME, input: { city: "Zürich {🦜}", days: null } },
    { name: TOOL_NAME, input: { city: 'Oslo "O"' } },
  ],
  finish: "calls",
};

export const SCENARIOS = {
  "a tool loop": {
    tools: true,
    says: [CALLS, HELLO, CALLS],
    hears: [CALLED, echo(RESULTS), echo(HELLO), CALLED, echo(RESULTS)],
  },
  "an echo": { tools: false, says: [HELLO, "again"], hears: [echo(HELLO), echo("again")] },
} as const satisfies Record<string, { tools: boolean; says: readonly string[]; hears: readonly Partial<Turn>[] }>;

/** What was said, what it cost, and what was shown of the reasoning behind each turn (undefined: whatever it is). */
export function expectHeard(
  turns: readonly Turn[],
  hears: readonly Partial<Turn>[],
  shown: string | null | undefined,
  cached: number = USAGE.cached,
): void {
  expect(turns.map(({ text, calls, finish }): Partial<Turn> => ({ text, calls, finish }))).toEqual([...hears]);
  const counts = { inputTokens: USAGE.input, cachedTokens: cached, outputTokens: USAGE.output };
  for (const { inputTokens, cachedTokens, outputTokens } of turns) {
    expect({ inputTokens, cachedTokens, outputTokens }).toEqual(counts);
  }
  if (shown !== undefined) expect(turns.map(({ reasoning }) => reasoning)).toEqual(turns.map(() => shown));
}
