// How deep a JSON value is nested. Knows no field.

/** What walks a value calls itself for each level: without a bound a sender could stop us with brackets alone. */
export const MAX_DEPTH = 256;

/** Looks no further than `levels`. Of what was parsed: there are no names but its own, and a list of them would be made for each. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === "object" && isDeeper(member, levels - 1)) return true;
    return false;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const name in members) {
    const member = members[name];
    if (typeof member === "object" && isDeeper(member, levels - 1)) return true;
  }
  return false;
}
