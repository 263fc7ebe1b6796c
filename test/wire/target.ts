// What the tests must know of a format that only providers speak: whether a body is one that its server would take, and its recorded answers.

import { BedrockRuntimeClient, ConverseCommand, type ConverseCommandInput } from "@aws-sdk/client-bedrock-runtime";
import { type Json, type JsonObject, isJsonObject } from "../../src/ir/index.ts";
import type { Frame } from "../../src/lib/sse.ts";

/** The bodies that the vendor's own client makes of the same request; fields that it does not know are missing there. */
export async function serializeConverse(body: JsonObject): Promise<JsonObject> {
  let sent = "";
  const client = new BedrockRuntimeClient({
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    requestHandler: {
      handle: (request: { body: string | Uint8Array }) => {
        sent = typeof request.body === "string" ? request.body : new TextDecoder().decode(request.body);
        throw new Error("not sent");
      },
    } as never,
    maxAttempts: 1,
  });
  const input = { modelId: "m", ...(unpackBytes(body) as object) } as ConverseCommandInput;
  await client.send(new ConverseCommand(input)).catch((error: Error) => {
    if (error.message !== "not sent") throw error;
  });
  return JSON.parse(sent);
}

/** The client takes bytes and writes base64. */
function unpackBytes(value: Json, name = ""): unknown {
  if (typeof value === "string") {
    return name === "bytes" || name === "redactedContent" ? new Uint8Array(Buffer.from(value, "base64")) : value;
  }
  if (Array.isArray(value)) return value.map((item) => unpackBytes(item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unpackBytes(inner, key)]));
}

/** What Bedrock would refuse of a body, in sentences. https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html */
export function judgeConverse(body: JsonObject): string[] {
  const turns = objectsOf(body["messages"]);
  const blocks = turns.flatMap((turn) => objectsOf(turn["content"]));
  const tools = isJsonObject(body["toolConfig"]) ? objectsOf(body["toolConfig"]["tools"]) : [];
  const wrong: string[] = [];
  if (turns[0]?.["role"] !== "user") wrong.push("the conversation does not begin with the user");
  if (turns.some((turn, index) => index > 0 && turn["role"] === turns[index - 1]?.["role"])) {
    wrong.push("the roles do not alternate");
  }
  if (turns.some((turn) => objectsOf(turn["content"]).length === 0)) wrong.push("a turn is empty");
  const texts = [...blocks, ...objectsOf(body["system"])].map((block) => block["text"]);
  if (texts.some((text) => typeof text === "string" && text.trim() === "")) wrong.push("a text is blank");
  const uses = blocks.some((block) => block["toolUse"] !== undefined || block["toolResult"] !== undefined);
  if (uses && tools.length === 0) wrong.push("tools are used and none is declared");
  if (body["toolConfig"] !== undefined && tools.length === 0) wrong.push("the list of tools is empty");
  const names = [
    ...tools.map((tool) => objectOf(tool["toolSpec"])["name"]),
    ...blocks.map((block) => objectOf(block["toolUse"])["name"]),
  ].filter((name) => name !== undefined);
  if (!names.every((name) => typeof name === "string" && /^[a-zA-Z0-9_-]{1,64}$/u.test(name))) wrong.push("a bad name");
  const documents = blocks.flatMap((block) => objectOf(block["document"])["name"] ?? []);
  if (new Set(documents).size < documents.length) wrong.push("two documents have one name");
  const points = [...tools, ...objectsOf(body["system"]), ...blocks].filter(
    (block) => block["cachePoint"] !== undefined,
  );
  if (points.length > 4) wrong.push("too many cache points");
  return wrong;
}

/** The events of a recorded ConverseStream, a JSON object a line, as the reader of its binary frames gives them. */
export function readConverseLines(text: string): Frame[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.flatMap((line) => {
    const value: JsonObject = JSON.parse(line);
    return Object.entries(value).map(([event, body]) => ({ raw: "", event, data: JSON.stringify(body) }));
  });
}

function objectsOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
