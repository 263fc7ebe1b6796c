// How a process becomes a worker of the gateway that began it: it hears what it is to do over the line to it, and ends with it. Knows no part of a gateway.

import type { News, OpenSharing } from "../../gateway/index.ts";
import { CliError, EXIT, explainFailure } from "../error.ts";
import { type Line, openLine } from "./line.ts";
import type { OfficeWords, Order, WorkerWords } from "./word.ts";

export interface Enlisted {
  order: Order;
  office: Line<OfficeWords>;
  /** What it does for the office: to be filled in as far as it can. */
  words: WorkerWords;
  share: OpenSharing;
  onStop(stop: (word: string) => void): void;
}

/** Rejects where no gateway is at the other end. */
export async function enlist(): Promise<Enlisted> {
  const send = process.send?.bind(process);
  if (send === undefined) {
    throw new CliError("A worker is begun by a gateway alone.", {
      exitCode: EXIT.usage,
      hint: "Say workers = 2 in the configuration, and start the gateway without TOKLIGENCE_CREW_WORKER.",
    });
  }
  const early: News[] = [];
  let stop: ((word: string) => void) | null = null;
  let isTold = false;
  const onStop = (word: string): void => {
    if (stop === null) process.exit(EXIT.ok);
    // A service manager tells all processes, and the office tells its workers: that is one word.
    if (!isTold) stop(word);
    isTold = true;
  };
  const words: WorkerWords = {
    stop: () => onStop("stop"),
    cut() {
      onStop("stop");
      // Said again, it does not wait.
      stop?.("cut");
    },
    reload: () => undefined,
    readPrices: () => undefined,
    hear: (news) => void early.push(news),
    adoptFull: () => undefined,
    adoptBudgets: () => undefined,
    adoptState: () => undefined,
    askEnd: () => null,
    askReport: () => {
      throw new Error("This worker does not serve yet.");
    },
  };
  const office = openLine<OfficeWords>({
    send: (message) => void send(message),
    offer: words,
    // The office has said it to a process that is about to end.
    onFault: () => undefined,
  });
  process.on("message", (message) => office.hear(message));
  // Without the office nobody binds what is written here: the next start finds it.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  heedSignals(onStop);
  const order = await office.ask("enrol");
  return {
    order,
    office,
    words,
    share(hear) {
      for (const news of [...order.news, ...early]) hear(news);
      words.hear = hear;
      return { tell: (news) => office.tell("tellNews", news), isConnected: () => null, stop: () => undefined };
    },
    onStop(next) {
      stop = next;
    },
  };
}

/** A terminal tells all processes at once: the office says what is to be done. Told alone, a worker makes room for another. */
function heedSignals(onStop: (word: string) => void): void {
  for (const signal of ["SIGHUP", "SIGINT"] as const) process.on(signal, () => undefined);
  process.on("SIGTERM", () => onStop("SIGTERM"));
}

/** Says why it cannot begin; resolves once that is on its way. */
export async function tellTrouble({ office }: Pick<Enlisted, "office">, error: unknown): Promise<void> {
  const { message, hint, exitCode } = explainFailure(error);
  await office.ask("failed", { message, hint, exitCode }).catch(() => undefined);
}
