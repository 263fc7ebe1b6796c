// What of a request's body goes to a provider: what the rest of the gateway knows of it, and its bytes as a stream. Knows no format.

import { GatewayError, type JsonObject, toGatewayError } from "../../ir/index.ts";
import type { Reference } from "../../wire/index.ts";
import type { Line } from "../send.ts";

export interface Intake {
  /** As the client named it; null where it named none. */
  model: string | null;
  /** Null where the body is no JSON. */
  json: JsonObject | null;
  /** Ids of objects, as far as they are known before the body is sent. */
  references: readonly Reference[];
  /** The body under the model's name at the provider; null where that stays as it is. Again only where it `mayRepeat`. */
  send(model: string | null, watch: Watch): Outgoing;
  /** Whether it can be sent once more: not what is larger than may be kept, and not what went by unread. */
  mayRepeat(): boolean;
  /** It is not sent again: nothing more of it is kept. */
  sentLast(): void;
  /** Gives back what is held; at any time. */
  discard(): Promise<void>;
}

/** Whether it is JSON that asks for a stream. */
export function asksStream({ json }: Pick<Intake, "json">): boolean {
  return json?.["stream"] === true;
}

export interface Outgoing {
  body?: string | ReadableStream<Uint8Array>;
  headers: Record<string, string>;
  /** Why a streamed body broke off on our side; null where it did not. */
  failure(): GatewayError | null;
}

export interface Watch {
  /** After each piece that went on its way. */
  progressed(): void;
  /** Throws where an id that shows up on the way must not be sent. */
  checkReference(id: string): Promise<void>;
}

export type Source = AsyncGenerator<Uint8Array, undefined>;

/** Type and length for the upstream; without a length the body goes out in chunks. */
export function describeBody(headers: Headers, grown: number): Record<string, string> {
  const type = headers.get("content-type");
  const length = headers.get("content-length");
  return {
    ...(type === null ? {} : { "content-type": type }),
    ...(length === null ? {} : { "content-length": String(Number(length) + grown) }),
  };
}

export function toStream(
  source: Source,
  watch: Watch,
): { stream: ReadableStream<Uint8Array>; failure: () => GatewayError | null } {
  let failure: GatewayError | null = null;
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await source.next();
        // Whoever sent it has given up meanwhile, and has a reason of its own: to be late with a piece is none.
        if (isCancelled) return;
        watch.progressed();
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        if (isCancelled) return;
        failure = toGatewayError(error);
        controller.error(failure);
      }
    },
    cancel() {
      isCancelled = true;
      return abandon(source);
    },
  });
  return { stream, failure: () => failure };
}

/** Why a request got no answer. Whatever else broke once the client had left, broke by that. */
export function explainSending(
  { failure }: Pick<Outgoing, "failure">,
  line: Pick<Line, "cut">,
  thrown: unknown,
): GatewayError {
  if (line.cut() !== "client") return failure() ?? toGatewayError(thrown);
  return new GatewayError({ kind: "cancelled", message: "The client closed the connection.", cause: thrown });
}

/** A generator that waits for its client ends when the client does: nobody waits for that. */
export async function abandon(source: Source): Promise<void> {
  source.return(undefined).catch(() => undefined);
  return Promise.resolve();
}
