// A vector of numbers as the base64 that clients of embeddings ask for: 32-bit floats, little-endian. Knows no model.

export function encodeVector(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}
