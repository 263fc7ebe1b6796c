// Probes of what a conversation is made of: who speaks, media, and reasoning of earlier turns. Knows no format.

import type { Message, Part, ReasoningPart, Request } from "../ir/index.ts";
import {
  HELLO,
  IMAGE,
  type RequestProbe,
  SEALED,
  YES,
  asked,
  listParts,
  said,
  some,
  uncover,
} from "./capability-probe.ts";

/** Opaque reasoning that the client carries, in its own format's way. */
const SIGNED: ReasoningPart = { type: "reasoning", text: "probe thought", signature: SEALED };
const HIDDEN: ReasoningPart = { type: "reasoning", text: "", encrypted: SEALED };

function readMedia(kind: string, source: string) {
  return (request: Request): unknown =>
    some(
      listParts(request).flatMap((part) =>
        part.type === "media" && part.kind === kind && source in part.source ? [part.source] : [],
      ),
    );
}

/** The words of one role, up to the first message of another; `isLate`: those after it. */
function readRole(role: Message["role"], isLate: boolean) {
  return ({ messages }: Request): unknown => {
    const start = messages.findIndex((message) => message.role !== "system" && message.role !== "developer");
    const place = start === -1 ? messages.length : start;
    const range = isLate ? messages.slice(place) : messages.slice(0, place);
    return (
      range
        .map((message) => (message.role === role ? joinText(message.parts) : ""))
        .join("")
        .trim() || undefined
    );
  };
}

function joinText(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

function readThought(select: (part: Extract<Part, { type: "reasoning" }>) => unknown) {
  return (request: Request): unknown =>
    some(
      listParts(request).flatMap((part) => {
        const value = part.type === "reasoning" ? select(part) : undefined;
        return value === undefined || value === "" ? [] : [value];
      }),
    );
}

export const MESSAGE_PROBES: readonly RequestProbe[] = [
  {
    feature: "system",
    about: "system instructions",
    ask: () => ({ messages: [{ role: "system", parts: [{ type: "text", text: "Be a probe." }] }, HELLO] }),
    read: readRole("system", false),
  },
  {
    feature: "developer",
    about: "developer instructions",
    ask: () => ({ messages: [{ role: "developer", parts: [{ type: "text", text: "Be a probe." }] }, HELLO] }),
    read: readRole("developer", false),
  },
  {
    feature: "system-later",
    about: "system instructions among the messages",
    ask: () => ({ messages: [HELLO, { role: "system", parts: [{ type: "text", text: "Be a probe." }] }, HELLO] }),
    read: readRole("system", true),
  },
  {
    feature: "image-url",
    about: "images by address",
    ask: () => asked({ type: "media", kind: "image", source: { url: "https://probe.test/a.png" }, mediaType: null }),
    read: readMedia("image", "url"),
  },
  { feature: "image-data", about: "images as data", ask: () => asked(IMAGE), read: readMedia("image", "base64") },
  {
    feature: "audio",
    about: "sound as data",
    ask: () => asked({ type: "media", kind: "audio", source: { base64: "UklGRg==" }, mediaType: "audio/wav" }),
    read: readMedia("audio", "base64"),
  },
  {
    feature: "document-data",
    about: "PDF as data",
    ask: () =>
      asked({
        type: "media",
        kind: "document",
        source: { base64: "JVBERi0xLjQ=" },
        mediaType: "application/pdf",
        filename: "probe.pdf",
      }),
    read: readMedia("document", "base64"),
  },
  {
    feature: "document-url",
    about: "PDF by address",
    ask: () =>
      asked({
        type: "media",
        kind: "document",
        source: { url: "https://probe.test/a.pdf" },
        mediaType: "application/pdf",
      }),
    read: readMedia("document", "url"),
  },
  {
    feature: "file-id",
    about: "files kept at the provider",
    ask: () => asked({ type: "media", kind: "document", source: { fileId: "file-probe" }, mediaType: null }),
    read: readMedia("document", "fileId"),
  },
  {
    feature: "thought-text",
    about: "earlier reasoning",
    ask: () => said({ type: "reasoning", text: "probe thought" }, YES),
    otherwise: (_, origin) => said({ type: "reasoning", text: "probe thought", origin }, YES),
    bare: said(YES),
    facts: { returnsReasoning: "content" },
    read: readThought(({ text, signature, encrypted }) =>
      signature === undefined && encrypted === undefined ? text : undefined,
    ),
  },
  {
    feature: "thought-signature",
    about: "earlier reasoning that the provider signed",
    ask: (_, origin) => said({ ...SIGNED, origin }, YES),
    otherwise: (origin) => said({ ...SIGNED, origin }, YES),
    carries: SIGNED,
    meant: [SEALED],
    facts: { returnsReasoning: "details" },
    bare: said(YES),
    read: readThought(({ signature }) => uncover(signature)),
  },
  {
    feature: "thought-sealed",
    about: "earlier reasoning that the provider sealed",
    ask: (_, origin) => said({ ...HIDDEN, origin }, YES),
    otherwise: (origin) => said({ ...HIDDEN, origin }, YES),
    carries: HIDDEN,
    meant: [SEALED],
    facts: { returnsReasoning: "details" },
    bare: said(YES),
    read: readThought(({ encrypted }) => uncover(encrypted)),
  },
];
