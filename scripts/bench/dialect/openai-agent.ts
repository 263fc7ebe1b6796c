// What a coding agent sends by Chat Completions: many tools, and a conversation of calls and their results, file after file. Answered like any chat.

import { openaiChat } from "./openai-chat.ts";
import { type Dialect, makeText } from "./type.ts";

const TOOLS = 24;
const RESULT_BYTES = 4_000;

export const openaiAgent: Dialect = {
  ...openaiChat,
  request(question) {
    const { model, stream } = question;
    const tools = Array.from({ length: TOOLS }, (_, index) => describeTool(index));
    const messages: object[] = [
      { role: "system", content: makeText(12_000) },
      { role: "user", content: "Find out why the test of the parser fails, and mend it." },
    ];
    const wanted = question.bytes - JSON.stringify({ tools, messages }).length;
    for (let turn = 0, bytes = 0; bytes < wanted; turn++) {
      const pair = takeTurn(turn);
      bytes += JSON.stringify(pair).length;
      messages.push(...pair);
    }
    return { model, tools, messages, ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}) };
  },
};

function describeTool(index: number): object {
  return {
    type: "function",
    function: {
      name: `tool_${index}`,
      description: makeText(400),
      parameters: {
        type: "object",
        properties: {
          path: { type: "string", description: "The file, from the root of the project." },
          from: { type: "integer", description: "The first line." },
          pattern: { type: "string", description: "A regular expression." },
        },
        required: ["path"],
        additionalProperties: false,
      },
    },
  };
}

/** A call and what came of it: code, which is full of what JSON must escape. */
function takeTurn(turn: number): object[] {
  const id = `call_${String(turn).padStart(20, "0")}`;
  const line = `  if (value === "${turn}") {\n\treturn { "kind": "token", text: '\\n' };\n  }\n`;
  const call = { name: "tool_1", arguments: JSON.stringify({ path: `src/file-${turn}.ts`, from: turn }) };
  return [
    { role: "assistant", content: null, tool_calls: [{ id, type: "function", function: call }] },
    { role: "tool", tool_call_id: id, content: line.repeat(Math.ceil(RESULT_BYTES / line.length)) },
  ];
}
