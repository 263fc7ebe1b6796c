// What one inference request is, and what the gateway needs to answer it: values and doors, assembled by whoever serves.

import type { Caller, KeyLimits } from "../identity/index.ts";
import { GatewayError, type JsonObject, invalidRequest, isJsonObject } from "../ir/index.ts";
import type { Budgets, LedgerEntry, LedgerStore, LedgerWriter, PriceBook, Recounter } from "../ledger/index.ts";
import type { Share } from "../lib/share.ts";
import type { Clock } from "../lib/clock.ts";
import type { Errands } from "../lib/errand.ts";
import { MAX_DEPTH, MAX_HOLDERS, findExcess, isDeeper } from "../lib/depth.ts";
import { findRepeated, findRepeatedKey } from "../lib/json-edit.ts";
import type { SharedDelay } from "../lib/shared-delay.ts";
import type { Spool } from "../lib/spool.ts";
import { type Redact, holdsKey } from "../lib/redact.ts";
import type { Provider } from "../provider/index.ts";
import type { Address, Wire } from "../wire/index.ts";
import type { AnswerCache } from "./cache/cache.ts";
import type { CacheScene } from "./cache/rules.ts";
import type { Sharing, SharingScene } from "./cache/sharing.ts";
import type { Capture } from "./capture.ts";
import type { Catalog } from "./catalog.ts";
import type { Presence, Rights } from "./presence.ts";
import type { Bindings } from "./rest/binding.ts";
import type { Memory } from "./memory.ts";
import type { RateLimits } from "./limit/index.ts";
import type { Hedges } from "./hedge.ts";
import type { Mirrors } from "./mirror.ts";
import type { Router } from "./route.ts";
import type { Fetch } from "./send.ts";
import type { Deadlines } from "./way/deadline.ts";
import type { Admission, CapRules } from "./way/admission.ts";
import type { Fleet } from "./way/fleet.ts";
import type { RetryBudget } from "./way/retry.ts";
import type { TravelRules } from "./way/travel.ts";
import type { UnknownPrice } from "./unknown-price.ts";

export interface Call {
  /** The row's id: UUIDv7, ours alone. */
  id: string;
  /** What the client sees in `x-request-id`. */
  requestId: string;
  wire: Wire;
  /** What the path says, in formats that put the model there. */
  address: Address;
  /** How the client takes a stream. */
  framing: "json-array" | "sse";
  caller: Caller;
  headers: Headers;
  /** Aborted when the client goes away. */
  signal: Presence;
  /** All of the answer is there: for a client that takes none of it nobody waits. Missing where there is no client. */
  letGo?: () => void;
  startedWallMs: number;
  startedMs: number;
  /** The body's text. Rejects with a GatewayError (too_large, invalid_request). */
  read(): Promise<string>;
}

/** What can change while the gateway runs: replaced as a whole, never in part. */
export interface Scene {
  router: Router;
  catalog: Catalog;
  providers: ReadonlyMap<string, Provider>;
  workMode: "auto" | "passthrough";
  /** What becomes of a provider's calls whose price nobody knows. */
  unknownPrice(provider: string): UnknownPrice;
  /** How long a provider may take, where no route says otherwise. */
  deadlinesOf(provider: string): Deadlines;
  /** What budgets reserve of output where a call sets no limit. */
  defaultOutputTokens: number;
  /** Between two signs of life while a stream has not begun; 0: none. */
  keepAliveMs: number;
  /** How often and how long another answer is tried for. */
  travel: TravelRules;
  /** How much may be under way at once. */
  caps: CapRules;
  /** The longest answer that is held in memory. */
  maxAnswerBytes: number;
  redact: Redact;
  cache: CacheScene;
  sharing: SharingScene;
  /** What the key is limited to that this scene is for; missing where it is for all. */
  limits?: KeyLimits;
}

export interface GatewayTools {
  scene(): Scene;
  fetch: Fetch;
  clock: Clock;
  /** Until a call is one that takes long. */
  longCalls: SharedDelay;
  ledger: LedgerWriter;
  /** What is on the books already. */
  books: Pick<LedgerStore, "corrections">;
  capture: Capture;
  prices: PriceBook;
  /** Who of those that may be asked is asked first, and how they are doing. */
  fleet: Fleet;
  /** What is known for asking a second target beside a slow one. */
  hedges: Hedges;
  /** Room for requests that are sent to a second target as well. */
  mirrors: Mirrors;
  /** Who may come in at once, and who waits. */
  admission: Admission;
  /** How much trying again a provider is to bear. */
  retryBudgets: { of(provider: string): RetryBudget };
  /** A call is made though nobody knows its price. */
  unpriced: (provider: string, model: string, tier: string) => void;
  /** What is done behind everybody's back. */
  errands: Errands;
  /** Counts rows that are durable. */
  metrics: { settled(row: LedgerEntry, elsewhere?: readonly Share[]): void };
  /** Counts again what is on the books. */
  recounter: Recounter;
  budgets: Pick<Budgets, "book" | "reserve">;
  limits: RateLimits;
  /** Ends what goes on by a right that is no more. */
  rights: Rights;
  bindings: Bindings;
  /** A place for what of a request's body must wait. */
  openSpool: () => Spool;
  memory: Memory;
  /** Null where no answer is ever given again. */
  cache: AnswerCache | null;
  sharing: Sharing;
  /** A failure that no response can tell any more, for the log. */
  report: (error: GatewayError, requestId: string) => void;
}

/** The body as a JSON object, or an `invalid_request` that says where it breaks off. */
export function parseBody(raw: string): JsonObject {
  refuseExcess(raw);
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^JSON Parse error: /u, "") : "";
    throw new GatewayError({
      kind: "invalid_request",
      code: "invalid_json",
      message: `The request body is not valid JSON: ${raw.trim() === "" ? "it is empty" : detail}.`,
      cause: error,
    });
  }
  if (!isJsonObject(value)) {
    throw invalidRequest("The request body must be a JSON object.", undefined, "invalid_json");
  }
  if (isDeeper(value, MAX_DEPTH)) throw nestedTooDeep();
  return value;
}

/** Parsed, it would take forty times its length in memory. */
function refuseExcess(raw: string): void {
  const excess = findExcess(raw);
  if (excess === "deep") throw nestedTooDeep();
  if (excess === null) return;
  throw invalidRequest(
    `The request body is made of more than ${MAX_HOLDERS} objects and lists. Send it in several requests.`,
    undefined,
    "too_many_values",
  );
}

function nestedTooDeep(): GatewayError {
  return invalidRequest(
    `The request body is nested deeper than ${MAX_DEPTH} levels, which no provider takes.`,
    undefined,
    "nested_too_deep",
  );
}

/** Throws invalid_request where a key was put into the model's place by a slip: it would stand on the books, and be sent on. */
export function refuseKey(model: string): void {
  if (!holdsKey(model)) return;
  throw invalidRequest(
    "What the request names as its model looks like an API key, and is neither kept nor sent on. Name a model, and revoke the key if others may have seen it.",
    "model",
    "invalid_model",
  );
}

/** Throws invalid_request where any field stands twice: an upstream that read the other value would be told of an object that nobody looked at. */
export function refuseRepeatedAnywhere(raw: string): void {
  const repeated = findRepeatedKey(raw);
  if (repeated === null) return;
  throw invalidRequest(
    `The field '${repeated.slice(0, 100)}' stands more than once in one object of the request body.`,
    repeated.slice(0, 100),
    "repeated_field",
  );
}

/** What routing, the books and rights go by: an upstream that read another value than we did would serve what nobody booked, or may see. */
const DECISIVE = ["input", "model", "previous_response_id", "stream", "stream_options"];

/** Throws invalid_request where a decisive field stands twice. */
export function refuseRepeated(raw: string): void {
  const repeated = findRepeated(raw, DECISIVE);
  if (repeated === null) return;
  throw invalidRequest(
    `The field '${repeated}' stands more than once in the request body.`,
    repeated,
    "repeated_field",
  );
}
