// JSON in one form only (RFC 8785), so that its bytes can be hashed and signed. Knows no field.

/** A Date stands as its milliseconds. Members that are undefined are left out. */
export function canonicalize(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return String(value.getTime());
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[${value.map(canonicalize).join(",")}]`;
  if (typeof value !== "object" || value === null) return "null";
  const members = value as Record<string, unknown>;
  let text = "";
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member !== undefined) text += `${text === "" ? "" : ","}${quote(key)}:${canonicalize(member)}`;
  }
  return `{${text}}`;
}

/** What JSON writes in another way than as it is: quotes, backslashes, control characters and halves of pairs. */
const SPECIAL = /["\\\p{Cc}\p{Cs}]/u;
const LONG = 64;

export function quote(text: string): string {
  // Looking is quicker than writing for the short ones, which are most.
  return text.length > LONG || SPECIAL.test(text) ? JSON.stringify(text) : `"${text}"`;
}
