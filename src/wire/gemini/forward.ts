// What of an answer that only passes by says something of it. Knows no IR.

import { objectOf, objectsOf, readObject } from "../json-read.ts";
import { unifyPart } from "./part.ts";

/** A part that is neither text nor a thought: code that the provider runs, and what came of it. */
export function saysBeside(data: string): boolean {
  const parts = objectsOf(readObject(data)["candidates"]).flatMap(({ content }) =>
    objectsOf(objectOf(content)["parts"]),
  );
  return parts.some((part) => Object.keys(unifyPart(part)).some((name) => !BEGINS.has(name)));
}

/** What text and thoughts are made of, also where they are empty. */
const BEGINS = new Set(["partMetadata", "text", "thought", "thoughtSignature"]);
