// Requests of very many small things, or of very deep ones: what is done with each may not take longer with each, or one client could keep all others waiting for hours.

import { expect, test } from "bun:test";
import { TARGETS, WIRES } from "../../src/wire/index.ts";
import { type ChatId, FACTS } from "./sample.ts";

const COUNT = 40_000;
/** A fraction of what it takes where it grows with the square of the count, and many times what it takes where it does not. */
const MAX_MS = 7_000;

const many = <Value>(make: (index: number) => Value): Value[] =>
  Array.from({ length: COUNT }, (_none, index) => make(index));
const fromBehind = (index: number): number => COUNT - 1 - index;

const BODIES: [what: string, wire: ChatId, body: Record<string, unknown>][] = [
  [
    "calls, answered from behind",
    "openai-responses",
    {
      input: [
        { role: "user", content: "x" },
        ...many((index) => ({ type: "function_call", call_id: `c${index}`, name: "f", arguments: "{}" })),
        ...many((index) => ({ type: "function_call_output", call_id: `c${fromBehind(index)}`, output: "x" })),
      ],
    },
  ],
  [
    "turns with a call, answered at the end",
    "openai-responses",
    {
      input: [
        ...many((index) => [
          { role: "user", content: "x" },
          { type: "function_call", call_id: `c${index}`, name: "f", arguments: "{}" },
        ]).flat(),
        ...many((index) => ({ type: "function_call_output", call_id: `c${index}`, output: "x" })),
      ],
    },
  ],
  [
    "namespaces",
    "openai-responses",
    {
      input: "x",
      tools: many((index) => ({ type: "namespace", name: `n${index}`, tools: [{ type: "function", name: "f" }] })),
    },
  ],
  [
    "results of a turn",
    "openai-chat",
    {
      messages: [
        { role: "user", content: "x" },
        {
          role: "assistant",
          content: null,
          tool_calls: many((index) => ({
            id: `c${index}`,
            type: "function",
            function: { name: "f", arguments: "{}" },
          })),
        },
        ...many((index) => ({ role: "tool", tool_call_id: `c${index}`, content: "x" })),
      ],
    },
  ],
  [
    "calls by id, answered from behind",
    "gemini",
    {
      contents: [
        { role: "user", parts: [{ text: "x" }] },
        ...many((index) => ({
          role: "model",
          parts: [{ functionCall: { id: `c${index}`, name: `f${index}`, args: {} } }],
        })),
        {
          role: "user",
          parts: many((index) => {
            const at = fromBehind(index);
            return { functionResponse: { id: `c${at}`, name: `f${at}`, response: { output: "x" } } };
          }),
        },
      ],
    },
  ],
];

test.each(BODIES)(
  "%s in %s are read, and said in every format",
  (_what, wire, body) => {
    const fromMs = performance.now();
    const request = WIRES[wire].request.decode({ model: "m", ...body });
    for (const target of TARGETS.values()) target.request.encode(request, FACTS);
    expect(performance.now() - fromMs).toBeLessThan(MAX_MS);
  },
  60_000,
);

test.each(["[", '{"a":'])(
  "arguments that are nested as deep as nobody can write them again go on as the text that they are: %s",
  (bracket) => {
    const text = `{"a":${bracket.repeat(100_000)}`;
    const deep = `${text}${bracket === "[" ? "]".repeat(100_000) : `1${"}".repeat(100_000)}`}}`;
    const call = { id: "c", type: "function", function: { name: "f", arguments: deep } };
    const request = WIRES["openai-chat"].request.decode({
      model: "m",
      messages: [
        { role: "user", content: "x" },
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "c", content: "x" },
      ],
    });
    for (const target of TARGETS.values()) {
      const { body } = target.request.encode(request, FACTS);
      expect([target.id, JSON.stringify(body).length > text.length]).toEqual([target.id, true]);
    }
  },
);
