// Which version of a thing a change is meant for, as HTTP says it. Knows no thing.

/** Undefined: whichever there is; 0: none. */
export function matchVersion(expected: number | undefined): Record<string, string> {
  if (expected === undefined) return {};
  return expected === 0 ? { "if-none-match": "*" } : { "if-match": `"${expected}"` };
}
