// Where parts of a message stand in it. Knows no format.

/** The place of each of `some`, which are parts of `all` in their order: one walk, as messages can have very many. */
export function listPositions<Part>(all: readonly Part[], some: readonly Part[]): number[] {
  let at = -1;
  return some.map((part) => (at = all.indexOf(part, at + 1)));
}

/** The paths of `some` in the message at `path`; one that is all of it is named as the message. */
export function listPlaces<Part>(path: string, all: readonly Part[], some: readonly Part[]): string[] {
  if (all.length === 1) return some.map(() => path);
  return listPositions(all, some).map((position) => `${path}.content[${position}]`);
}
