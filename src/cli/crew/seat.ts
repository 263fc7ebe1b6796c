// One worker's process, as the office has it: begun, spoken to, and ended. Knows no gateway.

import { statSync } from "node:fs";
import { listOwnWords } from "../renew.ts";
import { type Line, type Offer, openLine } from "./line.ts";
import type { WorkerWords } from "./word.ts";

export interface Seat {
  index: number;
  pid: number;
  line: Line<WorkerWords>;
  /** How it ended. */
  exited: Promise<Ending>;
  kill(): void;
}

export interface Ending {
  /** Null where a signal ended it. */
  code: number | null;
  signal: string | null;
}

/** Tells a process that it is a worker; what it is to do it is told by its parent, over a line that nobody else has. */
export const WORKER_MARK = "TOKLIGENCE_CREW_WORKER";

interface SeatInit {
  index: number;
  offer: Offer;
  /** It said something. */
  onHear: () => void;
  onFault: (error: unknown) => void;
}

export type BeginSeat = (init: SeatInit) => Seat;

export function beginSeat({ index, offer, onHear, onFault }: SeatInit): Seat {
  const { promise: exited, resolve } = Promise.withResolvers<Ending>();
  const child = Bun.spawn([findOwnFile(), ...listOwnWords()], {
    argv0: process.argv0,
    env: { ...process.env, [WORKER_MARK]: String(index) },
    stdio: ["ignore", "inherit", "inherit"],
    serialization: "advanced",
    ipc(message) {
      onHear();
      line.hear(message);
    },
    onExit(_child, code, signal) {
      line.cut();
      resolve({ code, signal: signal === null ? null : String(signal) });
    },
  });
  const line = openLine<WorkerWords>({
    send(message) {
      // One that is just dying hears nothing, and its end is told in a moment.
      if (child.exitCode === null && child.signalCode === null) child.send(message);
    },
    offer,
    onFault,
  });
  return { index, pid: child.pid, line, exited, kill: () => child.kill("SIGKILL") };
}

/** The very program that runs, also where another edition lies in its place by now: all processes of a gateway are of one. */
function findOwnFile(): string {
  const own = `/proc/${process.pid}/exe`;
  const [here, there] = [own, process.execPath].map((path) => statSync(path, { throwIfNoEntry: false }));
  // By its usual name where it can be: lists of processes show that.
  return here === undefined || (here.ino === there?.ino && here.dev === there.dev) ? process.execPath : own;
}
