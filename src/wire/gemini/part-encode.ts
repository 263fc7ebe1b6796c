// Canonical parts → parts of a content, for requests and answers alike: signatures come back onto the part that they stood on.
// Knows no content and no order of contents; the other direction is part.ts.

import type { JsonObject, ReasoningPart, ToolCallPart } from "../../ir/index.ts";
import { parseArguments } from "../arguments.ts";
import { seal } from "../seal.ts";
import { type FunctionCall, ID, ownFields } from "./body.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

/** Puts parts one behind the other; a seal waits for the part that it belongs to. */
export interface PartWriter {
  parts: JsonObject[];
  /** A part that a waiting signature may stand on. */
  add(part: JsonObject): void;
  addReasoning(part: ReasoningPart): void;
  /** Writes what waits for a part that did not come. */
  end(): void;
}

/** `showsForeign`: what another format's provider signed travels in the signature; else it means nothing to Google, and only the text goes. */
export function createPartWriter(showsForeign: boolean): PartWriter {
  const parts: JsonObject[] = [];
  let waiting: string | null = null;
  const end = (): void => {
    if (waiting !== null) parts.push({ text: "", thoughtSignature: waiting });
    waiting = null;
  };
  return {
    parts,
    add(part) {
      const isSigned = part["thoughtSignature"] !== undefined;
      if (isSigned) end();
      parts.push(waiting === null ? part : { ...part, thoughtSignature: waiting });
      waiting = null;
    },
    addReasoning(part) {
      const isForeign = part.origin !== undefined && part.origin !== ID;
      const signature = isForeign && !showsForeign ? null : closeSignature(part);
      if (part.text === "" && part.extra?.[ID] === undefined) {
        if (signature === null) return;
        end();
        waiting = signature;
        return;
      }
      end();
      parts.push({ ...thoughtOf(part.text, signature), ...ownFields(part.extra) });
    },
    end,
  };
}

/** A shown thought. */
export function thoughtOf(text: string, signature: string | null): JsonObject {
  return { text, thought: true, ...(signature === null ? {} : { thoughtSignature: signature }) };
}

/** The signature for a part's opaque value: Google's own as it is, another's marked and in base64; null where there is none. */
export function closeSignature(part: Pick<ReasoningPart, "signature" | "encrypted" | "origin">): string | null {
  const value = seal(part, ID);
  if (value === null || value === "") return null;
  const isOwn = part.origin === undefined || part.origin === ID;
  return isOwn ? value : Buffer.from(value, "utf8").toString("base64");
}

/** A call; `name` as the other side knows the tool. Arguments that are no object are given as text, in a field of their own. */
export function encodeCall(part: ToolCallPart, name: string): JsonObject {
  const { functionCall, id, ...own } = ownFields(part.extra);
  const args = part.custom === true ? { input: part.arguments } : parseArguments(part.arguments);
  const call: FunctionCall = {
    ...(id === false ? {} : { id: part.id }),
    name,
    args: args ?? { _raw: part.arguments },
  };
  return { functionCall: { ...call, ...objectOf(functionCall) }, ...own };
}

/** Whether a part holds a call. */
export function isCall(part: JsonObject): boolean {
  return textOf(objectOf(part["functionCall"])["name"]) !== "";
}

/** A kept text part's own fields, without what notes something only. */
export function textPartOf(text: string, own: JsonObject): JsonObject {
  return { text, ...omit(own, ["part"]) };
}
