// Programs that hold a conversation with a tool, one for each SDK and format, as their users write them: each goes on from the lines that
// `tokligence connect` prints. They say every prompt once whole and once streamed, and print each last answer.

import type { Api } from "../../src/cli/connect/guide.ts";
import type { ClientName } from "../../src/cli/connect/index.ts";

/** What every program for Node begins with, behind its client. */
const NODE_TOOL = `
const MODEL = process.argv[2];
const PROMPTS = JSON.parse(process.argv[3]);
const TOOL = {
  name: "add",
  description: "Adds two integers.",
  parameters: {
    type: "object",
    properties: { a: { type: "integer" }, b: { type: "integer" } },
    required: ["a", "b"],
    additionalProperties: false,
  },
};
const run = ({ a, b }) => String(a + b);
const turns = [false, true].flatMap((stream) => PROMPTS.map((prompt) => ({ stream, prompt })));
`;

const OPENAI_CHAT = `
for (const { stream, prompt } of turns) {
  const runner = client.chat.completions.runTools({
    model: MODEL,
    stream,
    messages: [{ role: "user", content: prompt }],
    tools: [{ type: "function", function: { ...TOOL, function: run, parse: JSON.parse } }],
  });
  console.log(await runner.finalContent());
}
`;

const OPENAI_RESPONSES = `
for (const { stream, prompt } of turns) {
  const input = [{ role: "user", content: prompt }];
  for (;;) {
    const body = { model: MODEL, input, store: false, tools: [{ type: "function", strict: true, ...TOOL }] };
    const answer = stream ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
    const calls = answer.output.filter((item) => item.type === "function_call");
    if (calls.length === 0) {
      console.log(answer.output_text);
      break;
    }
    for (const { call_id, name, arguments: written } of calls) {
      input.push({ type: "function_call", call_id, name, arguments: written });
      input.push({ type: "function_call_output", call_id, output: run(JSON.parse(written)) });
    }
  }
}
`;

const ANTHROPIC = `
const { betaTool } = await import("@anthropic-ai/sdk/helpers/beta/json-schema");
const tool = betaTool({ name: TOOL.name, description: TOOL.description, inputSchema: TOOL.parameters, run });
for (const { stream, prompt } of turns) {
  const runner = client.beta.messages.toolRunner({
    model: MODEL,
    max_tokens: 1024,
    stream,
    messages: [{ role: "user", content: prompt }],
    tools: [tool],
  });
  const answer = await runner.runUntilDone();
  console.log(answer.content.map((block) => block.text ?? "").join(""));
}
`;

const GENAI = `
const { name, description, parameters } = TOOL;
const config = { tools: [{ functionDeclarations: [{ name, description, parametersJsonSchema: parameters }] }] };
for (const { stream, prompt } of turns) {
  const chat = client.chats.create({ model: MODEL, config });
  let message = prompt;
  for (;;) {
    const pieces = stream
      ? await Array.fromAsync(await chat.sendMessageStream({ message }))
      : [await chat.sendMessage({ message })];
    const calls = pieces.flatMap((piece) => piece.functionCalls ?? []);
    if (calls.length === 0) {
      console.log(pieces.map((piece) => piece.text ?? "").join(""));
      break;
    }
    message = calls.map((call) => ({
      functionResponse: { id: call.id, name: call.name, response: { output: run(call.args) } },
    }));
  }
}
`;

const AI_SDK = `
const { isStepCount, jsonSchema, streamText, tool } = await import("ai");
const tools = { add: tool({ description: TOOL.description, inputSchema: jsonSchema(TOOL.parameters), execute: run }) };
for (const { stream, prompt } of turns) {
  const asked = { model, prompt, tools, stopWhen: isStepCount(5), maxRetries: 0 };
  console.log(stream ? await streamText(asked).text : (await generateText(asked)).text);
}
`;

const LANGCHAIN = `
const { concat } = await import("@langchain/core/utils/stream");
const { HumanMessage } = await import("@langchain/core/messages");
const { tool } = await import("@langchain/core/tools");
const add = tool(run, { name: TOOL.name, description: TOOL.description, schema: TOOL.parameters });
const bound = model.bindTools([add]);
for (const { stream, prompt } of turns) {
  const messages = [new HumanMessage(prompt)];
  for (;;) {
    let answer;
    if (stream) for await (const piece of await bound.stream(messages)) answer = answer ? concat(answer, piece) : piece;
    else answer = await bound.invoke(messages);
    messages.push(answer);
    if (!answer.tool_calls?.length) {
      console.log(answer.text);
      break;
    }
    for (const call of answer.tool_calls) messages.push(await add.invoke(call));
  }
}
`;

const LLAMAINDEX = `
const { tool } = await import("llamaindex");
const add = tool({ name: TOOL.name, description: TOOL.description, parameters: TOOL.parameters, execute: run });
for (const { stream, prompt } of turns) {
  const messages = [{ role: "user", content: prompt }];
  for (;;) {
    const { newMessages, toolCalls, stream: pieces } = await llm.exec({ messages, tools: [add], stream });
    let text = "";
    if (stream) for await (const piece of pieces) text += piece.delta;
    const added = stream ? newMessages() : newMessages;
    messages.push(...added);
    if (toolCalls.length === 0) {
      console.log(stream ? text : added.at(-1).content);
      break;
    }
  }
}
`;

const AGENTS = `
const { tool } = await import("@openai/agents");
const { z } = await import("zod");
const parameters = z.object({ a: z.number().int(), b: z.number().int() });
const tools = [tool({ name: TOOL.name, description: TOOL.description, parameters, execute: run })];
const agent = new Agent({ name: "Adder", model: MODEL, tools });
for (const { stream, prompt } of turns) {
  const result = await runner.run(agent, prompt, { stream });
  if (stream) await result.completed;
  console.log(result.finalOutput);
}
`;

const PYTHON_TOOL = `
import json, sys
MODEL = sys.argv[1]
PROMPTS = json.loads(sys.argv[2])
PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
def run(given): return str(given["a"] + given["b"])
turns = [(stream, prompt) for stream in (False, True) for prompt in PROMPTS]
`;

const PYTHON_CHAT = `
tools = [{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": PARAMETERS}}]
for stream, prompt in turns:
    messages = [{"role": "user", "content": prompt}]
    while True:
        if stream:
            with client.chat.completions.stream(model=MODEL, messages=messages, tools=tools) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message
        if not message.tool_calls:
            print(message.content)
            break
        calls = [{"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}} for c in message.tool_calls]
        messages.append({"role": "assistant", "content": message.content, "tool_calls": calls})
        for c in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": c.id, "content": run(json.loads(c.function.arguments))})
`;

const PYTHON_RESPONSES = `
tools = [{"type": "function", "name": "add", "description": "Adds.", "parameters": PARAMETERS, "strict": True}]
for stream, prompt in turns:
    entries = [{"role": "user", "content": prompt}]
    while True:
        if stream:
            with client.responses.stream(model=MODEL, input=entries, tools=tools, store=False) as events:
                answer = events.get_final_response()
        else:
            answer = client.responses.create(model=MODEL, input=entries, tools=tools, store=False)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            print(answer.output_text)
            break
        for c in calls:
            entries.append({"type": "function_call", "call_id": c.call_id, "name": c.name, "arguments": c.arguments})
            entries.append({"type": "function_call_output", "call_id": c.call_id, "output": run(json.loads(c.arguments))})
`;

const PYTHON_MESSAGES = `
tools = [{"name": "add", "description": "Adds.", "input_schema": PARAMETERS}]
for stream, prompt in turns:
    messages = [{"role": "user", "content": prompt}]
    while True:
        asked = dict(model=MODEL, max_tokens=1024, messages=messages, tools=tools)
        if stream:
            with client.messages.stream(**asked) as events:
                answer = events.get_final_message()
        else:
            answer = client.messages.create(**asked)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            print("".join(block.text for block in answer.content if block.type == "text"))
            break
        results = [{"type": "tool_result", "tool_use_id": c.id, "content": run(c.input)} for c in calls]
        messages.append({"role": "user", "content": results})
`;

const LOOPS: Partial<Record<ClientName, Partial<Record<Api, string>> | string>> = {
  agents: AGENTS,
  "ai-sdk": AI_SDK,
  "anthropic-node": ANTHROPIC,
  "anthropic-python": PYTHON_MESSAGES,
  genai: GENAI,
  langchain: LANGCHAIN,
  llamaindex: LLAMAINDEX,
  "openai-node": { chat: OPENAI_CHAT, responses: OPENAI_RESPONSES },
  "openai-python": { chat: PYTHON_CHAT, responses: PYTHON_RESPONSES },
};

/** The whole program: `setup` are the printed lines. Null where the client is no SDK. */
export function writeLoop(client: ClientName, api: Api, setup: string): string | null {
  const entry = LOOPS[client];
  const loop = typeof entry === "string" ? entry : entry?.[api];
  if (loop === undefined) return null;
  return `${setup}\n${client.endsWith("-python") ? PYTHON_TOOL : NODE_TOOL}${loop}`;
}
