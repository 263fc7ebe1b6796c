// What one forward-only request is: values and doors, given by whoever serves. Knows no HTTP server.

import type { Place, Wire } from "../../wire/index.ts";
import type { Call } from "../call.ts";

/** A request as it came, whatever it asks. */
export interface Arrival extends Pick<
  Call,
  "caller" | "headers" | "id" | "requestId" | "signal" | "startedMs" | "startedWallMs"
> {
  method: string;
  query: URLSearchParams;
  /** The beginning of an address by which the client knows us, without a slash at its end. */
  origin: string;
  /** The format that the client speaks, told from its headers. */
  dialect: Wire;
  body: ReadableStream<Uint8Array> | null;
  maxBodyBytes: number;
  /** The body's text. Rejects with a GatewayError (too_large, invalid_request). */
  readText(): Promise<string>;
  /** From now on it is the upstream that is waited for. */
  keepOpen(): void;
  /** The whole answer is there: for a client that takes none of it nobody waits. */
  letGo(): void;
}

export interface RestCall extends Arrival {
  place: Place;
}
