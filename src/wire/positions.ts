// Where parts of a message stand in it. Knows no format.

/** The place of each of `some`, which are parts of `all` in their order: one walk, as messages can have very many. */
export function listPositions<Part>(all: readonly Part[], some: readonly Part[]): number[] {
  let at = -1;
  return some.map((part) => (at = all.indexOf(part, at + 1)));
}
