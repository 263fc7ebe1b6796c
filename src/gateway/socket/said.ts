// What a message says, whether it comes as text or as bytes: most servers read JSON from both. Knows no event.

import type { Message } from "./type.ts";

/** White space, and the mark of an encoding. */
const BEFORE = [0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf];
const BRACE = 0x7b;

/** The text of bytes that begin as a JSON object does; all other bytes, such as sound, stay what they are. */
export function readSaid(data: Message): Message {
  if (typeof data === "string" || data[data.findIndex((byte) => !BEFORE.includes(byte))] !== BRACE) return data;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    return data;
  }
}
