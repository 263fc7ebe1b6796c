// Long lists in pieces that one statement takes. Knows no table.

/** Keeps a statement well below the engines' limits on parameters. */
const ROWS_A_STATEMENT = 500;

export function chunk<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / ROWS_A_STATEMENT) }, (_, index) =>
    items.slice(index * ROWS_A_STATEMENT, (index + 1) * ROWS_A_STATEMENT),
  );
}
