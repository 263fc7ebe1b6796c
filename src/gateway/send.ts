// One call to one provider: deadlines, the client's departure, and what can go wrong before an answer starts.
// Knows no format and judges no status.

import { GatewayError, type JsonObject, isJsonObject } from "../ir/index.ts";
import { explainCertificate } from "../lib/certificate.ts";
import type { Clock } from "../lib/clock.ts";
import { type Presence, findEnd } from "./presence.ts";
import { type Deadline, type DeadlineName, type Deadlines, sayLate, sayUntaken } from "./way/deadline.ts";

export interface UpstreamInit {
  method: string;
  headers: Record<string, string>;
  body?: string | ReadableStream<Uint8Array>;
  redirect: "manual";
  /** The runtime has a limit of its own, shorter than ours may be. */
  timeout: false;
  signal: AbortSignal;
  /** What the runtime cannot tell: `late` is called where no connection came about in so many milliseconds. */
  connecting?: { ms: number; late(): void };
  /** All that the host was found to be at: the call connects to one of these and to nothing else. Missing: wherever its name leads. */
  addresses?: readonly string[];
}

export type Fetch = (url: string, init: UpstreamInit) => Promise<Response>;

/** The hold that we have on a running upstream call. */
export interface Line {
  signal: AbortSignal;
  /** Why the line was cut: null while it holds. */
  cut(): "client" | "timeout" | null;
  /** Why, where it was cut as if the client had left, and he did not. */
  ended(): GatewayError | null;
  /** The deadline that has passed, where that cut it. */
  late(): Deadline | null;
  /** Called at most once, when the client leaves; a line that is released or cut already calls nobody. */
  onLeave(action: () => void): void;
  /** (Re)starts the deadline of the present step, in place of that of the step before. */
  arm(deadline: Deadline): void;
  /** Calls that off until it is armed again: it is not the upstream that is waited for. */
  rest(): void;
  /** (Re)starts a deadline that goes on beside the steps, whoever is waited for. */
  limit(deadline: Deadline): void;
  /** Calls one of those off. */
  lift(name: DeadlineName): void;
  /** This one has passed: somebody else kept the time. */
  expire(deadline: Deadline): void;
  /** Cuts it as if the client had left. */
  leave(): void;
  /** Ends deadlines and listeners; with `abort`, the upstream too. */
  release(abort: boolean): void;
}

/** Ties an upstream call to the client's presence and to its deadlines. */
export function openLine(client: Presence, clock: Clock): Line {
  return new OpenLine(client, clock);
}

/** A class, for every request has one: what a closure for each of its doors would cost stays away. */
class OpenLine implements Line {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #client: Presence;
  readonly #clock: Clock;
  readonly #onAbort = (): void => this.#cut("client");
  #reason: "client" | "timeout" | null = null;
  #late: Deadline | null = null;
  /** The client is waited for, and the upstream is not. */
  #isResting = false;
  /** The client has let the time of the whole call pass. */
  #untaken: GatewayError | null = null;
  #disarm: (() => void) | null = null;
  #limits: Map<DeadlineName, () => void> | null = null;
  #onLeave: (() => void) | null = null;

  constructor(client: Presence, clock: Clock) {
    this.signal = this.#controller.signal;
    this.#client = client;
    this.#clock = clock;
    if (client.aborted) this.#cut("client");
    else client.addEventListener("abort", this.#onAbort, { once: true });
  }

  #cut(why: "client" | "timeout"): void {
    if (this.#reason !== null) return;
    this.#reason = why;
    this.#controller.abort();
    if (why === "client") this.#onLeave?.();
  }

  cut(): "client" | "timeout" | null {
    return this.#reason;
  }

  ended(): ReturnType<Line["ended"]> {
    return this.#untaken ?? (this.#reason === "client" ? findEnd(this.#client) : null);
  }

  late(): Deadline | null {
    return this.#late;
  }

  onLeave(action: () => void): void {
    this.#onLeave = action;
  }

  rest(): void {
    this.#disarm?.();
    this.#disarm = null;
    this.#isResting = true;
  }

  arm(deadline: Deadline): void {
    this.#isResting = false;
    this.#disarm?.();
    this.#disarm = this.#clock.after(deadline.ms, () => this.expire(deadline));
  }

  limit(deadline: Deadline): void {
    this.#limits ??= new Map();
    this.#limits.get(deadline.name)?.();
    this.#limits.set(
      deadline.name,
      this.#clock.after(deadline.ms, () => this.expire(deadline)),
    );
  }

  lift(name: DeadlineName): void {
    this.#limits?.get(name)?.();
    this.#limits?.delete(name);
  }

  expire(deadline: Deadline): void {
    if (this.#reason !== null) return;
    if (this.#isResting && deadline.name === "total") {
      this.#untaken = new GatewayError({ kind: "timeout", message: sayUntaken(deadline) });
      this.#cut("client");
      return;
    }
    this.#late = deadline;
    this.#cut("timeout");
  }

  leave(): void {
    this.#cut("client");
  }

  release(abort: boolean): void {
    this.rest();
    if (this.#limits !== null) {
      for (const lift of this.#limits.values()) lift();
      this.#limits = null;
    }
    this.#client.removeEventListener("abort", this.#onAbort);
    if (abort) this.#controller.abort();
  }
}

/** The provider's response, whatever its status. Throws a GatewayError where there is none: cancelled, timeout, upstream_malformed, upstream_unavailable. */
export async function send(options: {
  provider: string;
  method?: string;
  url: string;
  body: string | ReadableStream<Uint8Array> | undefined;
  headers: Record<string, string>;
  line: Line;
  deadlines: Deadlines;
  fetch: Fetch;
}): Promise<Response> {
  const { line, deadlines } = options;
  const { connect } = deadlines;
  line.limit(deadlines.total);
  line.arm(deadlines.header);
  try {
    const response = await options.fetch(options.url, {
      method: options.method ?? "POST",
      headers: options.headers,
      ...(options.body === undefined ? {} : { body: options.body }),
      redirect: "manual",
      timeout: false,
      signal: line.signal,
      connecting: { ms: connect.ms, late: () => line.expire(connect) },
    });
    if (response.status >= 200 && response.status < 600) return response;
    void response.body?.cancel().catch(() => undefined);
    throw noStatus(options.provider, response.status);
  } catch (error) {
    throw explainFailure(options.provider, line, error);
  }
}

/** Whether no connection came about, so that nobody can have read what was to be sent. */
export function isUnheard(line: Line): boolean {
  return line.late()?.name === "connect";
}

/** What a failed fetch or read means, told from the state of the line. */
export function explainFailure(provider: string, line: Line, error: unknown): GatewayError {
  // Said by whoever kept the call from being made.
  if (error instanceof GatewayError) return error;
  const cut = line.cut();
  const late = line.late();
  if (cut === "client") {
    return new GatewayError({ kind: "cancelled", message: "The client closed the connection.", cause: error });
  }
  if (late !== null) {
    const message = `Provider "${provider}" ${sayLate(late)}.`;
    return new GatewayError({ kind: "timeout", message, cause: error });
  }
  const code = nameFailure(error);
  if (code === "EMFILE" || code === "ENFILE") return outOfFiles(error);
  return new GatewayError({
    kind: "upstream_unavailable",
    message: `Provider "${provider}" ${sayUnanswered(code)}`,
    cause: error,
  });
}

/** No provider's fault. */
function outOfFiles(cause: unknown): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "too_many_open_files",
    message:
      "The gateway has as many files and connections open as its system allows. Ask again in a moment, or let its operator raise that limit (ulimit -n, LimitNOFILE).",
    cause,
  });
}

/** No client can be told of it as it came. */
function noStatus(provider: string, status: number): GatewayError {
  const message = `Provider "${provider}" answered with ${status} where the status stands, which is none. Check its base URL.`;
  return new GatewayError({ kind: "upstream_malformed", message });
}

/** As the runtime calls what is no answer, or none that it takes. */
const NO_HTTP: ReadonlySet<string> = new Set([
  "InvalidContentLength",
  "InvalidHTTPResponse",
  "Malformed_HTTP_Response",
  "ResponseHeadersTooLarge",
  "UnrequestedUpgrade",
]);

/** The end of a sentence that begins with who was asked. */
function sayUnanswered(code: string): string {
  if (NO_HTTP.has(code))
    return `was reached, and its answer is not HTTP as it should be (${code}). Check its base URL.`;
  if (code === "ECONNRESET")
    return `closed the connection before it answered (${code}). Check that it is well, and ask again.`;
  if (code === "EPROTO")
    return `was reached, and does not speak TLS as it should (${code}). Check its base URL: http:// or https://, and the port.`;
  if (code === "ERR_PROXY_TUNNEL")
    return `was not reached: the proxy that the environment names lets nobody through to it (${code}). Check https_proxy and no_proxy.`;
  if (code.startsWith("ERR_PROXY_"))
    return `was not reached: there was no connection, most likely none to the proxy that the environment names (${code}). Check that the proxy runs, http_proxy, https_proxy and no_proxy, and the provider's base URL.`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `could not be reached: nobody knows its host's name (${code}). Check its base URL, and the name service of the gateway's machine.`;
  const doubt = explainCertificate(code);
  if (doubt !== null) return `${doubt.fault} (${code}). ${doubt.remedy}`;
  return `could not be reached (${code}). Check its base URL and that it is running.`;
}

/** Of an answer that has begun: whoever sent it was reached, and another address would not help. */
export function explainBreak(provider: string, line: Line, error: unknown): GatewayError {
  const failure = explainFailure(provider, line, error);
  if (failure === error || failure.kind !== "upstream_unavailable") return failure;
  return new GatewayError({
    kind: "upstream_unavailable",
    message: `Provider "${provider}" broke off in the middle of its answer (${nameFailure(error)}). Ask again.`,
    cause: error,
  });
}

/** Of a stream, whose frames may be damaged as well. */
export function explainStreamBreak({ provider, line }: { provider: string; line: Line }, error: unknown): GatewayError {
  const failure = explainFailure(provider, line, error);
  if (failure === error || failure.kind !== "upstream_unavailable") return failure;
  return new GatewayError({
    kind: "upstream_malformed",
    code: "stream_broken",
    message: `Provider "${provider}" broke off in the middle of its answer.`,
    cause: error,
  });
}

/** A word for the log and the caller; never the message, which may hold an address with credentials. */
function nameFailure(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  return typeof code === "string" ? code : "network failure";
}

/** One that does not fit into memory. */
export function answerTooLarge(limit: number): GatewayError {
  return new GatewayError({
    kind: "upstream_malformed",
    code: "response_too_large",
    message: `The provider's answer is larger than ${limit} bytes. Ask for less, or let the operator raise max_response_bytes.`,
  });
}

export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Compiled once: it looks at every header of an answer without the usual ones. */
const VENDORS_ID = /-request-?id$/u;

export function readUpstreamId(headers: Headers): string | null {
  const usual = headers.get("x-request-id") ?? headers.get("request-id");
  if (usual !== null) return usual;
  // As one object: stepping through them costs more than twice as much.
  const all = headers.toJSON();
  for (const name in all) if (name.endsWith("id") && VENDORS_ID.test(name)) return headers.get(name);
  return null;
}
