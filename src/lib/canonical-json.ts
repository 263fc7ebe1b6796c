// JSON in one form only (RFC 8785), so that its bytes can be hashed and signed. Knows no field.

/** A Date stands as its milliseconds. Members that are undefined are left out. */
export function canonicalize(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return String(value.getTime());
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(",")}]`;
  if (typeof value !== "object" || value === null) return "null";
  const members = value as Record<string, unknown>;
  let text = "";
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalize(member)}`;
  }
  return `{${text}}`;
}
