// What a WebSocket session is: the two ends, and the doors through which whoever serves drives it. Knows no HTTP server and no runtime.

import type { GatewayError } from "../../ir/index.ts";
import type { RestFamily, Wire } from "../../wire/index.ts";
import type { Call } from "../call.ts";

export type Message = string | Uint8Array<ArrayBuffer>;

/** The client's end. */
export interface ClientEnd {
  /** Bytes sent; -1 where they wait, 0 where they were dropped. */
  send(data: Message): number;
  close(code?: number, reason?: string): void;
}

/** The provider's end: the runtime's own WebSocket, as far as it is used. */
export interface UpstreamEnd {
  send(data: Message): void;
  close(code?: number, reason?: string): void;
  /** Nothing more is read until `resume`: the far side feels it. */
  pause(): void;
  resume(): void;
  readonly protocol: string;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
}

/** What is told of the provider's end; `opened` or `failed` comes first, and only one of them. */
export interface UpstreamEvents {
  opened(): void;
  /** `status` is the HTTP status of a refusal; null where there was no answer. */
  failed(failure: { status: number | null; cause: unknown }): void;
  received(data: Message): void;
  closed(code: number, reason: string): void;
}

export type Connect = (
  url: string,
  init: {
    headers: Record<string, string>;
    protocols: string[];
    events: UpstreamEvents;
    /** All that the host was found to be at, as for calls. */
    addresses?: readonly string[];
  },
) => Promise<UpstreamEnd>;

/** A session, driven by the server that holds the client's end. */
export interface Session {
  opened(client: ClientEnd): void;
  received(data: Message): void;
  /** What waited was sent. */
  drained(): void;
  closed(code: number, reason: string): void;
  /** Ends it as soon as no answer is under way; further ones are refused with that. */
  leave(why: GatewayError): void;
}

export interface SocketCall extends Pick<
  Call,
  "caller" | "headers" | "id" | "requestId" | "signal" | "startedMs" | "startedWallMs"
> {
  family: Extract<RestFamily, "realtime" | "responses">;
  query: URLSearchParams;
  dialect: Wire;
  /** Sub-protocols that the client offers, without its key. */
  protocols: readonly string[];
  /** For the rows of its answers. */
  newId(): string;
}
