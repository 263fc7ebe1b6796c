// Starts a server as the leader of a group of processes, and tells how long it took until it served. Knows no particular one.

import { createMessageReader, readStatus } from "../http/message.ts";
import { printRequest } from "../load/connection.ts";
import type { Aim } from "../load/type.ts";
import { DIALECTS } from "../dialect/index.ts";
import type { Address } from "./type.ts";

const PATIENCE_MS = 30_000;
const AGAIN_MS = 1;
const STOP_MS = 10_000;

/** A group of its own outlives whoever started it, unless that sees to it. */
const leaders = new Set<number>();
process.on("exit", () => {
  for (const leader of leaders) endGroup(leader, "SIGKILL");
});

/** Of the whole process: whoever ends it ends what it started. */
export function stopAllOnSignal(): void {
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
}

interface Launch {
  command: readonly string[];
  cwd: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** Where it is asked until it answers with 200; the provider behind it answers anything. */
  address: Address;
}

export interface Launched {
  pid: number;
  startMs: number;
  stop(): Promise<void>;
}

export async function launch({ command, cwd, env = {}, address }: Launch): Promise<Launched> {
  const startedMs = performance.now();
  const child = Bun.spawn([...command], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: cwd, ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(`${cwd}/stderr.log`),
    detached: true,
  });
  leaders.add(child.pid);
  const stop = async (): Promise<void> => {
    endGroup(child.pid, "SIGTERM");
    const timer = setTimeout(() => endGroup(child.pid, "SIGKILL"), STOP_MS);
    await child.exited;
    clearTimeout(timer);
    endGroup(child.pid, "SIGKILL");
    leaders.delete(child.pid);
  };
  while (!(await answers(makeProbe(address)))) {
    if (child.exitCode === null && performance.now() - startedMs < PATIENCE_MS) {
      await Bun.sleep(AGAIN_MS);
      continue;
    }
    await stop();
    const said = (await Bun.file(`${cwd}/stderr.log`).text()).trim().slice(-1_000);
    throw new Error(`${command.join(" ")} does not serve. ${said}`);
  }
  return { pid: child.pid, startMs: performance.now() - startedMs, stop };
}

function makeProbe({ hostname, port, headers, prefix = "" }: Address): Aim {
  const chat = DIALECTS["openai-chat"];
  const question = { model: "gpt-4o-mini", bytes: 300, stream: false };
  return {
    hostname,
    port,
    path: prefix + chat.path(question),
    headers,
    body: JSON.stringify(chat.request(question)),
    pieces: 0,
  };
}

/** On a connection of its own, so that a server which is not up yet is soon asked again. */
async function answers(aim: Aim): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const reader = createMessageReader();
  const request = printRequest(aim);
  const no = (): void => resolve(false);
  const socket = await Bun.connect({
    hostname: aim.hostname,
    port: aim.port,
    socket: {
      open: (opened) => void opened.write(request),
      data(_, piece) {
        if (reader.push(piece)) resolve(readStatus(reader.head()) === 200);
      },
      close: no,
      error: no,
      connectError: no,
    },
  }).catch(() => null);
  if (socket === null) return false;
  const isUp = await promise.catch(() => false);
  socket.terminate();
  return isUp;
}

function endGroup(leader: number, signal: "SIGKILL" | "SIGTERM"): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // It is gone.
  }
}

/** One that nobody listens on at present. */
export function findFreePort(): number {
  const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = holder;
  holder.stop(true);
  return port;
}
