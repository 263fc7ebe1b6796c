// Tables that are put together from several, in one order. Knows no table.

export function sortTable<T extends object>(table: T): T {
  // The same names with the same values.
  return Object.fromEntries(Object.entries(table).sort(([left], [right]) => (left < right ? -1 : 1))) as T;
}
