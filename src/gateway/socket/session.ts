// One session: messages go both ways in their order, an answer's last event only once its row is durable, and nobody is sent more than
// he takes. Knows no HTTP server.

import { GatewayError, toGatewayError } from "../../ir/index.ts";
import { type Asking, checkMessage, needsCheck } from "./ask.ts";
import { findEnd } from "../presence.ts";
import { parseObject } from "../send.ts";
import { openAnswers } from "./answers.ts";
import type { SessionBooks } from "./books.ts";
import { type Told, readEvent } from "./event.ts";
import { readSaid } from "./said.ts";
import type { ClientEnd, Message, Session, UpstreamEnd } from "./type.ts";

/** What may wait for a provider that takes its time; beyond it the client's end is closed. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

const CODES = { failed: 1011, goingAway: 1001, normal: 1000, refused: 1008, tooMuch: 1013 } as const;

export interface SessionInit extends Omit<Asking, "answers" | "knows"> {
  upstream: UpstreamEnd;
  books: SessionBooks;
}

export interface BridgedSession extends Session {
  /** The provider's half. */
  told(data: Message): void;
  ended(code: number, reason: string): void;
}

export function createSession(init: SessionInit): BridgedSession {
  const { upstream, books, call, tools } = init;
  /** Answers and their items. */
  const made = new Set<string>();
  /** Answers that are over: some servers say so twice. */
  const over = new Set<string>();
  const answers = openAnswers(call, tools, init.provider);
  const asking: Asking = { ...init, answers, knows: (id) => made.has(id) };
  let client: ClientEnd | null = null;
  let isOver = false;
  /** Why it ends once no answer is under way. */
  let leaving: GatewayError | null = null;
  /** What the client is told where it was over before his end was there. */
  let parting: [code: number, reason: string] | null = null;
  /** The client has more on its way than it takes. */
  let isBlocked = false;
  /** Characters of the client's messages that are being looked at. */
  let waiting = 0;
  /** What came from the provider and may not go on yet, in order. */
  const held: { data: Message; ready: boolean }[] = [];
  /** The last message of the client's that is being looked at. */
  let looking: Promise<void> | null = null;

  const finish = (cause: "client" | "provider", code: number, reason: string, ended?: GatewayError): void => {
    if (isOver) return;
    isOver = true;
    call.signal.removeEventListener("abort", expel);
    if (cause === "client") upstream.close(...sayClose(code, reason));
    else client?.close(...sayClose(code, reason));
    void books.close(cause, ended);
  };

  const breakOff = (code: number, reason: string, ended?: GatewayError): void => {
    if (isOver) return;
    parting = [code, reason];
    // First: the server may tell at once that the client's end is closed.
    finish("client", CODES.normal, "", ended);
    client?.close(code, reason);
  };

  /** Of a client who left, the server tells by `closed`. */
  const expel = (): void => {
    const ended = findEnd(call.signal);
    if (ended === null || isOver) return;
    if (client !== null) refuse(ended);
    breakOff(ended.kind === "overloaded" ? CODES.goingAway : CODES.refused, ended.message, ended);
  };

  const tell = (data: Message): void => {
    const sent = client?.send(data) ?? 0;
    // Of an empty message no byte is sent, either.
    if (sent === 0 && data.length > 0) breakOff(CODES.tooMuch, "The client does not take what it is sent.");
    else if (sent < 0) isBlocked = true;
    if (isBlocked) upstream.pause();
  };

  /** Lets go of what is ready; the provider is heard again when nothing is held. */
  const flush = (): void => {
    if (client === null || isOver) return;
    while (held[0]?.ready === true && !isBlocked) {
      const next = held.shift();
      if (next !== undefined) tell(next.data);
    }
    if (held.length === 0 && !isBlocked) upstream.resume();
    if (leaving !== null && looking === null && books.isIdle() && held.length === 0)
      breakOff(CODES.goingAway, leaving.message);
  };

  const hold = (data: Message, until: Promise<void> | null): void => {
    const entry = { data, ready: until === null };
    held.push(entry);
    upstream.pause();
    until?.then(
      () => {
        entry.ready = true;
        flush();
      },
      (error: unknown) => {
        tools.report(toGatewayError(error), call.requestId);
        breakOff(CODES.failed, "The usage ledger cannot be written.");
      },
    );
  };

  const note = (told: Told): Promise<void> | null => {
    if (told.kind === "begun") over.delete(told.id);
    if (told.kind === "ended") {
      if (over.has(told.id)) return null;
      if (told.id !== "") over.add(told.id);
    }
    if (told.kind === "begun" || told.kind === "ended") made.add(told.id);
    if (told.kind === "ended") for (const item of told.items) made.add(item);
    const kept = answers.see(told);
    const settled = books.see(told);
    return kept === undefined ? settled : Promise.all([settled, kept]).then(() => undefined);
  };

  const refuse = (error: unknown): void => {
    const failure = toGatewayError(error);
    const body = call.dialect.error.encode(failure, call.requestId);
    tell(JSON.stringify({ type: "error", status: failure.status, ...body }));
  };

  books.onRefused((error) => {
    if (isOver) return;
    refuse(error);
    breakOff(CODES.refused, "A limit is used up.", error);
  });

  const pass = (data: Message): void => {
    if (isOver) return;
    books.heard(data);
    upstream.send(data);
    if (upstream.bufferedAmount > MAX_WAITING_BYTES) {
      const message = "The provider does not take what it is sent.";
      breakOff(CODES.tooMuch, message, new GatewayError({ kind: "upstream_unavailable", message }));
    }
  };

  call.signal.addEventListener("abort", expel);
  if (call.signal.aborted) expel();

  return {
    opened(end) {
      if (parting !== null) return end.close(...parting);
      client = end;
      flush();
    },
    told(data) {
      if (isOver) return;
      const event = readEvent(readSaid(data));
      const settled = event === null ? null : note(event);
      if (settled === null && held.length === 0 && client !== null && !isBlocked) return tell(data);
      hold(data, settled);
    },
    ended: (code, reason) => finish("provider", code, reason),
    received(sent) {
      if (isOver) return;
      const data = readSaid(sent);
      if (leaving !== null && asksForAnswer(data)) return refuse(leaving);
      if (looking === null && !needsCheck(call, data)) return pass(data);
      waiting += data.length;
      if (waiting > MAX_WAITING_BYTES)
        return breakOff(CODES.tooMuch, "Messages come faster than they can be looked at.");
      const before = looking ?? Promise.resolve();
      const own = before
        .then(async (): Promise<Message> => (needsCheck(call, data) ? checkMessage(asking, data) : data))
        .then(pass, refuse)
        .finally(() => {
          waiting -= data.length;
          if (looking !== own) return;
          looking = null;
          if (leaving !== null) flush();
        });
      looking = own;
    },
    drained() {
      isBlocked = false;
      flush();
    },
    closed: (code, reason) => finish("client", code, reason),
    leave(why) {
      leaving = why;
      flush();
    },
  };
}

/** Looked for only while the session is about to end. */
function asksForAnswer(data: Message): boolean {
  return typeof data === "string" && parseObject(data)?.["type"] === "response.create";
}

/** Codes that only a runtime may use say nothing that can be handed on. https://www.rfc-editor.org/rfc/rfc6455#section-7.4 */
function sayClose(code: number, reason: string): [code?: number, reason?: string] {
  if (code === 1005) return [];
  if (code === 1006 || code === 1015) return [CODES.failed, "The other side broke off."];
  return [code, reason];
}

export function unavailable(provider: string, cause: unknown): GatewayError {
  return new GatewayError({
    kind: "upstream_unavailable",
    message: `Provider "${provider}" could not be reached over a WebSocket. Check its base URL.`,
    cause,
  });
}
