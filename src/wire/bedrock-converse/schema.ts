// Answers that must fit a JSON schema: Converse's own way where the model has it, else a tool that the model must call and whose arguments
// are the answer. The tool's name alone tells on the way back what it stands for. Knows no message.
// Source: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html

import { type JsonObject, type Request, type Tool, type ToolChoice, invalidRequest } from "../../ir/index.ts";
import { closeSchema } from "../json-schema.ts";
import { fitName } from "../safe-name.ts";
import type { ModelFacts } from "../type.ts";
import { canForce, isForced } from "./tool.ts";

/** A call by this name is no call but the answer. */
export const ANSWER_TOOL = "tokligence_structured_answer";

const NAME_LIMIT = 64;

interface SchemaPlan {
  request: Request;
  /** `outputConfig`; null to leave it out. */
  outputConfig: JsonObject | null;
}

/** Throws an invalid_request where the model can be held to a schema in neither way. */
export function askForSchema(request: Request, facts: ModelFacts, dropped: string[]): SchemaPlan {
  const format = request.responseFormat;
  // Converse has no mode for JSON without a schema, and words of ours have no place in the client's prompt.
  if (format?.type === "json") dropped.push("response_format");
  if (format?.type !== "json-schema") return { request, outputConfig: null };
  if (facts.keepsSchema === false) return { request: addAnswerTool(request, format, facts), outputConfig: null };
  const { schema, opened } = closeSchema(format.schema);
  if (opened) dropped.push("response_format.json_schema.schema.additionalProperties");
  const jsonSchema: JsonObject = { schema: JSON.stringify(schema) };
  if (format.name !== null) jsonSchema["name"] = fitName(format.name, NAME_LIMIT);
  if (format.description !== null && format.description.trim() !== "") jsonSchema["description"] = format.description;
  return { request, outputConfig: { textFormat: { type: "json_schema", structure: { jsonSchema } } } };
}

function addAnswerTool(
  request: Request,
  format: { description: string | null; schema: JsonObject },
  facts: ModelFacts,
): Request {
  // Who demands a call gets one, and no text that could fit a schema.
  if (isForced(request.toolChoice) && request.tools.length > 0) return request;
  if (!canForce(facts)) {
    throw invalidRequest("response_format: this model cannot be held to a JSON schema", "response_format");
  }
  const answer: Tool = {
    name: ANSWER_TOOL,
    description: format.description ?? "Gives the answer in the form that is asked for.",
    parameters: format.schema,
    strict: null,
  };
  const others = request.toolChoice?.type === "none" ? [] : request.tools;
  return { ...request, tools: [...others, answer], toolChoice: chooseAnswer(others, request.toolChoice) };
}

function chooseAnswer(others: readonly Tool[], choice: ToolChoice | undefined): ToolChoice {
  if (others.length === 0) return { type: "tool", name: ANSWER_TOOL };
  if (choice?.type === "allowed") return { type: "allowed", names: [...choice.names, ANSWER_TOOL], required: true };
  return { type: "required" };
}
