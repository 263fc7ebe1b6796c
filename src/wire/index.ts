// The table of wire formats, and the room's types. A new format is one line here.

import type { JsonObject } from "../ir/index.ts";
import { anthropicCount } from "./anthropic-messages/count.ts";
import { anthropicMessages } from "./anthropic-messages/index.ts";
import { bedrockConverse } from "./bedrock-converse/index.ts";
import { cohereChat } from "./cohere-chat/index.ts";
import { geminiCount } from "./gemini/count.ts";
import { geminiBatchEmbed, geminiEmbed } from "./gemini/embed.ts";
import { gemini } from "./gemini/index.ts";
import { findResult, readMetered } from "./meter.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiEmbeddings } from "./openai-embeddings/index.ts";
import { openaiResponsesCompact, openaiResponsesCount } from "./openai-responses/count.ts";
import { openaiResponses } from "./openai-responses/index.ts";
import type { Metered } from "./rest/type.ts";
import type {
  ChatWire,
  ClientWireId,
  ForwardWire,
  ModelListing,
  TargetWire,
  VectorCodec,
  Wire,
  WireId,
  WireMemory,
} from "./type.ts";

export const WIRES = {
  "anthropic-count": anthropicCount,
  "anthropic-messages": anthropicMessages,
  gemini,
  "gemini-batch-embed": geminiBatchEmbed,
  "gemini-count": geminiCount,
  "gemini-embed": geminiEmbed,
  "openai-chat": openaiChat,
  "openai-embeddings": openaiEmbeddings,
  "openai-responses": openaiResponses,
  "openai-responses-compact": openaiResponsesCompact,
  "openai-responses-count": openaiResponsesCount,
} as const satisfies Partial<Record<ClientWireId, Wire>>;

const TARGETS_ONLY: readonly TargetWire[] = [bedrockConverse, cohereChat];

/** The chat formats that providers are spoken to in. */
export const TARGETS: ReadonlyMap<WireId, TargetWire> = new Map<WireId, TargetWire>(
  [...Object.values<Wire>(WIRES).flatMap((wire) => (wire.operation === "chat" ? [wire] : [])), ...TARGETS_ONLY].map(
    (wire) => [wire.id, wire],
  ),
);

/** The formats in which providers are asked for vectors, those first that take many texts at once. */
export const VECTORS: readonly (ForwardWire & { vectors: VectorCodec })[] = Object.values<Wire>(WIRES).flatMap(
  (wire) => (wire.operation === "embeddings" && wire.vectors !== undefined ? [{ ...wire, vectors: wire.vectors }] : []),
);

/** The formats that list models, that of addresses which belong to none first. */
export const LISTERS: readonly (ChatWire & { listing: ModelListing })[] = Object.values<Wire>(WIRES)
  .flatMap((wire) =>
    wire.operation === "chat" && wire.listing !== undefined ? [{ ...wire, listing: wire.listing }] : [],
  )
  .toSorted((left, right) => Number(right.id === openaiChat.id) - Number(left.id === openaiChat.id));

/** The formats whose answers are kept. */
export const KEEPING: readonly (ChatWire & { memory: WireMemory })[] = Object.values<Wire>(WIRES).flatMap((wire) =>
  wire.operation === "chat" && wire.memory !== undefined ? [{ ...wire, memory: wire.memory }] : [],
);

/** The format of answers on addresses that belong to none. */
export const DEFAULT_WIRE: Wire = openaiChat;

/** The format of a client on addresses that several formats share, told from its headers. */
export function guessWire(headers: Headers): Wire {
  if (headers.has("anthropic-version")) return anthropicMessages;
  // By it Google's own clients name themselves; the header of their key is anybody's.
  return headers.has("x-goog-api-client") ? gemini : DEFAULT_WIRE;
}

/** Whether what is only forwarded is meant in that format: Google's objects have the same addresses and another form, which would be read as none. */
export function sharesRest(wire: Wire): boolean {
  return wire !== gemini;
}

/** The format of a client at an address that leads nowhere: the one whose own addresses begin most like it, else told from its headers. */
export function guessWireAt(path: string, headers: Headers): Wire {
  // With a slash behind it, the list that belongs to none would look like the beginning of Google's addresses.
  if (LISTERS[0]?.listing.paths.includes(path.replace(/\/$/u, "")) === true) return guessWire(headers);
  const pieces = path.split("/");
  let most = 1;
  let found: Wire | null = null;
  for (const wire of Object.values<Wire>(WIRES)) {
    if (wire.operation !== "chat") continue;
    for (const own of wire.paths) {
      const alike = countAlike(own.split("/"), pieces);
      // Above the format's own addresses there may be others'.
      const isAbove = alike === pieces.length && path !== own;
      if (isAbove || alike < most || (alike === most && found === wire)) continue;
      // Where two begin alike, neither is meant.
      found = alike === most ? null : wire;
      most = alike;
    }
  }
  return found ?? guessWire(headers);
}

function countAlike(left: readonly string[], right: readonly string[]): number {
  const other = left.findIndex((piece, index) => piece !== right[index]);
  return other === -1 ? left.length : other;
}

const COUNTERS = [...TARGETS.values()].map(({ response }) => response.count);

/** What a whole answer, or one event of a stream, reports of its cost. */
export function meterAnswer(answer: JsonObject): Metered {
  return readMetered(answer, COUNTERS);
}

/** The same of one line of a batch's results. */
export function meterResult(line: JsonObject): Metered {
  return meterAnswer(findResult(line));
}

/** What a list's next page is asked for by. */
export function nameCursor(wire: Wire): string {
  return wire === anthropicMessages ? "after_id" : "after";
}

export { type Sources, nameField, namePlace } from "./field-name.ts";
export { encodeLimitHeaders } from "./openai-limit.ts";
export { REST } from "./rest/family.ts";
export { readSaid } from "./rest/said.ts";
export { type Place, type RestAddress, listAddresses, listFollowed } from "./rest/place.ts";
export { type Reference, findReferences, isReferenceField, mayReference } from "./rest/reference.ts";
export type * from "./rest/type.ts";
export { findVendorPage } from "./rest/vendor-page.ts";
export { PLAIN_ADDRESS } from "./type.ts";
export type * from "./type.ts";
export { nameMarks } from "./units.ts";
export { classifyUpstream, isOverflow, isRefusal } from "./upstream-error.ts";
