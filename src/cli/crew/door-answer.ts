// Answers that are given again, and those that clients may refer to later, as a worker has them: the office holds the first, and knows of the second who
// makes them. Knows no format.

import type { AnswerShelf, Memory } from "../../gateway/index.ts";
import type { Line } from "./line.ts";
import type { Pulse } from "./pulse.ts";
import type { OfficeWords } from "./word.ts";

type Office = Pick<Line<OfficeWords>, "ask" | "tell">;

export function keepAtOffice(office: Office, pulse: Pick<Pulse, "heed">): AnswerShelf {
  const unknown = { entries: null, bytes: null };
  return {
    kind: "memory",
    get: (key) => pulse.heed(() => office.ask("findAnswer", key)).catch(() => null),
    put: (key, answer, ttlMs) => office.tell("keepAnswer", key, answer, ttlMs),
    clear: async () => null,
    size: async () => unknown,
    glance: () => unknown,
    stop: async () => undefined,
  };
}

/** The same; what is being made here can be found by all. */
export function tellRuns(memory: Memory, office: Office): Memory {
  const tell: <Made extends ReturnType<Memory["track"]>>(run: Made) => Made = (run) => {
    const { close } = run;
    office.tell("began", run.id);
    return Object.assign(run, {
      close() {
        close();
        office.tell("ended", run.id);
      },
    });
  };
  return {
    ...memory,
    begin: async (answer) => tell(await memory.begin(answer)),
    track: (answer) => tell(memory.track(answer)),
  };
}
