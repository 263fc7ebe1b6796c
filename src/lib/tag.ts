// What calls are filed under: a name, and mostly a value. Knows no header and no key.

/** Of one source. */
export const MAX_TAGS = 16;
/** Printable ASCII without a comma. */
const TAG = /^[\w./:@-]{1,64}(?:=[ -+\--~]{0,128})?$/u;

export const TAG_RULE =
  "a name of at most 64 letters, digits and _ . - / : @, and a value of at most 128 printable ASCII characters without commas";

export function isTag(text: string): boolean {
  return TAG.test(text);
}

export function nameOfTag(tag: string): string {
  const end = tag.indexOf("=");
  return end === -1 ? tag : tag.slice(0, end);
}
