// What changes in this format's bytes when both sides speak it: the model's name, and the asking for usage in streams, hidden again where
// the client had not asked. Everything else stays as it was written. Knows no IR.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { removeTopLevel, setTopLevel } from "../../lib/json-edit.ts";
import { type Frame, formatFrame } from "../../lib/sse.ts";
import { objectOf, objectsOf } from "../json-read.ts";

/**
 * The client's text with the target's name of the model and, in a stream, with `stream_options.include_usage` on, as the ledger needs the
 * usage. A `stream_options` of the wrong type stays: the upstream's own error is the best answer to it.
 */
export function forwardRequest(raw: string, body: JsonObject, model: string): string {
  const named = body["model"] === model ? raw : setTopLevel(raw, "model", JSON.stringify(model));
  if (body["stream"] !== true) return named;
  const options = body["stream_options"] ?? {};
  if (!isJsonObject(options) || options["include_usage"] === true) return named;
  return setTopLevel(named, "stream_options", JSON.stringify({ ...options, include_usage: true }));
}

/**
 * An upstream frame for the client whose body is given. One that asked for usage gets it as it is; for any other `"usage": null` and usage
 * beside choices are cut out of the text, and the chunk that holds nothing but usage becomes "".
 */
export function forwardFrame(frame: Frame, body: JsonObject): string {
  const { raw, data } = frame;
  const options = body["stream_options"];
  if (isJsonObject(options) && options["include_usage"] === true) return raw;
  // Quotes inside a JSON string are escaped, so this finds the key itself and costs the other frames one search.
  if (data === null || !data.includes('"usage"')) return raw;
  const chunk = parseObject(data);
  if (chunk === null || chunk["usage"] === undefined) return raw;
  const choices = chunk["choices"];
  if (isJsonObject(chunk["usage"]) && Array.isArray(choices) && choices.length === 0) return "";
  const edited = removeTopLevel(data, "usage");
  const at = raw.indexOf(data);
  if (at === -1) return formatFrame(edited, frame.event ?? undefined);
  return raw.slice(0, at) + edited + raw.slice(at + data.length);
}

/** Sound, and the words that it says. */
export function saysAloud(data: string): boolean {
  if (!data.includes('"audio"')) return false;
  return objectsOf(parseObject(data)?.["choices"]).some((choice) => isJsonObject(objectOf(choice["delta"])["audio"]));
}

function parseObject(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
