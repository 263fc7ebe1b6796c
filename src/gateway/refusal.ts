// Answers that are none: a provider ends them for what they are about before anything was said. Knows no format.

import { type AnswerPart, type Event, GatewayError, type Response } from "../ir/index.ts";

/** Null where any choice says something, or ends otherwise. */
export function findRefusal({ choices }: Pick<Response, "choices">): GatewayError | null {
  const isRefused =
    choices.length > 0 && choices.every(({ finish, parts }) => REFUSED.has(finish) && !parts.some(says));
  // Formats that keep a refusal's words apart may end it like any answer.
  const isTold = choices.length > 0 && choices.every(({ refusal = "", parts }) => refusal !== "" && !parts.some(says));
  return isRefused || isTold ? refused() : null;
}

const REFUSED: ReadonlySet<string> = new Set(["content-filter", "refusal"]);

function says(part: AnswerPart): boolean {
  return part.type === "media" || part.type === "tool-call" || (part.type === "text" && part.text.trim() !== "");
}

/** Listens to a stream for as long as nothing of it was released. */
export interface RefusalWatch {
  /** Whether one of the events is output, a refusal's own words left out. */
  hasOutput(events: readonly Event[], isOutput: (event: Event) => boolean): boolean;
  /** What the stream is where it is over without output; null where it is no refusal. */
  failure(): GatewayError | null;
}

export function watchRefusal(): RefusalWatch {
  const apart = new Set<string>();
  let isRefused = false;
  return {
    hasOutput(events, isOutput) {
      let found = false;
      for (const event of events) {
        if (event.type === "part-start" && event.kind === "refusal") {
          apart.add(`${event.choice}/${event.part}`);
          isRefused = true;
        }
        if (event.type === "choice-end") isRefused ||= REFUSED.has(event.finish);
        const isApart = event.type === "part-delta" && apart.has(`${event.choice}/${event.part}`);
        found ||= !isApart && isOutput(event);
      }
      return found;
    },
    failure: () => (isRefused ? refused() : null),
  };
}

function refused(): GatewayError {
  return new GatewayError({
    kind: "blocked",
    code: "content_refused",
    message: "The model refused to answer.",
  });
}
