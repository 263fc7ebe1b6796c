// What a wire format is: six pure functions, its client paths, and what may change when its bytes are forwarded.
// A wire knows no URL of a provider, no key, no HTTP client and no other wire.

import type {
  Dropped,
  EmbeddingRequest,
  EmbeddingResponse,
  Event,
  GatewayError,
  JsonObject,
  ReasoningEffort,
  Request,
  Response,
  UpstreamError,
  Usage,
} from "../ir/index.ts";
import type { Frame } from "../lib/sse.ts";
import type { FieldNames, Sources } from "./field-name.ts";

/** Formats that clients speak to us, and providers too. */
export type ClientWireId =
  | "anthropic-count"
  | "anthropic-messages"
  | "gemini"
  | "gemini-batch-embed"
  | "gemini-count"
  | "gemini-embed"
  | "openai-chat"
  | "openai-embeddings"
  | "openai-responses"
  | "openai-responses-compact"
  | "openai-responses-count";
/** Formats that only providers speak. */
export type TargetOnlyId = "bedrock-converse" | "cohere-chat";
export type WireId = ClientWireId | TargetOnlyId;

/** What the address of a request says, in formats that put it there; null where the body says it. */
export interface Address {
  model: string | null;
  stream: boolean | null;
  /** What of its query belongs to the format, `?` and all; missing where that is nothing. */
  query?: string;
}

/** The address of formats that say everything in the body. */
export const PLAIN_ADDRESS: Address = Object.freeze({ model: null, stream: null });

/** What the gateway must know of a request before it can route it. */
export interface Peek {
  model: string;
  stream: boolean;
}

/** A synchronous machine: `push` for each item in order, then `end` once; both give what became known. */
export interface Machine<In, Out> {
  push(item: In): Out[];
  end(): Out[];
}

/** Reads a streamed answer. */
export interface AnswerDecoder extends Machine<Frame, Event> {
  /** The provider's own report of what was used, as it last sent it; null where it has not. */
  report(): JsonObject | null;
  /**
   * Whether every choice that began has said why it ended, in formats whose servers may say that too early: then `choice-end` waits until
   * nothing more can come. Missing where `choice-end` comes with the reason.
   */
  hasEnded?(): boolean;
  /** The format has no last frame: where a server stays there behind the end of its answer, silence alone tells that it was the end. */
  endsInSilence?: true;
}

/** What a target format needs to know of the model that it will ask, beyond the request itself. */
export interface ModelFacts {
  /** Output limit to ask for where the client gave none and the format demands one. */
  defaultMaxOutputTokens: number;
  /** The most output tokens that the model accepts; null where unknown. */
  maxOutputTokens: number | null;
  /** How the model is told to reason: by a token budget, by effort alone, or not at all. */
  reasoning: "budget" | "effort" | "none";
  /** The levels of effort that the model knows; missing where nobody knows: then low, medium and high. */
  efforts?: readonly ReasoningEffort[];
  /** Budgets in tokens that the model takes, where it reasons by them; `canStop` where 0, below the least, switches reasoning off. */
  budget?: { least: number; most: number; canStop: boolean };
  /** True where results of tools may hold media, in formats in which not every model takes them there. */
  takesMediaResults?: boolean;
  /** Parameters that the model or its server refuses: left out where they are asked for, and reported. */
  refuses?: readonly RefusableField[];
  /** The name of the output limit, in the format that has two. */
  limitField?: "max_tokens" | "max_completion_tokens";
  /** True where cache marks are taken on messages and parts, in formats to which they are foreign. */
  takesCacheMarks?: boolean;
  /** True where the model takes explicit breakpoints for its prompt cache, in the format that has them beside foreign marks. */
  takesBreakpoints?: boolean;
  /** True where instructions may stand among the messages, in formats whose models do not all allow it. */
  takesInlineInstructions?: boolean;
  /** True where content that is text alone must be one string, in formats that have lists of parts, too. */
  joinsText?: boolean;
  /** `short`: ids of tool calls must be nine letters or digits. */
  callIds?: "short";
  /** Whose own parameters and limits the model has, in formats that serve models of many makers; missing where nobody knows. */
  family?: ModelFamily;
  /** True where the model can be held to a JSON schema, in formats in which not every one can. */
  keepsSchema?: boolean;
  /** How reasoning of earlier turns goes back, in formats that have several ways for it; missing where it must not. */
  returnsReasoning?: "content" | "details" | "signatures";
}

export type ModelFamily = "claude" | "command" | "gpt" | "gpt-oss" | "mistral" | "nova";

export type RefusableField =
  | "frequencyPenalty"
  | "logprobs"
  | "metadata"
  | "parallelToolCalls"
  | "presencePenalty"
  | "promptCacheKey"
  | "reasoning"
  | "responseSchema"
  | "safetyIdentifier"
  | "seed"
  | "serviceTier"
  | "stop"
  | "streamOptions"
  | "strictTools"
  | "temperature"
  | "topK"
  | "topP"
  | "user"
  | "verbosity";

export interface Encoded {
  body: JsonObject;
  /** Fields of the client's request that this format cannot say, and that do not change the meaning. */
  dropped: Dropped[];
}

/** The client's side of a translated call: what its format's encoder needs beside the answer. */
export interface ClientContext {
  /** The client's own request, as its wire decoded it. */
  request: Request;
  /** The call's id, a UUID: formats that need an id of ours derive it from this one. */
  callId: string;
  /** Seconds since the epoch, for formats that stamp answers. */
  nowSeconds: number;
  /** What the client knows the request by, for errors that a stream ends in; missing where nobody does. */
  requestId?: string;
}

/** What a request says of answers that are kept. */
export interface MemoryAsk {
  /** The kept answer that it goes on from. */
  previousId: string | null;
  /** Ids of items of kept answers that it names instead of giving them. */
  references: readonly string[];
  /** A conversation that the provider keeps. */
  conversation: { id: string | null; param: string } | null;
  /** Whether its own answer is to be kept. */
  isKept: boolean;
  /** Whether the client does not wait for the answer. */
  isBackground: boolean;
  /** What is asked of whoever keeps answers: taken out of the request where that is us, and told again in the answer. */
  ours: JsonObject;
}

/** One turn that is over: the items of its request that were new then, and its answer. */
export interface Turn {
  input: readonly JsonObject[];
  answer: JsonObject;
  /** Made by another provider than the one that will be asked: what was sealed there means nothing here. */
  isForeign: boolean;
}

/** How a background answer ends without being complete. */
export type Outcome = "cancelled" | GatewayError;

/** A format in which answers are kept, and gone on from by their ids. All of it is pure. */
export interface WireMemory {
  /** Where kept answers are found: below this path here, below the format's own address at providers that keep them. */
  path: string;
  /** The part of a provider's interface under which it keeps them itself. */
  family: string;
  /** What a provider may be told of how its kept answer is to be shown. */
  showQuery: readonly string[];
  /** Throws invalid_request where the request contradicts itself. */
  ask(body: JsonObject): MemoryAsk;
  /**
   * The request as one that stands alone: the turns before it (oldest first) and the items it names stand in it. `isForwarded`: for a
   * provider that speaks this format, and did not make those items.
   */
  extend(
    body: JsonObject,
    earlier: {
      turns: readonly Turn[];
      items: ReadonlyMap<string, { item: JsonObject; isForeign: boolean }>;
      isForwarded: boolean;
    },
  ): JsonObject;
  /** The request's own new items, with those in place that it only names. */
  listInput(body: JsonObject, items: ReadonlyMap<string, JsonObject>): JsonObject[];
  /** The items of an answer that have an id. */
  listItems(answer: JsonObject): { id: string; item: JsonObject }[];
  /** The answer whose request had the item of this id, where the id is one that `printInput` made. */
  traceInput(itemId: string): { answerId: string; index: number } | null;
  /** The answer inside the events of a stream (complete SSE text); null where none of them holds one. */
  findAnswer(events: string): JsonObject | null;
  /** An answer that is still to be made. */
  begin(answer: JsonObject, status: "in_progress" | "queued"): JsonObject;
  /** A complete answer as one that was made in the background, under the id that the client has. */
  adopt(answer: JsonObject, id: string): JsonObject;
  /** An answer that will never be complete. */
  close(answer: JsonObject, outcome: Outcome): JsonObject;
  /** Whether nothing more will become of it. */
  isOver(answer: JsonObject): boolean;
  /** Whether it was asked for in the background. */
  isBackground(answer: JsonObject): boolean;
  /** Events (complete SSE text) without those up to number `after`. */
  skipEvents(events: string, after: number): string;
  /** The stream that the answer stands for, without the events up to number `after`, but with its end in any case. */
  replay(answer: JsonObject, after: number): string;
  /** One page of a request's items. Throws invalid_request. */
  printInput(input: readonly JsonObject[], answerId: string, query: URLSearchParams): JsonObject;
  printRemoved(id: string): JsonObject;
  /** What is not there, in the format's own words. */
  missing(what: "answer" | "item" | "previous", id: string): GatewayError;
}

/** How far a limit of so many a minute is used up. */
export interface LimitFigure {
  limit: number;
  remaining: number;
  /** In so long it begins anew. */
  resetMs: number;
}

/** Of the limits of requests and of tokens that concern a call, those of which the least is left; null where there is none. */
export interface LimitFigures {
  requests: LimitFigure | null;
  tokens: LimitFigure | null;
  /** By the wall clock. */
  nowMs: number;
}

interface WireBase {
  id: ClientWireId;
  /** Name of the operation on the ledger, such as `chat.completions`. */
  endpoint: string;
  /** Paths of this format (POST). `{model}` in one stands for a model's name, slashes and all; what else it means is in `address`. */
  paths: readonly string[];
  /** False where clients take a comment in a stream of events for one of them. */
  takesComments?: false;
  /** What each path with a `{model}` says of streaming; missing where no path has one. */
  address?: (path: string) => { stream: boolean };
  /** What the query of such a path may say to a provider that speaks the format itself. */
  query?: readonly string[];
  /** Checks the fields that every target needs and reads what routing needs. Throws `invalid_request` with `param` set. */
  peek(body: JsonObject, address?: Address): Peek;
  /** Formats whose requests may go on from an answer that is kept. */
  memory?: WireMemory;
  /**
   * What of a request its answer depends on; null where asking does more than to bring an answer, or where the answer depends on what a
   * provider keeps. Missing where no answer may be given twice.
   */
  repeatable?: (body: JsonObject) => JsonObject | null;
  forward: {
    /** The client's own text with only the declared fields changed: the model's name, and a request for usage in streams. */
    request(raw: string, body: JsonObject, model: string): string;
    /**
     * What the client gets of one upstream frame: its text, without the usage that `request` asked for although the client had not;
     * "" for nothing. `body` is the client's own request.
     */
    frame(frame: Frame, body: JsonObject): string;
    /**
     * Whether an event, by its data, says something of the answer that no canonical event stands for, such as sound, or a tool that the provider
     * runs: what is done is not to be done again elsewhere. Asked until the first output.
     */
    says?(data: string): boolean;
  };
  /** How answers tell of rate limits; missing where as most do. */
  limitHeaders?: (figures: LimitFigures) => Record<string, string>;
  error: {
    /** Reads an upstream's error body; `body` is the parsed JSON, or the raw text where it is none. */
    decode(status: number | null, body: JsonObject | string): UpstreamError;
    /** The error as this format's clients expect it. */
    encode(error: GatewayError, requestId: string): JsonObject;
    /**
     * The error as the last frame(s) of a stream that has already begun: complete SSE text. `told` is what the client has got of it, in this
     * same format, where anything came.
     */
    encodeFrame(error: GatewayError, requestId: string, told?: Told): string;
  };
}

/** The data of the first and of the last frame of a stream. */
export interface Told {
  first: string;
  last: string;
}

/** A chat format: it can be translated to and from every other chat format through the IR. */
export interface ChatWire extends WireBase {
  operation: "chat";
  /** Missing where another format's clients list models in the same way. */
  listing?: ModelListing;
  /** True where an answer can say of itself that it ended in an error; clients of other formats are told by an error in its place. */
  saysFailure?: true;
  /** What its clients call the fields that encoders report in Chat's words; missing where they call them the same. */
  fieldNames?: FieldNames;
  /** `peek` is what this wire's own `peek` found. */
  request: {
    /** `sources` is filled with where in the body messages, parts and tools stand, in formats that number them otherwise than we do. */
    decode(body: JsonObject, peek?: Peek, sources?: Sources): Request;
    encode(request: Request, facts: ModelFacts): Encoded;
  };
  response: {
    decode(body: JsonObject): Response;
    /** The provider's own report of what was used, as it sent it; null where there is none. */
    report(body: JsonObject): JsonObject | null;
    /** What one that only passes by, whole or as one event of a stream, reports of tokens; null where it reports none, or is of another format. */
    count(piece: JsonObject): Usage | null;
    encode(response: Response, client: ClientContext): JsonObject;
    /** What the books need of an answer that is forwarded, at less cost than `decode`; null where only that can tell. */
    meter?(body: JsonObject): { model: string; usage: Usage } | null;
  };
  stream: {
    /** Frames of this format → events, ending in exactly one `finish`. */
    decode(): AnswerDecoder;
    /** Events → complete SSE text of this format, one string a frame. */
    encode(client: ClientContext): Machine<Event, string>;
  };
}

/** A model as it is listed to clients. */
export interface ModelEntry {
  id: string;
  /** Seconds since the epoch; null where nobody knows. */
  createdAt: number | null;
  /** When it was first listed here, likewise. */
  listedAt: number;
  ownedBy: string;
  maxOutputTokens: number | null;
}

/** How a format's clients list models. */
export interface ModelListing {
  /** Addresses of the list (GET); a model's name behind one asks for that model alone. */
  paths: readonly string[];
  /** Whether it is a client of this format that asks, where several formats have the same address. */
  isAsked(request: { headers: Headers; url: string }): boolean;
  /** `query` may ask for a part of the list. Throws an invalid_request where it asks for none that there is. */
  list(models: readonly ModelEntry[], query: URLSearchParams): JsonObject;
  one(model: ModelEntry): JsonObject;
}

/** The provider's half of a chat format: all that a translated call needs of its target. */
export interface TargetWire {
  id: WireId;
  operation: "chat";
  request: { encode(request: Request, facts: ModelFacts): Encoded };
  response: Pick<ChatWire["response"], "count" | "decode" | "report">;
  stream: { decode(): AnswerDecoder };
  error: { decode(status: number | null, body: JsonObject | string): UpstreamError };
  /** Of formats that no client speaks: an answer as its providers give it, as far as they can. Nothing but the capability matrix needs it. */
  sample?: (response: Response) => JsonObject;
}

/** What is no chat: forwarded to providers that speak it themselves; counts and vectors can be had elsewhere, too. */
export interface ForwardWire extends WireBase {
  operation: "compact" | "count" | "embeddings";
  /** Reads usage and the served model from an answer's text without parsing all of it. */
  meter(raw: string): { usage: Usage | null; model: string | null; report: JsonObject | null };
  /** Vectors of texts: what it takes to put them to providers of another such format. */
  vectors?: VectorCodec;
  /** Counts of tokens: the chat request inside, and the answer where we estimate it ourselves. */
  count?: {
    wire: ChatWire;
    unwrap(body: JsonObject): JsonObject;
    encode(tokens: number): JsonObject;
    /** How a chat request, as it was sent, is asked to be counted. */
    ask(request: JsonObject, model: string): JsonObject;
    /** The count that an answer tells; null where it tells none. */
    read(answer: JsonObject): number | null;
    /** True where a count of 0 is told by an answer without any. */
    leavesOutNought?: boolean;
  };
}

export interface VectorCodec {
  /** Both throw an invalid_request where a format has no word for what is to be embedded. */
  request: { decode(body: JsonObject, peek: Peek): EmbeddingRequest; encode(request: EmbeddingRequest): Encoded };
  response: {
    decode(body: JsonObject): EmbeddingResponse;
    /** `body` is the client's own request. */
    encode(response: EmbeddingResponse, body: JsonObject): JsonObject;
  };
}

export type Wire = ChatWire | ForwardWire;
