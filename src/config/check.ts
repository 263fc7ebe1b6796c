// Checks one setting before it is written anywhere. Knows no file.

import { describeKey, isKeyName } from "./key.ts";
import { parseText } from "./syntax.ts";

/** What is wrong with the text as a value of the key, or null; also null where the key is none of ours. */
export function checkSetting(key: string, text: string): string | null {
  if (!isKeyName(key)) return null;
  const parsed = parseText(describeKey(key).type, text);
  return "message" in parsed ? parsed.message : null;
}
