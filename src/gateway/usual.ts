// Values of request fields that ask for what happens anyway: some clients always send them, and leaving them out loses nothing. Knows no server.

import { type Json, isJsonObject } from "../ir/index.ts";

const USUAL: Readonly<Record<string, Json>> = {
  frequency_penalty: 0,
  logprobs: false,
  presence_penalty: 0,
  temperature: 1,
  top_p: 1,
};

export function asksForNothing(field: string, value: Json): boolean {
  if (value === null || value === USUAL[field]) return true;
  return isJsonObject(value) && Object.keys(value).length === 0;
}
