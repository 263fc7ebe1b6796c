// Google's SDK on generateContent, as a program would use it: what the model said goes back as it came.

import {
  type Content,
  FinishReason,
  type FunctionCall,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
} from "@google/genai";
import { type Client, runTool, TOOL_DESCRIPTION, TOOL_NAME, TOOL_SCHEMA, type Turn } from "./seen.ts";

export const gemini: Client = async ({ fetch, token, model, stream, reasoning, tools, says }) => {
  const client = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: "http://gateway.test", fetch } });
  const contents: Content[] = [];
  const turns: Turn[] = [];
  const config = {
    systemInstruction: "Be brief.",
    ...(tools
      ? {
          tools: [
            {
              functionDeclarations: [
                { name: TOOL_NAME, description: TOOL_DESCRIPTION, parametersJsonSchema: TOOL_SCHEMA },
              ],
            },
          ],
        }
      : {}),
    ...(reasoning ? { thinkingConfig: { includeThoughts: true } } : {}),
  };
  for (const text of says) {
    contents.push({ role: "user", parts: [{ text }] });
    for (;;) {
      const asked = { model, contents, config };
      const pieces = stream
        ? await Array.fromAsync(await client.models.generateContentStream(asked))
        : [await client.models.generateContent(asked)];
      const parts = pieces.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
      turns.push(see(parts, pieces));
      contents.push({ role: "model", parts });
      const calls = parts.flatMap(({ functionCall }) => functionCall ?? []);
      if (calls.length === 0) break;
      contents.push({ role: "user", parts: calls.map(respond) });
    }
  }
  return turns;
};

function respond({ id, name, args }: FunctionCall): Part {
  return {
    functionResponse: { ...(id === undefined ? {} : { id }), name: name ?? "", response: { output: runTool(args) } },
  };
}

function see(parts: readonly Part[], pieces: readonly GenerateContentResponse[]): Turn {
  const { candidates, usageMetadata: usage } = pieces.at(-1) ?? {};
  const calls = parts.flatMap(({ functionCall }) => functionCall ?? []);
  const texts = (isThought: boolean): string[] =>
    parts.flatMap(({ text, thought }) => (text !== undefined && (thought ?? false) === isThought ? [text] : []));
  const finish = calls.length > 0 ? "calls" : "stop";
  return {
    text: texts(false).join(""),
    calls: calls.map(({ name, args }) => ({ name: name ?? "", input: args })),
    finish: candidates?.[0]?.finishReason === FinishReason.STOP ? finish : "other",
    inputTokens: usage?.promptTokenCount ?? 0,
    cachedTokens: usage?.cachedContentTokenCount ?? 0,
    outputTokens: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
    reasoning: texts(true).length === 0 ? null : texts(true).join(""),
  };
}
