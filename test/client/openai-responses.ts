// OpenAI's SDK on Responses: keeping the conversation itself, and leaving it to the server.

import OpenAI from "openai";
import {
  type Client,
  type Conversation,
  dropParsed,
  runTool,
  TOOL_DESCRIPTION,
  TOOL_NAME,
  TOOL_SCHEMA,
  type Turn,
} from "./seen.ts";

const TOOLS: OpenAI.Responses.FunctionTool[] = [
  { type: "function", name: TOOL_NAME, description: TOOL_DESCRIPTION, parameters: TOOL_SCHEMA, strict: false },
];

type Body = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream">;

async function converse(
  { fetch, token, model, stream, reasoning, tools, says }: Conversation,
  send: (input: OpenAI.Responses.ResponseInputItem[]) => Partial<Body>,
  received: (answer: OpenAI.Responses.Response) => void,
): Promise<Turn[]> {
  const client = new OpenAI({ apiKey: token, baseURL: "http://gateway.test/v1", maxRetries: 0, fetch });
  const turns: Turn[] = [];
  for (const content of says) {
    let input: OpenAI.Responses.ResponseInputItem[] = [{ role: "user", content }];
    for (;;) {
      const body: Body = {
        model,
        instructions: "Be brief.",
        ...(tools ? { tools: TOOLS } : {}),
        ...(reasoning ? { reasoning: { effort: "high", summary: "auto" } } : {}),
        ...send(input),
      };
      const answer: OpenAI.Responses.Response = stream
        ? dropParsed(await client.responses.stream(body).finalResponse())
        : await client.responses.create(body);
      turns.push(see(answer));
      received(answer);
      const calls = answer.output.filter((item) => item.type === "function_call");
      if (calls.length === 0) break;
      input = calls.map(({ call_id, arguments: written }) => ({
        type: "function_call_output",
        call_id,
        output: runTool(JSON.parse(written)),
      }));
    }
  }
  return turns;
}

/** Nothing is stored; all that was said is sent again, sealed reasoning too. */
export const openaiResponses: Client = (conversation) => {
  const history: OpenAI.Responses.ResponseInputItem[] = [];
  return converse(
    conversation,
    (input) => {
      history.push(...input);
      const include = conversation.reasoning ? { include: ["reasoning.encrypted_content" as const] } : {};
      return { input: history, store: false, ...include };
    },
    ({ output }) => {
      // Reasoning that was neither stored nor sealed cannot be taken up again.
      const kept = output.filter((item) => item.type !== "reasoning" || (item.encrypted_content ?? null) !== null);
      history.push(...(kept as OpenAI.Responses.ResponseInputItem[]));
    },
  );
};

/** Only what is new is sent. */
export const openaiStoredResponses: Client = (conversation) => {
  let previous: string | null = null;
  return converse(
    conversation,
    (input) => ({ input, ...(previous === null ? {} : { previous_response_id: previous }) }),
    ({ id }) => {
      previous = id;
    },
  );
};

function see({ output, output_text: text, status, usage }: OpenAI.Responses.Response): Turn {
  const calls = output.filter((item) => item.type === "function_call");
  const finish = calls.length > 0 ? "calls" : "stop";
  const thoughts = output.flatMap((item) => (item.type === "reasoning" ? item.summary.map((part) => part.text) : []));
  return {
    text,
    calls: calls.map(({ name, arguments: written }) => ({ name, input: JSON.parse(written) })),
    finish: status === "completed" ? finish : "other",
    inputTokens: usage?.input_tokens ?? 0,
    cachedTokens: usage?.input_tokens_details.cached_tokens ?? 0,
    outputTokens: usage?.output_tokens ?? 0,
    reasoning: thoughts.length === 0 ? null : thoughts.join(""),
  };
}
