// What a provider is: one frozen value that says where it is, how to prove who asks, and what is peculiar to it.
// It calls no model: the gateway sends.

import type { JsonObject, Usage } from "../ir/index.ts";
import type { Frame } from "../lib/sse.ts";
import type { RestFamily } from "../wire/rest/type.ts";
import type { ModelFacts, WireId } from "../wire/type.ts";
import type { KeyStrategy } from "./settings.ts";

export interface ListedModel {
  id: string;
  /** Seconds since the epoch; null where the provider does not say. */
  createdAt: number | null;
  ownedBy: string;
}

/**
 * How an answer's price is looked up: in the price list of a vendor, by the address that served it, or not at all because it is free.
 * `by: "asked"` where the name that was asked for says more than the one in the answer.
 */
export type Pricing = { vendor: string; by?: "asked" } | { apiUrl: string } | "free";

/** Turns the bytes of a streamed answer into frames; each frame's `raw` is what a client of Server-Sent Events is to get. */
export interface FrameReader {
  push(bytes: Uint8Array): Frame[];
  end(): Frame[];
}

/** Where a format is spoken, and what of a body must be otherwise there. */
export interface Endpoint {
  url: string;
  /** Whether what a client's query says in the format is said there, too. */
  takesQuery?: true;
  /** Headers for this format alone, beside the provider's. */
  headers?: Readonly<Record<string, string>>;
  /** Names of client headers that are handed on with this format alone, likewise. */
  requestHeaders?: readonly string[];
  /** Fields that have another name there. Where both are given, the one under the other name stands. */
  rename?: Readonly<Record<string, string>>;
  /** Fields set in the body, whatever the client said. */
  set?: JsonObject;
  /** Fields taken out because the address says them, or because what they ask for happens anyway; nobody loses anything. */
  remove?: readonly string[];
  /** Fields that this server refuses: left out of forwarded bodies, and reported. */
  refused?: readonly string[];
  /** Fields that it does not know and without which a request would mean something else: refused, with the code that clients act on. */
  forbidden?: Readonly<Record<string, string>>;
  /** Fields that it refuses where they are an empty list: left out, which says the same. */
  refusedEmpty?: readonly string[];
  /** How bodies and whole answers of the format become this server's own, in formats that are no chat. */
  convert?: {
    request(body: JsonObject): JsonObject;
    /** Fields of the format that it reads: others do not get there, and are reported. All of them where missing. */
    reads?: readonly string[];
    /** `estimate` counts what was asked, for clients that want a count where the server gives none. Null where it is no answer. */
    answer(answer: JsonObject, asked: JsonObject, headers: Headers, estimate: () => number): JsonObject | null;
    /** The server's own words on what was used; null where it says nothing, and what the answer tells is our estimate. */
    report?(answer: JsonObject, headers: Headers): JsonObject | null;
  };
  /** What of the client's headers cannot be said there, as it is reported. */
  dropped?: readonly string[];
  /** Its errors are not of the format: they are told anew instead of handed on. */
  hasForeignErrors?: true;
  /** Fields of the body that must be otherwise because of what is in them, and what of that is left out. */
  amend?(body: JsonObject): { set: JsonObject; dropped: readonly string[] };
  /** How a streamed answer arrives; as Server-Sent Events where missing. */
  framing?: { contentType: string; read(): FrameReader };
}

/** A request as it will be sent, for those who sign it. */
export interface OutgoingRequest {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Null for a body that is streamed. */
  body: string | null;
}

export interface Rest {
  baseUrl: string;
  /** What stands between the root and the gateway's own paths, such as `/v1`; nothing where missing. */
  version?: string;
  offers: readonly RestFamily[];
  /** Paths of the same server that do not lie under the root, and where they begin: other versions, uploads. */
  beside?: { baseUrl: string; paths: RegExp };
  /** Goes with every address, such as `api-version=preview`; nothing where missing. */
  query?: string;
  /** What a model is called there, where that is another name than the one it is known by. */
  nameOf?: (model: string) => string;
  /** What of it costs nothing. */
  free?: readonly RestFamily[];
  /** Answers in this process instead of over the network. */
  answer?: (path: string, body: JsonObject) => Response;
}

export interface UsageLater {
  /** Behind the base URL, by the id that the answer gave itself. */
  path(id: string): string;
  /** Null where it is not known yet. `report` holds the provider's own words. */
  read(body: JsonObject): { usage: Usage; model: string | null; report: JsonObject } | null;
}

/** One of the keys of a provider: the same provider, with credentials of its own. */
export interface Account {
  provider: Provider;
  weight: number;
}

export interface Provider {
  name: string;
  /** The label of the key that it is asked with, where it has several. */
  account?: string;
  /** It with each of its keys; missing where it has one at most. */
  pool?: readonly [Account, ...Account[]];
  /** Which of these comes first, where the operator says so. */
  keyStrategy?: KeyStrategy;
  /** The formats in which a model is spoken to: the client's own is forwarded, else the first chat format is translated to. */
  speaks(model: string): readonly WireId[];
  /** The name of a model without what may stand before it; missing where each has one name only. */
  plainName?(model: string): string;
  /** The address for one of the formats in `speaks`; `headers` are the client's, where there is one. */
  endpoint(wire: WireId, target: { model: string; stream: boolean; headers?: Headers }): Endpoint;
  /** Fixed credentials and headers. */
  headers: Readonly<Record<string, string>>;
  /**
   * Further headers that prove who asks, where they are made for each call: signatures, tokens that expire. Throws a GatewayError
   * (not_configured, upstream_unavailable). Null where `headers` suffice.
   */
  authorize: ((request: OutgoingRequest) => Promise<Record<string, string>>) | null;
  /** True where what `authorize` makes depends on the body, which must therefore be whole before it is sent. */
  signsBody?: true;
  /** Names of client headers that are handed on to it, lower case; where `headers` has one too, both values go, joined by a comma. */
  requestHeaders: readonly string[];
  /** Of `headers`, those that say which version of the format a body is in: a forwarded body is in its client's. */
  versionHeaders?: readonly string[];
  /** Beginnings of names of its response headers that are handed back, lower case. */
  responseHeaders: readonly string[];
  /** Where and how it lists its models, `more` being further addresses; null where it cannot. */
  listing: { url: string; more?: readonly string[]; decode(body: JsonObject): ListedModel[] } | null;
  /** Models that are known without asking. */
  knownModels: readonly ListedModel[];
  /** What is missing before it can be called, and how to supply it; null where nothing is. */
  missing: string | null;
  pricing: Pricing;
  facts(model: string): ModelFacts;
  /** The root under which everything else is asked for, and what of it the gateway's own paths lead to; null where there is nothing. */
  rest: Rest | null;
  /** Where it tells afterwards what a call used whose answer was cut; missing where it does not. */
  usageLater?: UsageLater;
  /** Answers in this process instead of over the network. */
  answer: ((wire: WireId, body: JsonObject) => Response) | null;
}
