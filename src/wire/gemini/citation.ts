// Where an answer took something from: `groundingMetadata` and `citationMetadata` of a candidate ↔ canonical citations on its text.
// Google counts bytes of a part, the canonical places UTF-16 units. Knows no candidate beyond these fields.
// Source: https://ai.google.dev/api/generate-content#GroundingMetadata

import type { Citation, Json, JsonObject } from "../../ir/index.ts";
import { asExtra, unifyNames } from "./body.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

const METADATA_NAMES = ["groundingChunks", "groundingSupports"] as const;
const SUPPORT_NAMES = ["groundingChunkIndices", "confidenceScores"] as const;
const SEGMENT_NAMES = ["startIndex", "endIndex", "partIndex"] as const;
const CITATION_NAMES = ["startIndex", "endIndex"] as const;

/** A citation and the number of the content's part that it belongs to; null where Google does not say. */
export interface PlacedCitation {
  part: number | null;
  citation: Citation;
}

/** The citations of a candidate; `textAt` gives the text of a content's part by its number. */
export function decodeCitations(candidate: JsonObject, textAt: (part: number) => string): PlacedCitation[] {
  const metadata = unifyNames(objectOf(candidate["groundingMetadata"]), METADATA_NAMES);
  const chunks = objectsOf(metadata["groundingChunks"]).map(readChunk);
  const supported = new Set<number>();
  const bytesAt = keepBytes(textAt);
  const placed = objectsOf(metadata["groundingSupports"]).flatMap((item): PlacedCitation[] => {
    const support = unifyNames(item, SUPPORT_NAMES);
    const segment = unifyNames(objectOf(support["segment"]), SEGMENT_NAMES);
    const part = typeof segment["partIndex"] === "number" ? segment["partIndex"] : 0;
    const indices = Array.isArray(support["groundingChunkIndices"]) ? support["groundingChunkIndices"] : [];
    return indices.flatMap((index) => {
      const chunk = typeof index === "number" ? chunks[index] : undefined;
      if (typeof index !== "number" || chunk === undefined) return [];
      supported.add(index);
      return [{ part, citation: { ...chunk, ...readPlace(segment, bytesAt(part)) } }];
    });
  });
  const unplaced = chunks.filter((_chunk, index) => !supported.has(index));
  return [
    ...placed,
    ...unplaced.map((citation) => ({ part: null, citation })),
    ...decodeRecited(candidate["citationMetadata"], bytesAt(0)),
  ];
}

function readChunk(chunk: JsonObject): Citation {
  const source = objectOf(chunk["web"] ?? chunk["retrievedContext"] ?? chunk["maps"] ?? chunk["image"]);
  const url = textOf(source["uri"]) || textOf(source["sourceUri"]);
  const title = textOf(source["title"]);
  const quote = textOf(source["text"]);
  return {
    ...(url === "" ? {} : { url }),
    ...(title === "" ? {} : { title }),
    ...(quote === "" ? {} : { quote }),
  };
}

/** What the answer repeats word for word from a source. */
function decodeRecited(metadata: Json | undefined, bytes: Buffer): PlacedCitation[] {
  const { citations, citationSources } = unifyNames(objectOf(metadata), ["citationSources"]);
  return objectsOf(citations ?? citationSources).map((item) => {
    const recited = unifyNames(item, CITATION_NAMES);
    const url = textOf(recited["uri"]);
    const title = textOf(recited["title"]);
    const rest = omit(recited, ["uri", "title", "startIndex", "endIndex"]);
    return {
      part: 0,
      citation: {
        ...(url === "" ? {} : { url }),
        ...(title === "" ? {} : { title }),
        ...readPlace(recited, bytes),
        ...asExtra(rest),
      },
    };
  });
}

/** The bytes of each text, made once. */
function keepBytes(textAt: (part: number) => string): (part: number) => Buffer {
  const known = new Map<number, Buffer>();
  return (part) => {
    const bytes = known.get(part) ?? Buffer.from(textAt(part), "utf8");
    known.set(part, bytes);
    return bytes;
  };
}

/** Both ends, where the end is told; a start of 0 is left out by Google. */
function readPlace(segment: JsonObject, bytes: Buffer): Pick<Citation, "start" | "end"> {
  const { startIndex, endIndex } = segment;
  if (typeof endIndex !== "number") return {};
  const start = typeof startIndex === "number" ? startIndex : 0;
  return { start: countUnits(bytes, start), end: countUnits(bytes, endIndex) };
}

/** The place in UTF-16 units of a place in bytes. */
function countUnits(bytes: Buffer, end: number): number {
  return bytes.subarray(0, end).toString("utf8").length;
}

/** `groundingMetadata` for citations of texts, each with its number among the content's parts; null where there are none. */
export function encodeCitations(
  texts: readonly { part: number; text: string; citations: readonly Citation[] }[],
): JsonObject | null {
  const chunks: JsonObject[] = [];
  const supports: JsonObject[] = [];
  for (const { part, text, citations } of texts) {
    for (const citation of citations) {
      const { start, end } = citation;
      const index = chunks.push(chunkOf(citation)) - 1;
      if (start === undefined || end === undefined) continue;
      const segment: JsonObject = {
        ...(part === 0 ? {} : { partIndex: part }),
        startIndex: Buffer.byteLength(text.slice(0, start)),
        endIndex: Buffer.byteLength(text.slice(0, end)),
        text: text.slice(start, end),
      };
      supports.push({ segment, groundingChunkIndices: [index] });
    }
  }
  if (chunks.length === 0) return null;
  return { groundingChunks: chunks, ...(supports.length === 0 ? {} : { groundingSupports: supports }) };
}

/** A source with its words is one that was retrieved. */
function chunkOf({ url, title, quote }: Citation): JsonObject {
  const source: JsonObject = {
    ...(url === undefined ? {} : { uri: url }),
    ...(title === undefined ? {} : { title }),
    ...(quote === undefined ? {} : { text: quote }),
  };
  return quote === undefined ? { web: source } : { retrievedContext: source };
}
