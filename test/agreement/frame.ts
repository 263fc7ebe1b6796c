// Amazon's binary frames, read with Amazon's own codec: the JSON that each carries, Anthropic's events out of their wrapping. Knows no gateway.

import { EventStreamCodec } from "@smithy/eventstream-codec";

const codec = new EventStreamCodec(
  (input) => (typeof input === "string" ? input : Buffer.from(input).toString("utf8")),
  (input) => Buffer.from(input, "utf8"),
);

export function decodeMessages(bytes: Uint8Array): Record<string, unknown>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Record<string, unknown>[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const length = view.getUint32(at);
    const body = JSON.parse(Buffer.from(codec.decode(bytes.subarray(at, at + length)).body).toString("utf8")) as Record<
      string,
      unknown
    >;
    const { bytes: inner } = body;
    found.push(
      typeof inner === "string"
        ? (JSON.parse(Buffer.from(inner, "base64").toString("utf8")) as Record<string, unknown>)
        : body,
    );
    at += length;
  }
  return found;
}
