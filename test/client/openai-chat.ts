// OpenAI's SDK on Chat Completions, as a program would use it.

import OpenAI from "openai";
import { type Client, dropParsed, type Turn, runTool, TOOL_DESCRIPTION, TOOL_NAME, TOOL_SCHEMA } from "./seen.ts";

const TOOLS: OpenAI.ChatCompletionTool[] = [
  { type: "function", function: { name: TOOL_NAME, description: TOOL_DESCRIPTION, parameters: TOOL_SCHEMA } },
];

export const openaiChat: Client = async ({ fetch, token, model, stream, reasoning, tools, says }) => {
  const client = new OpenAI({ apiKey: token, baseURL: "http://gateway.test/v1", maxRetries: 0, fetch });
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "system", content: "Be brief." }];
  const turns: Turn[] = [];
  const ask = async (): Promise<OpenAI.ChatCompletion> => {
    const body = {
      model,
      messages,
      ...(tools ? { tools: TOOLS } : {}),
      ...(reasoning ? { reasoning_effort: "high" as const } : {}),
    };
    if (!stream) return client.chat.completions.create(body);
    return client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion();
  };
  for (const content of says) {
    messages.push({ role: "user", content });
    for (;;) {
      const answer = await ask();
      const message = answer.choices[0]?.message;
      if (message === undefined) throw new Error("there is no choice");
      turns.push(see(answer));
      messages.push(dropParsed(message));
      const calls = (message.tool_calls ?? []).filter((call) => call.type === "function");
      if (calls.length === 0) break;
      for (const { id, function: called } of calls) {
        messages.push({ role: "tool", tool_call_id: id, content: runTool(JSON.parse(called.arguments)) });
      }
    }
  }
  return turns;
};

const FINISHES: Readonly<Record<string, Turn["finish"]>> = { stop: "stop", tool_calls: "calls" };

function see({ choices: [choice], usage }: OpenAI.ChatCompletion): Turn {
  const message = choice?.message;
  const calls = (message?.tool_calls ?? []).filter((call) => call.type === "function");
  return {
    text: message?.content ?? "",
    calls: calls.map(({ function: { name, arguments: written } }) => ({ name, input: JSON.parse(written) })),
    finish: FINISHES[choice?.finish_reason ?? ""] ?? "other",
    inputTokens: usage?.prompt_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage?.completion_tokens ?? 0,
    reasoning: null,
  };
}
