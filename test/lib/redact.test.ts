// Secrets do not survive the sink, ordinary words do.

import { expect, test } from "bun:test";
import { createRedactor } from "../../src/lib/redact.ts";

const redact = createRedactor(["canary-secret-1", "canary-secret-1-longer", "short"]);

test.each([
  ["key canary-secret-1 in text", "key [redacted] in text"],
  ["the longer one first: canary-secret-1-longer", "the longer one first: [redacted]"],
  [
    "Incorrect API key provided: sk-proj-ab***************wxyz. Find it",
    "Incorrect API key provided: [redacted] Find it",
  ],
  ["tok_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde", "[redacted]"],
  ["Authorization: Bearer abc.def.ghi-jkl", "Authorization: Bearer [redacted]"],
  ["postgres://user:hunter22@db:5432/x", "postgres://user:[redacted]@db:5432/x"],
  ["API key not valid: AIzaSyA0123456789abcdefghijklmnopqrstuv.", "API key not valid: [redacted]."],
  ["a task-force of short words stays", "a task-force of short words stays"],
])("%s", (text, clean) => {
  expect(redact(text)).toBe(clean);
});
