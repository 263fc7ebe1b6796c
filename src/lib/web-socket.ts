// The runtime's WebSocket to another server, with headers of our own and what its handshake ended in. Knows no protocol above it.

import { holdTo } from "./held-fetch.ts";

type Data = string | Uint8Array<ArrayBuffer>;

interface Events {
  opened(): void;
  /** Before it was open; `status` is the HTTP status of a refusal, null where there was no answer. */
  failed(failure: { status: number | null; cause: unknown }): void;
  received(data: Data): void;
  closed(code: number, reason: string): void;
}

interface End {
  send(data: Data): void;
  close(code?: number, reason?: string): void;
  pause(): void;
  resume(): void;
  readonly protocol: string;
  readonly bufferedAmount: number;
}

interface Opening {
  headers: Record<string, string>;
  protocols: string[];
  events: Events;
  /** Where the host was found to be: the first of these is connected to. Missing: wherever its name leads. */
  addresses?: readonly string[];
}

/** The runtime can hold a socket back, which its types do not tell. */
type Pausable = WebSocket & Pick<End, "pause" | "resume">;

export async function connectWebSocket(
  url: string,
  { headers, protocols, events, addresses = [] }: Opening,
): Promise<End> {
  const [address] = addresses;
  const { url: at, ...how } = address === undefined ? { url, headers } : holdTo(address, url, headers);
  const socket = new WebSocket(at, { ...how, protocols }) as Pausable;
  socket.binaryType = "nodebuffer";
  let isOpen = false;
  socket.addEventListener("open", () => {
    isOpen = true;
    events.opened();
  });
  socket.addEventListener("message", ({ data }: MessageEvent<Data>) => events.received(data));
  socket.addEventListener("error", (event) => {
    if (!isOpen) events.failed({ status: readStatus(event), cause: findCause(event) });
  });
  socket.addEventListener("close", ({ code, reason }) => events.closed(code, reason));
  return Promise.resolve(socket);
}

/** An event says nothing in a log: the error in it does, and which one of the system's it was. */
function findCause(event: Event): unknown {
  const error = "error" in event ? event.error : undefined;
  if (!(error instanceof Error)) return event;
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? new Error(`${code}: ${error.message}`) : error;
}

/** The runtime tells it in words only. */
function readStatus(event: Event): number | null {
  const message = "message" in event ? String(event.message) : "";
  const status = Number(/status code: (\d{3})\b/u.exec(message)?.[1]);
  return Number.isNaN(status) ? null : status;
}
