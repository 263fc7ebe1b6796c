// One piece of a streamed answer as Server-Sent Events text, with the line ends that Google uses. Knows no field of it.

import type { JsonObject } from "../../ir/index.ts";

export function formatChunk(body: JsonObject): string {
  return `data: ${JSON.stringify(body)}\r\n\r\n`;
}
