// Responses as strict as OpenAI's own: closed items, calls and outputs in pairs, reasoning that only its maker can read, parameters that a
// reasoning model refuses. https://platform.openai.com/docs/api-reference/responses

import { findLaxSchema, isReasoner, printOpenaiRefusal, reasons, requireBearer, sayOpenai } from "./openai.ts";
import { printResponse, printResponseStream, SEALED_REASONING } from "./openai-responses-print.ts";
import { type Entry, REQUEST, type ResponsesRequest } from "./openai-responses-schema.ts";
import { takeTurn } from "./script.ts";
import { check, type Dialect, makeStrict, type Received, Refusal, type StrictUpstream } from "./strict.ts";

/** What was stored: by the id of a response all that was said until then, and each item by its own. */
interface Memory {
  answers: Map<string, Entry[]>;
  items: Map<string, Entry>;
}

export function makeStrictResponses(): StrictUpstream {
  return makeStrict(makeResponsesDialect());
}

/** With a memory of its own. */
export function makeResponsesDialect(): Dialect {
  const memory: Memory = { answers: new Map(), items: new Map() };
  let count = 0;
  return {
    printRefusal: printOpenaiRefusal,
    answer({ method, url, headers, body }: Received): Response {
      requireBearer(headers);
      if (method === "GET" && url.pathname === "/v1/models") return Response.json({ object: "list", data: [] });
      if (method !== "POST" || url.pathname !== "/v1/responses") {
        throw new Refusal(`Invalid URL (${method} ${url.pathname})`, { status: 404 });
      }
      const request = check(REQUEST, body, sayOpenai);
      checkModel(request);
      checkCompany(request);
      const entries = [...recall(request, memory), ...listEntries(request.input).map((entry) => look(entry, memory))];
      checkEntries(entries, { stored: request.store !== false });
      const turn = takeTurn(readConversation(request, entries));
      const response = printResponse(request, turn, {
        id: `resp_strict${++count}`,
        isReasoner: reasons(request.model, request.reasoning?.effort ?? null),
      });
      if (request.store !== false) keep(memory, { id: response.id, entries, output: response.output as Entry[] });
      return request.stream === true ? printResponseStream(response) : Response.json(response);
    },
  };
}

function listEntries(input: ResponsesRequest["input"]): Entry[] {
  return typeof input === "string" ? [{ role: "user", content: input }] : input;
}

function recall({ previous_response_id: id }: ResponsesRequest, memory: Memory): Entry[] {
  if ((id ?? null) === null) return [];
  const entries = memory.answers.get(id ?? "");
  if (entries !== undefined) return entries;
  const message = `Previous response with id '${id}' not found.`;
  throw new Refusal(message, { param: "previous_response_id", code: "previous_response_not_found" });
}

function keep(
  { answers, items }: Memory,
  { id, entries, output }: { id: string; entries: Entry[]; output: Entry[] },
): void {
  answers.set(id, [...entries, ...output]);
  for (const item of output) if ("id" in item) items.set(item.id ?? "", item);
}

/** The item itself, where it is referred to. */
function look(entry: Entry, { items }: Memory): Entry {
  if (entry.type !== "item_reference") return entry;
  const item = items.get(entry.id);
  if (item === undefined) throw new Refusal(`Item with id '${entry.id}' not found.`, { status: 404, param: "input" });
  return item;
}

function checkModel(request: ResponsesRequest): void {
  const refuse = (param: string): never => {
    throw new Refusal(`Unsupported parameter: '${param}' is not supported with this model.`, {
      param,
      code: "unsupported_parameter",
    });
  };
  if (isReasoner(request.model)) {
    if (!reasons(request.model, request.reasoning?.effort ?? null)) return;
    for (const field of ["temperature", "top_p"] as const) if ((request[field] ?? 1) !== 1) refuse(field);
    if ((request.top_logprobs ?? 0) !== 0) refuse("top_logprobs");
    return;
  }
  if ((request.reasoning?.effort ?? null) !== null) refuse("reasoning.effort");
  if ((request.reasoning?.summary ?? null) !== null) refuse("reasoning.summary");
  if (request.include?.includes("reasoning.encrypted_content") === true) {
    throw new Refusal("Encrypted content is not supported with this model.", { param: "include" });
  }
  if ((request.text?.verbosity ?? "medium") !== "medium") refuse("text.verbosity");
}

function checkCompany(request: ResponsesRequest): void {
  if ((request.stream_options ?? null) !== null && request.stream !== true) {
    throw new Refusal("The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: "stream_options",
    });
  }
  const { tools = [], tool_choice: choice } = request;
  if (choice !== undefined && choice !== "none" && choice !== "auto" && tools.length === 0) {
    throw new Refusal("Tool choice must be 'none' or 'auto' when no tools are specified.", { param: "tool_choice" });
  }
  for (const [index, tool] of tools.entries()) {
    if (tool.type !== "function" || tool.strict !== true) continue;
    const lax = findLaxSchema(tool.parameters ?? {});
    if (lax !== null) {
      throw new Refusal(`Invalid schema for function '${String(tool.name)}': ${lax}`, {
        param: `tools[${index}].parameters`,
      });
    }
  }
  const format = request.text?.format;
  const lax = format?.type === "json_schema" && format.strict === true ? findLaxSchema(format.schema) : null;
  if (lax !== null) throw new Refusal(`Invalid schema for response_format: ${lax}`, { param: "text.format.schema" });
}

function checkEntries(entries: readonly Entry[], { stored }: { stored: boolean }): void {
  const calls = new Set<string>();
  const answered = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    switch (entry.type) {
      case "custom_tool_call":
      case "function_call":
        if (calls.has(entry.call_id))
          throw new Refusal(`Duplicate call_id ${entry.call_id}`, { param: `input[${index}]` });
        calls.add(entry.call_id);
        break;
      case "custom_tool_call_output":
      case "function_call_output":
        if (!calls.has(entry.call_id)) {
          throw new Refusal(`No tool call found for function call output with call_id ${entry.call_id}.`, {
            param: "input",
          });
        }
        answered.add(entry.call_id);
        break;
      case "reasoning":
        checkReasoning(entry, { next: entries[index + 1], stored });
        break;
      case "item_reference":
      case "message":
      case undefined:
        break;
      default:
        entry satisfies never;
    }
  }
  const open = [...calls].find((id) => !answered.has(id));
  if (open !== undefined) throw new Refusal(`No tool output found for function call ${open}.`, { param: "input" });
}

function checkReasoning(
  entry: Extract<Entry, { type: "reasoning" }>,
  { next, stored }: { next: Entry | undefined; stored: boolean },
): void {
  const sealed = entry.encrypted_content ?? null;
  if (sealed === null && !stored) {
    throw new Refusal(
      `Item with id '${entry.id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      { status: 404, param: "input" },
    );
  }
  if (sealed !== null && sealed !== SEALED_REASONING) {
    throw new Refusal(`The encrypted content ${sealed.slice(0, 12)}... could not be verified.`, {
      code: "invalid_encrypted_content",
    });
  }
  const isFollowed =
    next?.type === "function_call" ||
    next?.type === "custom_tool_call" ||
    (next !== undefined && "role" in next && next.role === "assistant");
  if (!isFollowed) {
    throw new Refusal(`Item '${entry.id}' of type 'reasoning' was provided without its required following item.`, {
      param: "input",
    });
  }
}

function readConversation({ tools = [], tool_choice: choice, text }: ResponsesRequest, entries: readonly Entry[]) {
  const isAnswer = (entry: Entry): boolean =>
    entry.type === "function_call" ||
    ("role" in entry && entry.role === "assistant") ||
    entry.type === "custom_tool_call";
  const fresh = entries.slice(entries.findLastIndex(isAnswer) + 1);
  const named = typeof choice === "object" && choice.type === "function" ? choice.name : choice === "required";
  return {
    asked: fresh.flatMap((entry) => ("role" in entry && entry.role === "user" ? [readText(entry.content)] : [])),
    results: fresh.flatMap((entry) =>
      entry.type === "function_call_output" || entry.type === "custom_tool_call_output" ? [readText(entry.output)] : [],
    ),
    tools: choice === "none" ? [] : tools.flatMap((tool) => (tool.type === "function" ? [String(tool.name)] : [])),
    spoken: entries.filter(({ type }) => type === "function_call").length,
    json: text?.format?.type === "json_schema" || text?.format?.type === "json_object",
    forced: named,
  };
}

function readText(content: string | readonly { type: string; text?: string }[]): string {
  if (typeof content === "string") return content;
  return content.flatMap(({ text }) => (text === undefined ? [] : [text])).join("\n");
}
