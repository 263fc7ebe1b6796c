// A provider that fails as it is told to, over real sockets: each request that comes in is answered by a script of its own, byte by byte.
// Knows no format and judges nothing.

import type { Socket, TCPSocketListener } from "bun";

/**
 * What is done with a connection once a request is there whole. Text is sent as it stands; `stall` waits for the other side to hang up; `drip` sends a
 * piece each time the test asks for one; `wait` goes on when the test says so; `end` closes in order, `reset` without a word.
 */
export type Step = { drip: string } | "end" | "reset" | "stall" | "wait" | (string & {});

export interface FaultyUpstream {
  port: number;
  /** How many requests have come in. */
  asked(): number;
  /** Resolves once the script of so many requests has done what it does by itself. */
  said(count: number): Promise<void>;
  /** Connections whose other side has hung up before we did. */
  hungUp(): number;
  /** The next piece of each script that drips. */
  drip(): void;
  /** The scripts that wait go on. */
  go(): void;
  stop(): void;
}

interface State {
  text: string;
  isAnswered: boolean;
  isOver: boolean;
  drip: string | null;
  left: readonly Step[];
}

/** `scripts`: one a request, in their order; those beyond the last get the last. */
export function openFaulty(scripts: readonly (readonly Step[])[], tls?: { cert: string; key: string }): FaultyUpstream {
  let asked = 0;
  let said = 0;
  let hungUp = 0;
  const open = new Set<Socket<State>>();

  const play = (socket: Socket<State>, steps: readonly Step[]): void => {
    for (const [index, step] of steps.entries()) {
      if (step === "wait") {
        socket.data.left = steps.slice(index + 1);
        break;
      }
      if (step === "stall") continue;
      if (step === "end" || step === "reset") {
        socket.data.isOver = true;
        if (step === "end") socket.end();
        else socket.terminate();
      } else if (typeof step === "string") socket.write(step);
      else socket.data.drip = step.drip;
    }
    said++;
  };

  const listener: TCPSocketListener<State> = Bun.listen<State>({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls === undefined ? {} : { tls }),
    socket: {
      open(socket) {
        socket.data = { text: "", isAnswered: false, isOver: false, drip: null, left: [] };
        open.add(socket);
      },
      data(socket, bytes) {
        const state = socket.data;
        state.text += bytes.toString();
        if (state.isAnswered || !isWhole(state.text)) return;
        state.isAnswered = true;
        const script = scripts[Math.min(asked, scripts.length - 1)] ?? [];
        asked++;
        play(socket, script);
      },
      close(socket) {
        // One with which no TLS came about was never open.
        if (!open.delete(socket)) return;
        if (socket.data.isAnswered && !socket.data.isOver) hungUp++;
      },
    },
  });
  return {
    port: listener.port,
    asked: () => asked,
    async said(count) {
      while (said < count) await new Promise(setImmediate);
    },
    hungUp: () => hungUp,
    drip() {
      for (const socket of open) if (socket.data.drip !== null) socket.write(socket.data.drip);
    },
    go() {
      for (const socket of open) {
        const { left } = socket.data;
        socket.data.left = [];
        if (left.length > 0) play(socket, left);
      }
    },
    stop: () => listener.stop(true),
  };
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = /^content-length: (\d+)/imu.exec(text.slice(0, end))?.[1];
  return Buffer.byteLength(text.slice(end + 4)) >= Number(length ?? 0);
}

/** The head of an answer whose connection is not used again. */
export function head(status: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries({ connection: "close", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`;
}

/** A whole answer. */
export function whole(status: string, type: string, body: string, headers: Record<string, string> = {}): Step[] {
  const length = Buffer.byteLength(body);
  return [head(status, { "content-type": type, "content-length": length, ...headers }) + body, "end"];
}

/** One piece of a body that comes in pieces; without text, its end. */
export function piece(text = ""): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
