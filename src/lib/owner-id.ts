// The ids by which rows of the books name users and keys, also those that are gone. Knows no row.

/** A UUID, or the number of whom the books of the earlier edition name and nothing else is kept of. */
const OWNER_ID = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|legacy-\d+)$/iu;

export function isOwnerId(text: string): boolean {
  return OWNER_ID.test(text);
}
