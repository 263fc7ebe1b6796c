// Answers that must fit a JSON schema: Converse's own way where the model has it, else a tool that it must call. Knows no message.
// Source: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html

import { type JsonObject, type Request, invalidRequest } from "../../ir/index.ts";
import { addAnswerTool } from "../answer-tool.ts";
import { closeSchema } from "../json-schema.ts";
import { fitName } from "../safe-name.ts";
import type { ModelFacts } from "../type.ts";
import { canForce } from "./tool.ts";

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
  if (facts.keepsSchema === false) {
    if (!canForce(facts)) {
      throw invalidRequest("response_format: this model cannot be held to a JSON schema", "response_format");
    }
    return { request: addAnswerTool(request, format), outputConfig: null };
  }
  const { schema, opened } = closeSchema(format.schema);
  if (opened) dropped.push("response_format.json_schema.schema.additionalProperties");
  const jsonSchema: JsonObject = { schema: JSON.stringify(schema) };
  if (format.name !== null) jsonSchema["name"] = fitName(format.name, NAME_LIMIT);
  if (format.description !== null && format.description.trim() !== "") jsonSchema["description"] = format.description;
  return { request, outputConfig: { textFormat: { type: "json_schema", structure: { jsonSchema } } } };
}
