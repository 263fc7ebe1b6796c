// A client that does not wait: a connection for each request, left when the answer has begun. Knows the time, and no rate.

import type { Socket } from "bun";
import { readStatus } from "../http/message.ts";
import { readClockUs } from "../http/stamp.ts";
import type { Connection, Given } from "./connection.ts";

const HEAD_END = "\r\n\r\n";

/** Answered is who got the head of an answer and something of its body. */
export function connectLeaving({ aim: { hostname, port }, next, onAnswer }: Given): Connection {
  let current: Socket | null = null;
  let isOpen = true;
  const connection: Connection = {
    ask(dueUs) {
      let text = "";
      let isOver = false;
      const end = (fault: string | null): void => {
        if (isOver) return;
        isOver = true;
        const endUs = readClockUs();
        onAnswer(connection, { dueUs, firstUs: 0, endUs, fault });
      };
      const take = (socket: Socket, piece: Buffer): void => {
        text += piece.toString("latin1");
        const at = text.indexOf(HEAD_END);
        if (at === -1 || text.length === at + HEAD_END.length) return;
        const status = readStatus(text);
        end(status === 200 ? null : `status ${status}`);
        socket.terminate();
      };
      void Bun.connect({
        hostname,
        port,
        socket: {
          open(socket) {
            current = socket;
            socket.write(next());
          },
          data: take,
          close: () => end("closed"),
          error: () => end("broken"),
        },
      }).catch(() => end("cannot connect"));
    },
    isOpen: () => isOpen,
    close() {
      isOpen = false;
      current?.terminate();
    },
  };
  return connection;
}
