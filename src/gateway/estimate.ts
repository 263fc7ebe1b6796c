// The text of a request, for an estimate of its tokens where the provider reports none. Read lazily: almost no request needs it.

import type { Json, JsonObject, Request } from "../ir/index.ts";
import type { CallState } from "./header.ts";

/** All text that the model was given; media count for nothing here, as their tokens do not follow from their bytes. */
export function estimateFromRequest(state: Pick<CallState, "body" | "plan" | "stream">): string {
  const { mode } = state.plan;
  if (mode.kind === "translate") return joinRequest(mode.request);
  if (mode.kind === "convert" || mode.wire.operation !== "chat") return joinInput(state.body);
  const { decode } = mode.wire.request;
  const request = decodeLeniently(() => decode(state.body, { model: state.plan.model, stream: state.stream }));
  return request === null ? joinInput(state.body) : joinRequest(request);
}

/** What the model is given to read, joined. */
export function joinRequest(request: Request): string {
  const pieces: string[] = [];
  for (const message of request.messages) {
    for (const part of message.parts) {
      if (part.type === "text" || part.type === "reasoning") pieces.push(part.text);
      if (part.type === "tool-call") pieces.push(part.name, part.arguments);
      if (part.type === "tool-result") {
        for (const item of part.content) if (item.type === "text") pieces.push(item.text);
      }
    }
  }
  for (const tool of request.tools) pieces.push(tool.name, tool.description ?? "", JSON.stringify(tool.parameters));
  return pieces.join("\n");
}

/** Where a body holds what is asked, in formats that no decoder reads. */
const INPUT_FIELDS = ["input", "messages", "content", "contents", "requests", "prompt", "query", "documents"];

export function joinInput(body: JsonObject): string {
  return INPUT_FIELDS.map((field) => joinStrings(body[field] ?? null)).join("");
}

/** A forwarded request is the upstream's to judge: what our decoder would refuse may have been answered, and must be booked. */
function decodeLeniently(decode: () => Request): Request | null {
  try {
    return decode();
  } catch {
    return null;
  }
}

/** What stands beside a text and is not read with it; a list of texts for Google says it of each. */
const UNREAD: ReadonlySet<string> = new Set(["model", "role", "taskType", "task_type", "type"]);

/** The strings of a value, at any depth but for the names of fields. */
function joinStrings(value: Json): string {
  if (typeof value === "string") return value;
  // A token that came as a number counts as one: a wide character does, too.
  if (typeof value === "number") return "\u3000";
  if (Array.isArray(value)) return value.map(joinStrings).join("");
  if (typeof value !== "object" || value === null) return "";
  return Object.entries(value)
    .map(([name, member]) => (UNREAD.has(name) ? "" : joinStrings(member)))
    .join("");
}
