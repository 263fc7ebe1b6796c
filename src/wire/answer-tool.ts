// Answers that must fit a JSON schema, for models that keep to one only in the arguments of a call: a tool that they must call, whose arguments
// are the answer. Its name alone tells on the way back what the call stands for. Knows no format.

import type { Request, ResponseFormat, Tool, ToolChoice } from "../ir/index.ts";

/** A call by this name is no call but the answer. */
export const ANSWER_TOOL = "tokligence_structured_answer";

/** The request with that tool in place of the form. Who demands a call anyway gets one, and no text that could fit a schema. */
export function addAnswerTool(request: Request, format: Extract<ResponseFormat, { type: "json-schema" }>): Request {
  const { responseFormat: _said, ...rest } = request;
  if (isForced(request.toolChoice) && request.tools.length > 0) return rest;
  const answer: Tool = {
    name: ANSWER_TOOL,
    description: format.description ?? "Gives the answer in the form that is asked for.",
    parameters: format.schema,
    strict: null,
  };
  const others = request.toolChoice?.type === "none" ? [] : request.tools;
  return { ...rest, tools: [...others, answer], toolChoice: chooseAnswer(others, request.toolChoice) };
}

function chooseAnswer(others: readonly Tool[], choice: ToolChoice | undefined): ToolChoice {
  if (others.length === 0) return { type: "tool", name: ANSWER_TOOL };
  if (choice?.type === "allowed") return { type: "allowed", names: [...choice.names, ANSWER_TOOL], required: true };
  return { type: "required" };
}

/** True where the client demands a call. */
export function isForced(choice: ToolChoice | undefined): boolean {
  return choice?.type === "required" || choice?.type === "tool" || (choice?.type === "allowed" && choice.required);
}
