// What the probes of requests share: what a probe is, and small questions to begin with. Knows no format.

import type { Message, Part, ReasoningPart, Request } from "../ir/index.ts";
import type { ModelFacts, WireId } from "../wire/index.ts";

export interface RequestProbe {
  feature: string;
  /** What it is, in a few words. */
  about: string;
  /** What makes the request one that has it. `target` is the format in which the provider will be asked. */
  ask(target: WireId, client: WireId): Partial<Request>;
  /** What of the feature is in a request, to be compared; undefined where it is not used. */
  read(request: Request): unknown;
  /** Another way to say it, for formats that have no words for the first. */
  otherwise?: (target: WireId, client: WireId) => Partial<Request>;
  /** Set where it is a client's that has it from an answer: the reasoning in it is to be what that answer gave him. */
  carries?: Omit<ReasoningPart, "origin">;
  /** What `read` gives of it, where that is not what it gives of the probe. */
  meant?: unknown;
  /** The request without it, where that is more than a plain question. */
  bare?: Partial<Request>;
  /** How a client of a format that has several ways says it. */
  facts?: Partial<ModelFacts>;
  /** It asks for what happens anyway, so that leaving it out says the same. */
  isUsual?: true;
}

export const HELLO: Message = { role: "user", parts: [{ type: "text", text: "Hello, probe." }] };
export const YES: Part = { type: "text", text: "Yes." };
export const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/** A question as every format can say it. */
export const PLAIN_QUESTION: Omit<Request, "extra" | "model"> = {
  messages: [HELLO],
  tools: [],
  maxOutputTokens: 2_048,
  stream: false,
};

export function asked(...parts: Part[]): Partial<Request> {
  return { messages: [{ role: "user", parts: [{ type: "text", text: "Look at this." }, ...parts] }] };
}

/** A conversation in which the assistant said this, and the user goes on. */
export function said(...parts: Part[]): Partial<Request> {
  return {
    messages: [HELLO, { role: "assistant", parts }, { role: "user", parts: [{ type: "text", text: "Go on." }] }],
  };
}

export const IMAGE = { type: "media", kind: "image", source: { base64: PIXEL }, mediaType: "image/png" } as const;

export function listParts(request: Request): Part[] {
  return request.messages.flatMap((message) => message.parts);
}

/** Undefined where nothing is found. */
export function some<T>(found: readonly T[]): readonly T[] | undefined {
  return found.length === 0 ? undefined : found;
}

export function readField(name: keyof Request) {
  return (request: Request): unknown => {
    const value = request[name];
    return typeof value === "object" && Object.keys(value).length === 0 ? undefined : value;
  };
}

export function probeField<Name extends keyof Request>(
  feature: string,
  about: string,
  name: Name,
  value: Request[Name],
): RequestProbe {
  return { feature, about, ask: () => ({ [name]: value }), read: readField(name) };
}

/** The white space of arguments says nothing; what is no JSON stays as it is. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Stands for what a provider signed or sealed. */
export const SEALED = "c2VhbGVkLXByb2Jl";

/** Formats may put something to what is sealed, such as the id under which it goes back. */
export function uncover(value: string | undefined): string | undefined {
  return value?.includes(SEALED) === true ? SEALED : value;
}
