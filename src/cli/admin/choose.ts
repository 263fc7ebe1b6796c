// Of a list that is printed, those that are meant, by what the API lets one choose by. Knows no list.

import type { JsonObject } from "../../ir/index.ts";
import type { Place } from "../place.ts";
import { readWord } from "../value.ts";

/** `wanted`: text of fields, any of several; where nothing is said of one, anything will do. */
export function chooseRows(
  rows: readonly JsonObject[],
  wanted: Readonly<Record<string, string | readonly string[] | undefined>>,
): JsonObject[] {
  const said = Object.entries(wanted).filter(([, text]) => text !== undefined);
  return rows.filter((row) => said.every(([field, text]) => [text].flat().some((each) => row[field] === each)));
}

/** Of a filter that takes a few words; any other is told, for it would show nothing. */
export function pickWord(flag: string, text: string | undefined, words: readonly string[]): string | undefined {
  return text === undefined ? undefined : readWord(flag, text, words);
}

/** The id under which a user stands in lists. Throws where there is none. */
export async function findUserId({ directory }: Place, idOrEmail: string | undefined): Promise<string | undefined> {
  return idOrEmail === undefined ? undefined : (await directory.getUser(idOrEmail)).id;
}
