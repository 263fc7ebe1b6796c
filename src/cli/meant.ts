// Which commands a word may stand for that is no command where it was written, because it is one elsewhere. Knows no command.

/** More than that are no help. */
const MOST = 3;

/**
 * Of all `paths` (the words of a command, without the program's) those whose last word is like `word`: those above `here`, where it was written, or
 * else those of the same group elsewhere, the likest only; none where there are too many.
 */
export function findMeant(
  paths: readonly (readonly string[])[],
  { here, word }: { here: readonly string[]; word: string },
): (readonly string[])[] {
  const isAbove = (path: readonly string[]): boolean => path.slice(0, -1).every((name) => here.includes(name));
  const group = here.at(-1);
  const known = paths.filter((path) => compare(path.at(-1) ?? "", word) > 0);
  const above = known.filter(isAbove);
  const near = above.length > 0 ? above : known.filter((path) => group === undefined || path.includes(group));
  const best = Math.max(...near.map((path) => compare(path.at(-1) ?? "", word)));
  const meant = near.filter((path) => compare(path.at(-1) ?? "", word) === best);
  return meant.length > MOST ? [] : meant;
}

/** 3: the same; 2: but for its number, or for what stands before a hyphen, as `keys` for `api-keys`; 1: but for both; 0: another. */
function compare(name: string, word: string): number {
  const wanted = word.toLowerCase();
  const part = name.split("-").at(-1) ?? "";
  if (name === wanted) return 3;
  if (part === wanted || toSingular(name) === toSingular(wanted)) return 2;
  return toSingular(part) === toSingular(wanted) ? 1 : 0;
}

function toSingular(word: string): string {
  return word.replace(/s$/u, "");
}
