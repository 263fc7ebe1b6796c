// The provider of the bench, on bare sockets, so that it costs little beside what is measured: answers as its script says, and counts.

import type { Socket } from "bun";
import { findDialect } from "../dialect/index.ts";
import type { Dialect } from "../dialect/type.ts";
import { type MessageReader, createMessageReader, readPath } from "../http/message.ts";
import { type Outbox, createOutbox } from "../http/outbox.ts";
import { putDigits, readClockUs } from "../http/stamp.ts";
import { type Pace, createPace } from "./pace.ts";
import { BURST, type Reply, type Script, type Stamped, prepareReplies, printAnswer } from "./script.ts";

export interface Mock {
  port: number;
  follow(script: Script): void;
  /** Requests that were answered by the script, since the start. */
  calls(): number;
  stop(): void;
}

interface Caller {
  reader: MessageReader;
  outbox: Outbox;
  isOpen: boolean;
}

const TICK_MS = 1;
const LISTING = printAnswer({ object: "list", data: [], has_more: false, models: [] });
const UNKNOWN = printAnswer({ error: { type: "not_found_error", message: "No such path." } }, "404 Not Found");

export function startMock(port = 0): Mock {
  let calls = 0;
  let replies: ReadonlyMap<Dialect, Reply> = new Map();
  let delayMs = 0;
  let pace: Pace = createPace(0, () => performance.now());
  let delays: Pace = pace;
  let timer: Timer | null = null;

  const wake = (): void => {
    timer ??= setInterval(() => {
      pace.tick();
      delays.tick();
      if (pace.waiting() + delays.waiting() > 0) return;
      if (timer !== null) clearInterval(timer);
      timer = null;
    }, TICK_MS);
  };

  const stream = (caller: Caller, reply: Extract<Reply, { kind: "stream" }>): void => {
    let left = reply.pieces;
    caller.outbox.send(reply.start, true);
    /** Whether there is more. */
    const sendNext = ({ bytes, digitsAt }: Stamped): boolean => {
      if (!caller.isOpen) return false;
      const now = readClockUs();
      for (const at of digitsAt) putDigits(bytes, at, now);
      // The bytes are shared by all streams: what a socket does not take at once is copied before others change it.
      caller.outbox.send(bytes, false);
      left -= digitsAt.length;
      if (left > 0) return true;
      caller.outbox.send(reply.end, true);
      return false;
    };
    if (reply.gapMs === 0) while (sendNext(left >= BURST ? reply.burst : reply.piece));
    else if (sendNext(reply.piece)) {
      pace.add(() => sendNext(reply.piece));
      wake();
    }
  };

  const answer = (caller: Caller, head: string): void => {
    if (head.startsWith("GET ")) {
      caller.outbox.send(LISTING, true);
      return;
    }
    const dialect = findDialect(readPath(head));
    const reply = dialect === null ? undefined : replies.get(dialect);
    if (reply === undefined) {
      caller.outbox.send(UNKNOWN, true);
      return;
    }
    calls++;
    if (reply.kind === "whole") caller.outbox.send(reply.bytes, true);
    else stream(caller, reply);
  };

  const take = (caller: Caller, piece: Buffer): void => {
    if (!caller.reader.push(piece)) return;
    const head = caller.reader.head();
    if (delayMs === 0) {
      answer(caller, head);
      return;
    }
    delays.add(() => {
      if (caller.isOpen) answer(caller, head);
      return false;
    });
    wake();
  };

  const server = Bun.listen<Caller>({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket: Socket<Caller>) {
        socket.setNoDelay(true);
        socket.data = { reader: createMessageReader(), outbox: createOutbox(socket), isOpen: true };
      },
      data: (socket, piece) => take(socket.data, piece),
      drain: (socket) => socket.data.outbox.drain(),
      close(socket) {
        socket.data.isOpen = false;
      },
      error(socket) {
        socket.data.isOpen = false;
      },
    },
  });
  return {
    port: server.port,
    follow(script) {
      replies = prepareReplies(script);
      delayMs = script.delayMs;
      const gapMs = script.answer.kind === "stream" ? script.answer.gapMs : 0;
      pace = createPace(gapMs, () => performance.now());
      delays = createPace(delayMs, () => performance.now());
    },
    calls: () => calls,
    stop: () => server.stop(true),
  };
}
