// What a route of the server is: its address, who may call it, and its handler. A route without an authority cannot be written.

import type { Session } from "../gateway/index.ts";
import type { Caller, Scope } from "../identity/index.ts";
import type { Wire } from "../wire/index.ts";
import type { About } from "./about.ts";

/** `public`: anyone. `any-key`: whoever holds a valid key or is signed in. Else one whose role and scopes allow one of these. */
export type Authority = "public" | "any-key" | { anyOf: readonly [Scope, ...Scope[]] };

export interface Socket {
  address: string;
  /** Null where it is unknown. */
  port: number | null;
}

export interface RouteContext {
  request: Request;
  requestId: string;
  /** Of the URL, as it was sent. */
  path: string;
  /** Path parameters, decoded. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** The address at the other end of the connection; null where it is unknown. */
  peer(): string | null;
  /** The other end of the connection itself, whatever headers say; null where it is unknown. */
  socket(): Socket | null;
  /** Lifts the server's idle timeout from this request: its own deadlines hold instead. */
  keepOpen(): void;
  /** Puts it back, where all of the answer is there: for a client that takes none of it nobody waits. An error does so by itself. */
  letGo(): void;
  /** Makes of the request a WebSocket, driven by the session; false where it cannot be made one. */
  upgrade(session: Session, headers: Record<string, string>): boolean;
}

export const METHODS = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"] as const;

export interface PublicRoute {
  method: (typeof METHODS)[number];
  path: string;
  authority: "public";
  /** What it is for, and what goes in and out; none under /api/v1 goes without. */
  about?: About;
  entry?: undefined;
  wireOf?: undefined;
  handle(context: RouteContext): Response | Promise<Response>;
}

export interface GuardedRoute {
  method: PublicRoute["method"];
  path: string;
  authority: Exclude<Authority, "public">;
  about?: About;
  /** Its line in the table of permits, where it is not its own address. */
  entry?: `calls ${string}`;
  /** The format of a model call, in which its errors are told. */
  wire?: Wire;
  /** Likewise, for routes that several formats share. */
  wireOf?: (request: Request) => Wire;
  handle(context: RouteContext & { caller: Caller }): Response | Promise<Response>;
}

export type Route = PublicRoute | GuardedRoute;
