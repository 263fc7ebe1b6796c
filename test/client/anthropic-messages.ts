// Anthropic's SDK on Messages: by hand, and by its tool runner.

import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import {
  type Client,
  type Conversation,
  MAX_TOKENS,
  runTool,
  TOOL_DESCRIPTION,
  TOOL_NAME,
  TOOL_SCHEMA,
  type Turn,
} from "./seen.ts";

const connect = ({ fetch, token }: Conversation): Anthropic =>
  new Anthropic({ apiKey: token, baseURL: "http://gateway.test", maxRetries: 0, fetch });

/** Effort for models of today, a budget for those before. */
const think = (model: string) =>
  /-4-5|-4-1|-3-7/u.test(model)
    ? { thinking: { type: "enabled" as const, budget_tokens: 2_000 } }
    : {
        thinking: { type: "adaptive" as const, display: "summarized" as const },
        output_config: { effort: "high" as const },
      };

export const anthropicMessages: Client = async (conversation) => {
  const { model, stream, reasoning, tools, says } = conversation;
  const client = connect(conversation);
  const messages: Anthropic.MessageParam[] = [];
  const turns: Turn[] = [];
  for (const content of says) {
    messages.push({ role: "user", content });
    for (;;) {
      const body: Anthropic.MessageCreateParamsNonStreaming = {
        model,
        max_tokens: MAX_TOKENS,
        system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
        messages,
        ...(tools ? { tools: [{ name: TOOL_NAME, description: TOOL_DESCRIPTION, input_schema: TOOL_SCHEMA }] } : {}),
        ...(reasoning ? think(model) : {}),
      };
      const answer = await (stream ? client.messages.stream(body).finalMessage() : client.messages.create(body));
      turns.push(see(answer));
      messages.push({ role: "assistant", content: answer.content });
      const calls = answer.content.filter((block) => block.type === "tool_use");
      if (calls.length === 0) break;
      messages.push({
        role: "user",
        content: calls.map(({ id, input }) => ({ type: "tool_result", tool_use_id: id, content: runTool(input) })),
      });
    }
  }
  return turns;
};

/** One turn of the user's is one run; the runner keeps the history of a run. */
export const anthropicRunner: Client = async (conversation) => {
  const { model, stream, reasoning, tools, says } = conversation;
  const client = connect(conversation);
  const tool = betaTool({
    name: TOOL_NAME,
    description: TOOL_DESCRIPTION,
    inputSchema: TOOL_SCHEMA,
    run: (input) => runTool(input),
  });
  const turns: Turn[] = [];
  let messages: Anthropic.Beta.BetaMessageParam[] = [];
  for (const content of says) {
    messages.push({ role: "user", content });
    const body = {
      model,
      max_tokens: MAX_TOKENS,
      messages,
      tools: tools ? [tool] : [],
      ...(reasoning ? think(model) : {}),
    };
    if (stream) {
      const runner = client.beta.messages.toolRunner({ ...body, stream: true });
      for await (const piece of runner) turns.push(see(await piece.finalMessage()));
      messages = [...runner.params.messages];
    } else {
      const runner = client.beta.messages.toolRunner(body);
      for await (const answer of runner) turns.push(see(answer));
      messages = [...runner.params.messages];
    }
  }
  return turns;
};

const FINISHES: Readonly<Record<string, Turn["finish"]>> = { end_turn: "stop", tool_use: "calls" };

function see({ content, stop_reason: reason, usage }: Anthropic.Message | Anthropic.Beta.BetaMessage): Turn {
  const cached = usage.cache_read_input_tokens ?? 0;
  const last = content.at(-1)?.type;
  if (last !== "text" && last !== "tool_use") throw new Error(`the answer ends in ${last}, which agents take for it`);
  const thoughts = content.flatMap((block) => (block.type === "thinking" ? [block.thinking] : []));
  return {
    text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    calls: content.flatMap((block) => (block.type === "tool_use" ? [{ name: block.name, input: block.input }] : [])),
    finish: FINISHES[reason ?? ""] ?? "other",
    inputTokens: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
    cachedTokens: cached,
    outputTokens: usage.output_tokens,
    reasoning: thoughts.length === 0 ? null : thoughts.join(""),
  };
}
