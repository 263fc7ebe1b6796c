// What may go wrong at a provider, at which stage of its answer, and what is to become of it: the table of test/server/fault.test.ts.

import { type Step, head, piece, whole } from "../upstream/faulty.ts";
import { GOOD_STREAM, START, chunk, completion } from "./failover-scene.ts";

export interface Fault {
  steps: Step[];
  /** What goes on before: where the connection itself fails. */
  connection?: "refused" | "tls";
  /** What the row and the attempt say of it. */
  kind: "timeout" | "upstream_malformed" | "upstream_rejected" | "upstream_unavailable";
  /** Of the client's answer where it has none of the body yet; a stream that has begun has 200. */
  status: number;
  /** How long it takes by the clock: at least so long, and less than twice. */
  afterMs?: number;
  /** Headers of the answer. */
  headers?: Record<string, string>;
}

const refused = JSON.stringify({ error: { message: "no", type: "server_error", param: null, code: null } });
const answer = JSON.stringify(completion("Hi"));
const vectors = JSON.stringify({
  object: "list",
  model: "m",
  data: [{ object: "embedding", index: 0, embedding: [0.5] }],
  usage: { prompt_tokens: 2, total_tokens: 2 },
});

const JSON_HEAD = head("200 OK", { "content-type": "application/json", "transfer-encoding": "chunked" });
const STREAM_HEAD = head("200 OK", { "content-type": "text/event-stream", "transfer-encoding": "chunked" });
const TEXT = START + chunk({ delta: { content: "from the first" } });
const FAILS = `data: ${JSON.stringify({ error: { message: "the model broke", type: "server_error" } })}\n\n`;

/** As the rig's deadlines have it. */
export const HEADER_MS = 60_000;
export const IDLE_MS = 30_000;
export const TOTAL_MS = 300_000;
export const FIRST_OUTPUT_MS = 120_000;

/** Before anything of an answer is there; the same for whole answers and for streams. */
export const EARLY: Record<string, Fault> = {
  "nobody listens": { steps: [], connection: "refused", kind: "upstream_unavailable", status: 502 },
  "a certificate that nobody vouches for": { steps: [], connection: "tls", kind: "upstream_unavailable", status: 502 },
  "a reset": { steps: ["reset"], kind: "upstream_unavailable", status: 502 },
  "a connection that is closed without a word": { steps: ["end"], kind: "upstream_unavailable", status: 502 },
  "something that is no HTTP": {
    steps: ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "end"],
    kind: "upstream_unavailable",
    status: 502,
  },
  "half a head": { steps: ["HTTP/1.1 200 OK\r\ncontent-", "end"], kind: "upstream_unavailable", status: 502 },
  "no answer at all": { steps: ["stall"], kind: "timeout", status: 504, afterMs: HEADER_MS },
  "half a head, and then nothing": {
    steps: ["HTTP/1.1 200 OK\r\ncontent-", "stall"],
    kind: "timeout",
    status: 504,
    afterMs: HEADER_MS,
  },
  "429 with Retry-After": {
    steps: whole("429 Too Many Requests", "application/json", refused, { "retry-after": "7" }),
    kind: "upstream_rejected",
    status: 429,
    headers: { "retry-after": "7" },
  },
  "429 with retry-after-ms": {
    steps: whole("429 Too Many Requests", "application/json", refused, { "retry-after-ms": "1500" }),
    kind: "upstream_rejected",
    status: 429,
    headers: { "retry-after-ms": "1500" },
  },
  "429 without a word on when": {
    steps: whole("429 Too Many Requests", "application/json", refused),
    kind: "upstream_rejected",
    status: 429,
  },
  "500": { steps: whole("500 Oops", "application/json", refused), kind: "upstream_rejected", status: 500 },
  "503": { steps: whole("503 Busy", "application/json", refused), kind: "upstream_rejected", status: 503 },
  "529": { steps: whole("529 Overloaded", "application/json", refused), kind: "upstream_rejected", status: 529 },
  "502 with a page": {
    steps: whole("502 Bad Gateway", "text/html", "<html><h1>Bad Gateway</h1></html>"),
    kind: "upstream_rejected",
    status: 502,
  },
  "a refusal that is cut": {
    steps: [head("503 Busy", { "content-type": "application/json", "content-length": 500 }) + refused, "reset"],
    kind: "upstream_rejected",
    status: 503,
  },
  "a refusal that stalls": {
    steps: [head("503 Busy", { "content-type": "application/json", "content-length": 500 }) + refused, "stall"],
    kind: "timeout",
    status: 504,
    afterMs: IDLE_MS,
  },
  "200 with a page": {
    steps: whole("200 OK", "text/html", "<html><h1>Welcome</h1></html>"),
    kind: "upstream_malformed",
    status: 502,
  },
  "200 with nothing": { steps: whole("200 OK", "application/json", ""), kind: "upstream_malformed", status: 502 },
};

/** In the middle of a whole answer. */
export const WHOLE: Record<string, Fault> = {
  "an answer that is cut": {
    steps: [head("200 OK", { "content-type": "application/json", "content-length": 900 }) + answer.slice(0, 80), "end"],
    kind: "upstream_unavailable",
    status: 502,
  },
  "an answer that is reset": {
    steps: [JSON_HEAD + piece(answer.slice(0, 80)), "reset"],
    kind: "upstream_unavailable",
    status: 502,
  },
  "an answer that is longer than it says": {
    steps: [head("200 OK", { "content-type": "application/json", "content-length": 80 }) + answer, "end"],
    kind: "upstream_malformed",
    status: 502,
  },
  "an answer that is no JSON": {
    steps: whole("200 OK", "application/json", '{"id": nonsense'),
    kind: "upstream_malformed",
    status: 502,
  },
  "an answer that stalls": {
    steps: [JSON_HEAD + piece(answer.slice(0, 80)), "stall"],
    kind: "timeout",
    status: 504,
    afterMs: IDLE_MS,
  },
  "an answer that drips": {
    steps: [JSON_HEAD + piece(" "), { drip: piece(" ") }],
    kind: "timeout",
    status: 504,
    afterMs: TOTAL_MS,
  },
  "a length that is no number": {
    steps: [head("200 OK", { "content-type": "application/json", "content-length": "many" }) + answer, "end"],
    kind: "upstream_unavailable",
    status: 502,
  },
  "pieces without their lengths": {
    steps: [`${JSON_HEAD}zzzz\r\n${answer}\r\n`, "end"],
    kind: "upstream_unavailable",
    status: 502,
  },
};

/** In a stream before its first output: nothing of it has gone to the client, who is told as if it had never begun. */
export const OPENING: Record<string, Fault> = {
  "a stream that is cut at once": { steps: [STREAM_HEAD, "end"], kind: "upstream_malformed", status: 502 },
  "a stream that is reset after its start": {
    steps: [STREAM_HEAD + piece(START), "reset"],
    kind: "upstream_malformed",
    status: 502,
  },
  "a stream that ends after its start": {
    steps: [STREAM_HEAD + piece(START) + piece(), "end"],
    kind: "upstream_malformed",
    status: 502,
  },
  "a stream that begins with an error": {
    steps: [STREAM_HEAD + piece(FAILS) + piece(), "end"],
    kind: "upstream_rejected",
    status: 502,
  },
  "a stream that says an error after its start": {
    steps: [STREAM_HEAD + piece(START + FAILS) + piece(), "end"],
    kind: "upstream_rejected",
    status: 502,
  },
  "a stream that stalls after its start": {
    steps: [STREAM_HEAD + piece(START), "stall"],
    kind: "timeout",
    status: 504,
    afterMs: IDLE_MS,
  },
  "a stream that only shows signs of life": {
    steps: [STREAM_HEAD + piece(START), { drip: piece(": still there\n\n") }],
    kind: "timeout",
    status: 504,
    afterMs: FIRST_OUTPUT_MS,
  },
  "a stream of nonsense": {
    steps: [STREAM_HEAD + piece("data: {nonsense\n\n") + piece(), "end"],
    kind: "upstream_malformed",
    status: 502,
  },
  "a whole answer where a stream was asked for": {
    steps: whole("200 OK", "application/json", answer),
    kind: "upstream_malformed",
    status: 502,
  },
};

/** In a stream after its first output: nobody else is asked, and the client is told in its own words. */
export const LATE: Record<string, Fault> = {
  "a stream that is cut": {
    steps: [STREAM_HEAD + piece(TEXT), "wait", "end"],
    kind: "upstream_malformed",
    status: 200,
  },
  "a stream that is reset": {
    steps: [STREAM_HEAD + piece(TEXT), "wait", "reset"],
    kind: "upstream_malformed",
    status: 200,
  },
  "a stream that ends without an end": {
    steps: [STREAM_HEAD + piece(TEXT) + piece(), "end"],
    kind: "upstream_malformed",
    status: 200,
  },
  "a stream that says an error": {
    steps: [STREAM_HEAD + piece(TEXT + FAILS) + piece(), "end"],
    kind: "upstream_rejected",
    status: 200,
  },
  "a stream that stalls": {
    steps: [STREAM_HEAD + piece(TEXT), "stall"],
    kind: "timeout",
    status: 200,
    afterMs: IDLE_MS,
  },
  "a stream that drips": {
    steps: [STREAM_HEAD + piece(TEXT), { drip: piece(": still there\n\n") }],
    kind: "timeout",
    status: 200,
    afterMs: TOTAL_MS,
  },
  "a stream with half an event": {
    steps: [STREAM_HEAD + piece(TEXT + START.slice(0, 40)) + piece(), "end"],
    kind: "upstream_malformed",
    status: 200,
  },
  "a stream whose pieces have no lengths": {
    steps: [STREAM_HEAD + piece(TEXT), "wait", "zzzz\r\nmore\r\n", "end"],
    kind: "upstream_malformed",
    status: 200,
  },
};

/** What answers well. */
export const GOOD = {
  whole: whole("200 OK", "application/json", answer),
  vectors: whole("200 OK", "application/json", vectors),
  stream: [STREAM_HEAD + piece(GOOD_STREAM.join("")) + piece(), "end"],
} satisfies Record<string, Step[]>;
