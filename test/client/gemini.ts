// Google's SDK on generateContent, as a program would use it: what the model said goes back as it came.

import {
  type Content,
  FinishReason,
  type FunctionCall,
  type GenerateContentConfig,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
  ThinkingLevel,
} from "@google/genai";
import {
  type Client,
  type Conversation,
  runTool,
  TOOL_DESCRIPTION,
  TOOL_NAME,
  TOOL_SCHEMA,
  type Turn,
} from "./seen.ts";

export const gemini: Client = (conversation) => converse(conversation, (parts) => parts);

/** As Google's command line does it: thoughts are shown and not sent back. */
export const geminiAgent: Client = (conversation) =>
  converse(conversation, (parts) => parts.filter(({ thought }) => thought !== true));

async function converse(conversation: Conversation, keep: (parts: Part[]) => Part[]): Promise<Turn[]> {
  const { model, stream, says } = conversation;
  const client = connect(conversation);
  const contents: Content[] = [];
  const turns: Turn[] = [];
  const config = configure(conversation);
  for (const text of says) {
    contents.push({ role: "user", parts: [{ text }] });
    for (;;) {
      const asked = { model, contents, config };
      const pieces = stream
        ? await Array.fromAsync(await client.models.generateContentStream(asked))
        : [await client.models.generateContent(asked)];
      const parts = pieces.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
      turns.push(see(parts, pieces));
      contents.push({ role: "model", parts: keep(parts) });
      const calls = parts.flatMap(({ functionCall }) => functionCall ?? []);
      if (calls.length === 0) break;
      contents.push({ role: "user", parts: calls.map(respond) });
    }
  }
  return turns;
}

/** The SDK keeps the conversation, with every piece of a streamed answer as a content of its own. */
export const geminiChat: Client = async (conversation) => {
  const { model, stream, says } = conversation;
  const chat = connect(conversation).chats.create({ model, config: configure(conversation) });
  const turns: Turn[] = [];
  for (const text of says) {
    let message: Part[] = [{ text }];
    while (message.length > 0) {
      const pieces = stream
        ? await Array.fromAsync(await chat.sendMessageStream({ message }))
        : [await chat.sendMessage({ message })];
      const parts = pieces.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
      turns.push(see(parts, pieces));
      message = parts.flatMap(({ functionCall }) => functionCall ?? []).map(respond);
    }
  }
  return turns;
};

const connect = ({ fetch, token }: Conversation): GoogleGenAI =>
  new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: "http://gateway.test", fetch } });

function configure({ model, reasoning, tools }: Conversation): GenerateContentConfig {
  return {
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
    ...(reasoning ? { thinkingConfig: { includeThoughts: true, ...think(model) } } : {}),
  };
}

/** Levels for models of today, budgets for those before. */
function think(model: string): { thinkingBudget: number } | { thinkingLevel: ThinkingLevel } {
  return model.includes("gemini-2") ? { thinkingBudget: 2_048 } : { thinkingLevel: ThinkingLevel.HIGH };
}

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
