// Finds the names nearest to a misspelt one, for "did you mean …?". Knows nothing of what the names stand for.

/** Up to `limit` candidates within a third of the word's length in edits (at least 2), nearest first; case is ignored. */
export function findNearest(word: string, candidates: Iterable<string>, limit = 3): string[] {
  const wanted = word.toLowerCase();
  const reach = Math.max(2, Math.floor(wanted.length / 3));
  const found: { name: string; distance: number }[] = [];
  for (const name of new Set(candidates)) {
    const distance = countEdits(wanted, name.toLowerCase(), reach);
    if (distance <= reach) found.push({ name, distance });
  }
  found.sort((left, right) => left.distance - right.distance || left.name.localeCompare(right.name));
  return found.slice(0, limit).map((entry) => entry.name);
}

/** Levenshtein distance, given up (as `reach + 1`) once it must exceed `reach`. */
function countEdits(left: string, right: string, reach: number): number {
  if (Math.abs(left.length - right.length) > reach) return reach + 1;
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      const cost = Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      current.push(cost);
      best = Math.min(best, cost);
    }
    if (best > reach) return reach + 1;
    previous = current;
  }
  return previous[right.length] ?? reach + 1;
}
