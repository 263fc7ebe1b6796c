// An id that follows from a moment and a name, so that whoever says the same thing twice says it under one id. In UUIDv7's form, and so in the
// order of time. Knows nothing of what is named. https://www.rfc-editor.org/rfc/rfc9562#section-5.7

const TIME_BYTES = 6;

export function makeStableId(atMs: number, name: string): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(Math.max(0, Math.floor(atMs)), 0, TIME_BYTES);
  new Bun.CryptoHasher("sha256")
    .update(name)
    .digest()
    .copy(bytes, TIME_BYTES, 0, 16 - TIME_BYTES);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
