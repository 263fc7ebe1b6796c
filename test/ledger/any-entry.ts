// Rows of any text and any number, as they come to the books from anywhere: cleaned as the writer does it.

import fc from "fast-check";
import { cleanEntry, type LedgerEntry } from "../../src/ledger/index.ts";
import { makeEntry } from "./entry.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom('"', "\\", '","x":"', "\u0000\u0001\u001f\u007f\u0080\u2028\u2029", "é😀", "", "'", "\b\f\n\r\t/<"),
);
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const count = nullable(fc.integer({ min: 0, max: 2 ** 53 - 1 }));
const real = fc.oneof(
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 1e21, 1e-7, 0.1 + 0.2, 123),
);

export const anyEntry: fc.Arbitrary<LedgerEntry> = fc
  .record({
    requestId: text,
    tags: nullable(fc.array(text, { maxLength: 3 })),
    endpoint: text,
    modelAsked: text,
    modelServed: nullable(text),
    provider: nullable(fc.constantFrom("openai", 'a"b', "c\\d")),
    freshInputTokens: count,
    longCacheWriteTokens: count,
    units: nullable(fc.dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true }), { maxKeys: 3 })),
    serviceTier: nullable(text),
    latencyMs: real,
    ttftMs: nullable(real),
    streamed: fc.boolean(),
    pricesUnknown: nullable(fc.boolean()),
    costNanos: nullable(fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 })),
    dropped: fc.array(text, { maxLength: 3 }),
    usageRaw: text,
  })
  .map(({ usageRaw, ...over }) => {
    const attempt = {
      provider: "openai",
      model: "gpt-4o",
      status: null,
      errorKind: null,
      upstreamRequestId: usageRaw,
      latencyMs: over.latencyMs,
      usageRaw,
    };
    return cleanEntry(makeEntry({ ...over, attempts: [attempt] }));
  });
