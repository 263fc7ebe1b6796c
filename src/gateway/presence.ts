// Whether a caller is there still, and may be: gone where the client leaves, and where what it came in by opens nothing any more. Knows no HTTP server
// and no key.

import type { Caller, KeyRing, Watched } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";

/** As far as it is needed of an AbortSignal, which is one as well. */
export interface Presence {
  readonly aborted: boolean;
  /** A GatewayError where it is not the client who left. */
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Who calls, and by what. */
interface Present {
  caller: Caller;
  signal: Presence;
  /** Called once nobody but the client is waited for; missing where none is there. */
  letGo?: () => void;
}

/** Of one call, from its door to its row. */
export interface WatchedPresence extends Presence {
  /** From now on the client's departure ends nothing. */
  detach(): void;
  /** The call is over. */
  close(): void;
}

/** Tells within a second whose key, session or user is no more. */
export type Rights = Pick<KeyRing, "unwatch" | "watch">;

export function openPresence(given: Present, rights: Rights): WatchedPresence {
  return watch(new CallPresence(given, rights));
}

/** Of what goes on for as long as its client likes: it ends as well once he may do something else than when he came in. */
export function openLongPresence(given: Present, rights: Rights): WatchedPresence {
  return watch(new CallPresence(given, rights, given.caller));
}

function watch(presence: CallPresence): CallPresence {
  presence.watcher.watch(presence);
  return presence;
}

const ONCE = Object.freeze({ once: true });

/** A class, for each call has one: without functions of its own it costs half as much. */
class CallPresence implements WatchedPresence, Watched {
  /** Null while nobody has ended it. */
  #ended: GatewayError | null = null;
  #isGone = false;
  #isDetached = false;
  /** Most have one. */
  #listener: (() => void) | null = null;
  #others: Set<() => void> | null = null;
  #leave: (() => void) | null = null;

  readonly mark: string | undefined;
  readonly client: Presence;
  readonly #letGo: (() => void) | undefined;

  constructor(
    { caller, signal, letGo }: Present,
    readonly watcher: Rights,
    readonly rights?: Caller,
  ) {
    this.mark = caller.mark;
    this.client = signal;
    this.#letGo = letGo;
  }

  get aborted(): boolean {
    return this.#isGone || (!this.#isDetached && this.client.aborted);
  }

  get reason(): unknown {
    return this.#ended ?? this.client.reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    if (this.#isGone) return;
    // Whoever waits for nothing costs nothing.
    if (this.#leave === null && !this.#isDetached) {
      this.#leave = () => this.#go();
      this.client.addEventListener("abort", this.#leave, ONCE);
    }
    if (this.#listener === null) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    if (this.#listener === listener) this.#listener = null;
    else this.#others?.delete(listener);
  }

  detach(): void {
    this.#isDetached = true;
    if (this.#leave === null) return;
    this.client.removeEventListener("abort", this.#leave);
    this.#leave = null;
  }

  close(): void {
    this.watcher.unwatch(this);
    this.detach();
    this.#letGo?.();
  }

  end(error: GatewayError): void {
    if (this.#isGone) return;
    this.#ended = error;
    this.#go();
  }

  #go(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.close();
    const [listener, others] = [this.#listener, this.#others];
    this.#listener = null;
    this.#others = null;
    listener?.();
    for (const each of others ?? []) each();
  }
}

/** What ended the call, where it was neither its client nor anything else that went wrong. */
export function findEnd({ aborted, reason }: Presence): GatewayError | null {
  return aborted && reason instanceof GatewayError ? reason : null;
}

/** What is told and booked of a call that broke off. */
export function tellEnd(failure: GatewayError, presence: Presence): GatewayError {
  return failure.kind === "cancelled" ? (findEnd(presence) ?? failure) : failure;
}
