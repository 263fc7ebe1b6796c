// Tools that take free text, for models and formats that know only tools with JSON arguments: the text becomes the one argument `input`,
// and comes out of it again for the client. Knows no format.

import { type Json, type Tool, isJsonObject } from "../ir/index.ts";

/** A function tool that says the same: one required string, the demanded form told in words. Any other tool stays as it is. */
export function lowerCustomTool(tool: Tool): Tool {
  const { custom, ...rest } = tool;
  if (custom === undefined) return tool;
  const { grammar } = custom;
  const demand =
    grammar === null ? "" : `The input must match this grammar (${grammar.syntax}):\n${grammar.definition}`;
  const description = [tool.description ?? "", demand].filter((text) => text !== "").join("\n\n");
  return {
    ...rest,
    description: description === "" ? null : description,
    parameters: {
      type: "object",
      properties: { input: { type: "string", description: "The whole input, as plain text." } },
      required: ["input"],
      additionalProperties: false,
    },
    strict: null,
  };
}

/** The free text of an earlier call, as the arguments that its lowered tool takes. */
export function wrapInput(text: string): string {
  return JSON.stringify({ input: text });
}

/** The free text inside a lowered call's arguments; arguments of any other form are the text themselves. */
export function unwrapInput(text: string): string {
  try {
    const value: Json = JSON.parse(text);
    if (typeof value === "string") return value;
    const input = isJsonObject(value) ? value["input"] : undefined;
    return typeof input === "string" ? input : text;
  } catch {
    return text;
  }
}

/** True where a call by this name belongs to a tool that the client declared as one of free text. */
export function isCustomTool(name: string, tools: readonly Tool[]): boolean {
  return tools.some((tool) => tool.name === name && tool.custom !== undefined);
}
