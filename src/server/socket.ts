// Mounts WebSocket sessions: from an upgrade request to the gateway's SocketCall, and from the server's events to the session. Knows no family
// beyond its table entry.

import { type Session, type SocketTools, openSession } from "../gateway/index.ts";
import type { Scope } from "../identity/index.ts";
import { GatewayError, invalidRequest } from "../ir/index.ts";
import { guessWire } from "../wire/index.ts";
import { refuseClosing } from "./mount.ts";
import { readProtocols } from "./request.ts";
import type { GuardedRoute } from "./route.ts";

export const SOCKETS = [
  { family: "realtime", scope: "inference:realtime" },
  { family: "responses", scope: "inference:chat" },
] as const satisfies { family: string; scope: Scope }[];

export function makeSocketRoutes(
  tools: SocketTools,
  { newId, sessions, isDraining }: { newId: () => string; sessions: Set<Session>; isDraining: () => boolean },
): GuardedRoute[] {
  return SOCKETS.map(({ family, scope }) => ({
    method: "GET",
    path: `/v1/${family}`,
    authority: { anyOf: [scope] },
    entry: `calls ${family}`,
    async handle({ request, requestId, caller, query, upgrade }) {
      const { headers, signal } = request;
      if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
        throw new GatewayError({
          kind: "not_found",
          code: "unknown_url",
          message: `GET /v1/${family} is a WebSocket: it takes the headers of an upgrade.`,
        });
      }
      // Before anybody is asked for a session that nobody could have.
      if (!isWhole(headers)) throw refuseHandshake();
      const opened = await openSession(
        {
          id: newId(),
          requestId,
          caller,
          headers,
          signal,
          startedWallMs: tools.clock.wallMs(),
          startedMs: tools.clock.monotonicMs(),
          family,
          query,
          dialect: guessWire(headers),
          protocols: readProtocols(headers).names,
          newId,
        },
        tools,
      );
      if (!upgrade(opened.session, opened.headers)) {
        opened.session.closed(ABNORMAL, "");
        throw refuseHandshake();
      }
      sessions.add(opened.session);
      // All others were told before it was there.
      if (isDraining()) opened.session.leave(refuseClosing());
      return new Response(null, { status: 101 });
    },
  }));
}

const ABNORMAL = 1006;

/** Of the one version that there is, with 16 bytes in base64. https://www.rfc-editor.org/rfc/rfc6455#section-4.1 */
function isWhole(headers: Headers): boolean {
  return headers.get("sec-websocket-version") === "13" && headers.get("sec-websocket-key")?.length === 24;
}

function refuseHandshake(): GatewayError {
  const message =
    "The WebSocket's handshake is not complete: it takes Sec-WebSocket-Version: 13 and a Sec-WebSocket-Key of 16 bytes in base64.";
  return invalidRequest(message, undefined, "invalid_handshake");
}

/** The client's end as the server holds it. */
export interface HeldSocket {
  data: Session;
  send(data: string | Uint8Array<ArrayBuffer>): number;
  close(code?: number, reason?: string): void;
}

/** What the server tells of its sockets. */
export interface SocketEvents {
  open(socket: HeldSocket): void;
  message(socket: HeldSocket, data: string | Uint8Array<ArrayBuffer>): void;
  drain(socket: HeldSocket): void;
  close(socket: HeldSocket, code: number, reason: string): void;
}

export function driveSessions(sessions: Set<Session>): SocketEvents {
  return {
    open: (socket) => socket.data.opened(socket),
    message: (socket, data) => socket.data.received(data),
    drain: (socket) => socket.data.drained(),
    close(socket, code, reason) {
      sessions.delete(socket.data);
      socket.data.closed(code, reason);
    },
  };
}
