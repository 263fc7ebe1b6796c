// What a soak's clients were told against what is on the books: each request that was answered has exactly one row. Pure.

import type { LoadResult } from "../load/type.ts";
import type { Part } from "./mix.ts";

export interface PartFigures {
  answered: number;
  /** Answered as they were to be, with a refusal. */
  refused: number;
  /** What went wrong, and how often. */
  errors: Record<string, number>;
  /** Due, and not sent. */
  unsent: number;
}

export function createFigures(): PartFigures {
  return { answered: 0, refused: 0, errors: {}, unsent: 0 };
}

export function addResult(figures: PartFigures, { refusals }: Pick<Part, "refusals">, result: LoadResult): void {
  figures.answered += result.requests;
  figures.unsent += result.unsent;
  for (const [name, count] of Object.entries(result.errors)) {
    if (refusals?.test(name) === true) figures.refused += count;
    else figures.errors[name] = (figures.errors[name] ?? 0) + count;
  }
}

interface Rows {
  rows: number;
  /** That the rows are of. */
  requests: number;
}

/** In words; none where all is well. `before`: rows that were there when it began. */
export function listFaults(
  name: string,
  part: Pick<Part, "rows">,
  figures: PartFigures,
  books: Rows & { before: number },
): string[] {
  const { answered, refused, errors } = figures;
  const expected = (answered + refused) * part.rows;
  const rows = books.rows - books.before;
  return [
    ...Object.entries(errors).map(([error, count]) => `${name}: ${count} × ${error}`),
    ...(answered + refused === 0 ? [`${name}: none was answered`] : []),
    ...(rows === expected ? [] : [`${name}: ${expected} were answered that have a row, and there are ${rows} rows`]),
    ...(books.rows === books.requests ? [] : [`${name}: ${books.rows - books.requests} requests have a row too many`]),
  ];
}
