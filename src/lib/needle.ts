// Whether a large text may hold one of some words, at the speed of the system's own search: in bytes, where neither quotes nor escapes slow it down as
// they do an expression. Knows no format.

/** Shorter texts are searched faster as they are. */
const LONG = 2_048;

/**
 * Of ASCII words. False means that none of them is there; true, that one may be, for of characters beyond Latin-1 the lower half alone is looked at.
 */
export function mayHold(text: string, words: readonly string[]): boolean {
  if (text.length < LONG) return words.some((word) => text.includes(word));
  const bytes = Buffer.from(text, "latin1");
  return words.some((word) => bytes.includes(word, 0, "latin1"));
}
