// What a client is sent while its stream has not begun: comments, which every reader passes over, so that nothing between us takes the silence for
// the end. Knows no provider; formats whose readers take no comments are left waiting.

import { GatewayError, isJsonObject } from "../ir/index.ts";
import type { Call, GatewayTools } from "./call.ts";
import { EVENTS } from "./header.ts";
import { parseObject } from "./send.ts";

interface Waiting {
  call: Pick<Call, "framing" | "requestId" | "wire">;
  clock: GatewayTools["clock"];
  /** Between two comments; 0: none are sent. */
  everyMs: number;
  isStream: boolean;
  /** Puts what ended the call on record, and gives it back as it may be told. Never rejects. */
  fail: (error: unknown) => Promise<GatewayError>;
}

/** The answer itself where it comes soon enough or comments are not taken, else a stream that begins with them. */
export function keepAlive(waiting: Waiting, answer: Promise<Response>): Promise<Response> {
  const { call, everyMs, isStream } = waiting;
  const isSilent = !isStream || everyMs === 0 || call.framing !== "sse" || call.wire.takesComments === false;
  return isSilent ? answer : comment(waiting, answer);
}

async function comment(waiting: Waiting, answer: Promise<Response>): Promise<Response> {
  const { call, clock, everyMs } = waiting;
  const early = await Promise.race([answer, pause(clock, everyMs, answer)]);
  if (early !== null) return early;
  // From here on nobody but the stream hears of a failure, also where its reader has left.
  const told = answer.then(
    (response) => ({ response, failure: null }),
    async (error: unknown) => ({ response: null, failure: await waiting.fail(error) }),
  );
  return new Response(say(waiting, told), {
    headers: {
      ...EVENTS,
      "x-request-id": call.requestId,
      "request-id": call.requestId,
    },
  });
}

const COMMENT = ": waiting for the provider\n\n";

type Told = { response: Response; failure: null } | { response: null; failure: GatewayError };

async function* say({ call, clock, everyMs }: Waiting, told: Promise<Told>): AsyncGenerator<string | Uint8Array> {
  const { error: words } = call.wire;
  yield COMMENT;
  let outcome = await Promise.race([told, pause(clock, everyMs, told)]);
  while (outcome === null) {
    yield COMMENT;
    outcome = await Promise.race([told, pause(clock, everyMs, told)]);
  }
  if (outcome.failure !== null) yield words.encodeFrame(outcome.failure, call.requestId);
  else if (!outcome.response.ok) yield words.encodeFrame(await readRefusal(outcome.response), call.requestId);
  else if (outcome.response.body !== null) yield* outcome.response.body;
}

/** Null after so long; the clock is let go where the other comes first. */
function pause(clock: Waiting["clock"], ms: number, other: Promise<unknown>): Promise<null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const cancel = clock.after(ms, () => resolve(null));
  other.then(cancel, cancel);
  return promise;
}

/** A provider's own refusal, which was to be handed on as it came: the status is gone, its words are not. */
async function readRefusal(response: Response): Promise<GatewayError> {
  const error = parseObject(await response.text())?.["error"];
  const fields = isJsonObject(error) ? error : {};
  const word = (name: string): string | null => {
    const value = fields[name];
    return typeof value === "string" ? value : null;
  };
  const message = word("message") ?? `The provider refused the request with status ${response.status}.`;
  return new GatewayError({
    kind: "upstream_rejected",
    message,
    upstream: {
      status: response.status,
      type: word("type"),
      code: word("code"),
      param: word("param"),
      message,
      requestId: null,
    },
  });
}
