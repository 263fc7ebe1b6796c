// One connection that asks and is answered, again and again, on a bare socket, so that asking costs little. Knows the time, and no rate.

import type { Socket } from "bun";
import { type MessageReader, createMessageReader, readStatus } from "../http/message.ts";
import { type Outbox, createOutbox } from "../http/outbox.ts";
import { type StampReader, createStampReader, readClockUs } from "../http/stamp.ts";
import type { Aim } from "./type.ts";
import type { NextRequest } from "./vary.ts";

export interface Answer {
  /** When it was due, was begun to be answered, and was whole. `firstUs` is 0 where nothing was streamed. */
  dueUs: number;
  firstUs: number;
  endUs: number;
  /** Null where all is well. */
  fault: string | null;
}

export interface Connection {
  /** One at a time. */
  ask(dueUs: number): void;
  isOpen(): boolean;
  close(): void;
}

export interface Given {
  aim: Aim;
  next: NextRequest;
  onAnswer: (connection: Connection, answer: Answer) => void;
  /** How long each piece of a stream was on its way. */
  onPiece: (us: number) => void;
}

/** What is sent, byte for byte. */
export function printRequest({ hostname, port, path, headers, body }: Aim): Buffer {
  const own = { host: `${hostname}:${port}`, "content-type": "application/json", accept: "*/*", ...headers };
  const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

interface State {
  outbox: Outbox | null;
  reader: MessageReader;
  stamps: StampReader | null;
  dueUs: number;
  firstUs: number;
  pieces: number;
  isBusy: boolean;
  isOpen: boolean;
}

export async function connect({ aim, next, onAnswer, onPiece }: Given): Promise<Connection> {
  const state: State = {
    outbox: null,
    reader: createMessageReader((part) => state.stamps?.push(part)),
    stamps: aim.pieces === 0 ? null : createStampReader((sentUs) => takePiece(sentUs)),
    dueUs: 0,
    firstUs: 0,
    pieces: 0,
    isBusy: false,
    isOpen: true,
  };

  const takePiece = (sentUs: number): void => {
    const now = readClockUs();
    if (state.pieces++ === 0) state.firstUs = now;
    onPiece(now - sentUs);
  };

  const finish = (fault: string | null): void => {
    if (!state.isBusy) return;
    state.isBusy = false;
    state.stamps?.reset();
    const { dueUs, firstUs } = state;
    onAnswer(connection, { dueUs, firstUs, endUs: readClockUs(), fault });
  };

  const drop = (socket: Socket, fault: string): void => {
    state.isOpen = false;
    finish(fault);
    socket.terminate();
  };

  const take = (socket: Socket, piece: Buffer): void => {
    if (!state.isBusy) {
      drop(socket, "spoke unasked");
      return;
    }
    try {
      if (!state.reader.push(piece)) return;
    } catch (error) {
      drop(socket, `malformed: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const fault = judge(state, aim);
    // It says that it will close: whatever were sent on this connection might be lost.
    if (/\r\nconnection: close/iu.test(state.reader.head())) state.isOpen = false;
    finish(fault);
  };

  const socket = await Bun.connect({
    hostname: aim.hostname,
    port: aim.port,
    socket: {
      open: (opened) => void opened.setNoDelay(true),
      data: take,
      drain: () => state.outbox?.drain(),
      close: (closed) => drop(closed, "closed"),
      error: (broken) => drop(broken, "broken"),
    },
  });
  state.outbox = createOutbox(socket);
  const { outbox } = state;
  const connection: Connection = {
    ask(dueUs) {
      state.isBusy = true;
      state.dueUs = dueUs;
      state.firstUs = 0;
      state.pieces = 0;
      outbox.send(next(), true);
    },
    isOpen: () => state.isOpen,
    close() {
      state.isBusy = false;
      state.isOpen = false;
      socket.terminate();
    },
  };
  return connection;
}

function judge({ reader, pieces }: State, aim: Aim): string | null {
  const status = readStatus(reader.head());
  if (status !== 200) return `status ${status}`;
  if (reader.bodyBytes() === 0) return "empty";
  return pieces === aim.pieces ? null : "incomplete stream";
}
