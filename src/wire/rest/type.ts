// What is only ever forwarded: where it lies, what it is called in the books, and which objects it leaves with a provider.
// Knows no provider's address and no HTTP.

import type { JsonObject, Units, Usage } from "../../ir/index.ts";

/** The parts of a provider's REST interface beyond chat and embeddings. */
export type RestFamily =
  | "audio"
  | "batches"
  | "completions"
  | "containers"
  | "conversations"
  | "files"
  | "fine_tuning"
  | "images"
  | "message_batches"
  | "moderations"
  | "realtime"
  | "rerank"
  | "responses"
  | "uploads"
  | "vector_stores"
  | "videos";

/** What an answer says of its cost. */
export interface Metered {
  /** Null where it says nothing of tokens. */
  usage: Usage | null;
  /** What is counted in other ways, or of which kind the tokens were; null where nothing is. */
  units: Units | null;
  /** Who answered; null where it does not say. */
  model: string | null;
  /** Of a sum of calls, the input tokens of the largest one; missing where nobody knows. */
  sizeTokens?: number;
  /** The provider's own words on it, as it sent them; null where there are none. */
  report: JsonObject | null;
}

/** When something was over, and what it cost: told by itself, by results, or by both, where these tell more of it. */
export interface Finished {
  /** Milliseconds since the epoch. */
  atMs: number;
  /** Null where only the results tell it. */
  metered: Metered | null;
  /** Where they lie behind the version; null where they have nothing to add. */
  resultsPath: string | null;
}

/** One model call: a request that is answered, and nothing stays. */
export interface RestCallPath {
  /** Behind the version, such as `/images/edits`. */
  path: string;
  /** On the ledger. */
  endpoint: string;
  /** Whole addresses that mean the same. */
  also?: readonly string[];
}

/** Objects that a provider keeps: made, listed, read and deleted under one path. */
export interface RestCollection {
  path: string;
  /** On the ledger, and before what is done. */
  endpoint: string;
  methods: readonly RestMethod[];
  /** Whole addresses that mean the same. */
  also?: readonly string[];
  /** False where what lies under the path cannot be listed. */
  lists: boolean;
  /** A form that makes one names the model that is to do it. */
  namesModel?: true;
  /** What follows an object's id and makes another of the same family. */
  creates?: readonly string[];
  /** Ids that appear in its objects although nobody made them by a call of their own: where, and of which family they are. */
  brings?: Readonly<Record<string, RestFamily>>;
  /** What may be posted there and costs nothing, by the last word of its name on the ledger; all else that is posted may cost. */
  free?: readonly string[] | "all";
  /** The models that are to work on an object that is made, where their tokens are all that it costs. */
  workers?(body: JsonObject): readonly string[];
  /** What an object tells of its cost once it is over; null before. */
  finished?(object: JsonObject): Finished | null;
  /** Fields of its objects that hold the address of what follows an object's id: the client is to come to us for it. */
  links?: Readonly<Record<string, string>>;
}

export type RestMethod = "DELETE" | "GET" | "POST";

export interface RestEntry {
  calls?: readonly RestCallPath[];
  collections?: readonly RestCollection[];
  /** Adds what the answer leaves unsaid of its tokens, as all answers of the family are alike in it. */
  complete?(metered: Metered): Metered;
  /** What is counted although the answer reports no usage. */
  count?(answer: JsonObject): Units | null;
  /** What is counted of a request whose answer is bytes. */
  countRequest?(body: JsonObject): Units | null;
  /** Where tokens that nobody reported are estimated: what was written, in a whole answer or in one event. */
  readText?(answer: JsonObject): string;
  /** The name of the format, for whoever counts such text again. */
  textFormat?: string;
  /** Whether there is an answer in a whole one, or a piece of it in one event. */
  isAnswer?(answer: JsonObject): boolean;
  /** In streams of named events: whether all that was begun is complete with this one; null where it says nothing of that. */
  tellsEnd?(event: JsonObject): boolean | null;
  /** In streams whose usage must be asked for. */
  stream?: {
    /** Whether the answer, or one of several, is complete with this event. */
    isEnd(event: JsonObject): boolean;
    /** For one answer: told of each event, whether all that has begun is complete with it. */
    watch(): (event: JsonObject) => boolean;
    ask(raw: string, body: JsonObject): string;
    /** Whether an event is only there because we asked for it. */
    isUnasked(event: JsonObject, body: JsonObject): boolean;
  };
}
