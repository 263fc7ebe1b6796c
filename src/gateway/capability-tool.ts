// Probes of tools: how they are told, chosen, called and answered. Knows no format.

import type { Message, Part, Request, Tool, ToolChoice } from "../ir/index.ts";
import { HELLO, IMAGE, type RequestProbe, listParts, readJson, some } from "./capability-probe.ts";

const TOOL: Tool = {
  name: "probe_tool",
  description: "Looks up a probe",
  parameters: {
    type: "object",
    properties: { key: { type: "string" } },
    required: ["key"],
    additionalProperties: false,
  },
  strict: null,
};
const OTHER_TOOL: Tool = { ...TOOL, name: "other_tool" };
const THREE = [TOOL, OTHER_TOOL, { ...TOOL, name: "third_tool" }];
const TOOLS = { tools: [TOOL, OTHER_TOOL] };

const CALL: Part = { type: "tool-call", id: "call_probe0001", name: "probe_tool", arguments: '{"key":"a"}' };
const SECOND_CALL: Part = { type: "tool-call", id: "call_probe0002", name: "other_tool", arguments: '{"key":"b"}' };

function looped(calls: Part[], results: Part[]): Partial<Request> {
  return {
    ...TOOLS,
    messages: [
      HELLO,
      { role: "assistant", parts: calls },
      ...results.map((part): Message => ({ role: "tool", parts: [part] })),
    ],
  };
}

type ResultContent = Extract<Part, { type: "tool-result" }>["content"];

function result(callId: string, content: ResultContent, isError = false): Part {
  return { type: "tool-result", callId, content, isError };
}

const DONE: ResultContent = [{ type: "text", text: "probe result" }];
function readTools(select: (tool: Tool) => unknown) {
  return ({ tools }: Request): unknown => some(tools.map(select).filter((value) => value !== undefined));
}

function readChoice(type: ToolChoice["type"]) {
  return ({ toolChoice }: Request): unknown => (toolChoice?.type === type ? toolChoice : undefined);
}

function readResults(select: (part: Extract<Part, { type: "tool-result" }>) => unknown) {
  return (request: Request): unknown =>
    some(
      listParts(request).flatMap((part) => {
        const value = part.type === "tool-result" ? select(part) : undefined;
        return value === undefined ? [] : [value];
      }),
    );
}

/** The calls of each turn, each with what its tool answered. */
function listTurns(request: Request): unknown[][] {
  const results = new Map(
    listParts(request).flatMap((part) => (part.type === "tool-result" ? [[part.callId, part.content]] : [])),
  );
  return request.messages.map(({ parts }) =>
    parts.flatMap((part) =>
      part.type === "tool-call" && part.custom !== true
        ? [[part.name, readJson(part.arguments), results.get(part.id)]]
        : [],
    ),
  );
}

export const TOOL_PROBES: readonly RequestProbe[] = [
  {
    feature: "tools",
    about: "tools with JSON arguments",
    ask: () => TOOLS,
    read: readTools(({ name, description, parameters, custom }) =>
      custom === undefined ? { name, description, parameters } : undefined,
    ),
  },
  {
    feature: "tools-strict",
    about: "arguments that must match the schema",
    ask: () => ({ tools: [{ ...TOOL, strict: true }] }),
    bare: { tools: [TOOL] },
    read: readTools(({ strict }) => (strict === true ? strict : undefined)),
  },
  {
    feature: "tools-custom",
    about: "tools that take free text",
    ask: () => ({ tools: [{ ...TOOL, parameters: null, custom: { grammar: null } }] }),
    read: readTools(({ name, custom }) => (custom?.grammar === null ? name : undefined)),
  },
  {
    feature: "tools-grammar",
    about: "free text in the form of a grammar",
    ask: () => ({
      tools: [{ ...TOOL, parameters: null, custom: { grammar: { syntax: "lark", definition: 'start: "probe"' } } }],
    }),
    read: readTools(({ custom }) => custom?.grammar ?? undefined),
  },
  {
    feature: "choice-auto",
    about: "the model may call tools",
    ask: () => ({ ...TOOLS, toolChoice: { type: "auto" } }),
    bare: TOOLS,
    read: readChoice("auto"),
    isUsual: true,
  },
  {
    feature: "choice-none",
    about: "no tool may be called",
    ask: () => ({ ...TOOLS, toolChoice: { type: "none" } }),
    bare: TOOLS,
    read: readChoice("none"),
  },
  {
    feature: "choice-required",
    about: "a tool must be called",
    ask: () => ({ ...TOOLS, toolChoice: { type: "required" } }),
    bare: TOOLS,
    read: readChoice("required"),
  },
  {
    feature: "choice-tool",
    about: "this tool must be called",
    ask: () => ({ ...TOOLS, toolChoice: { type: "tool", name: "probe_tool" } }),
    bare: TOOLS,
    read: readChoice("tool"),
  },
  {
    feature: "choice-allowed",
    about: "only some of the tools may be called",
    ask: () => ({ tools: THREE, toolChoice: { type: "allowed", names: ["probe_tool", "other_tool"], required: true } }),
    bare: { tools: THREE },
    read: readChoice("allowed"),
  },
  {
    feature: "one-call",
    about: "no calls side by side",
    ask: () => ({ ...TOOLS, parallelToolCalls: false }),
    bare: TOOLS,
    read: ({ parallelToolCalls }) => (parallelToolCalls === false ? false : undefined),
  },
  {
    feature: "tool-loop",
    about: "a call and its result",
    ask: () => looped([CALL], [result("call_probe0001", DONE)]),
    read: (request) => some(listTurns(request).flat()),
  },
  {
    feature: "tool-loop-parallel",
    about: "calls side by side and their results",
    ask: () =>
      looped(
        [CALL, SECOND_CALL],
        [result("call_probe0001", DONE), result("call_probe0002", [{ type: "text", text: "b" }])],
      ),
    read: (request) => some(listTurns(request).filter((turn) => turn.length > 1)),
  },
  {
    feature: "result-image",
    about: "results with images",
    ask: () => looped([CALL], [result("call_probe0001", [...DONE, IMAGE])]),
    bare: looped([CALL], [result("call_probe0001", DONE)]),
    read: readResults(({ content }) => some(content.flatMap((part) => (part.type === "media" ? [part.source] : [])))),
  },
  {
    feature: "result-error",
    about: "results that are failures",
    ask: () => looped([CALL], [result("call_probe0001", DONE, true)]),
    bare: looped([CALL], [result("call_probe0001", DONE)]),
    read: readResults(({ isError }) => (isError ? true : undefined)),
  },
];
