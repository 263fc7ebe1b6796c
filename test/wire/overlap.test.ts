// Parts that are told in turns, as some servers write them: whichever format a client speaks, all of each reaches it, and nothing of it twice.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Event, type PartStartEvent, collect } from "../../src/ir/index.ts";
import { type ChatWire, WIRES } from "../../src/wire/index.ts";
import { decodeStream, encodeStream } from "./replay.ts";

const CLIENTS: ChatWire[] = Object.values(WIRES).flatMap((wire) => (wire.operation === "chat" ? [wire] : []));
const CLIENT = {
  request: { model: "any", messages: [], tools: [], stream: true, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};

type Kind = "reasoning" | "text" | "tool";
/** Begins a part of that kind, or says more of one that is open, or ends it. */
type Step = { begin: Kind } | { more: number } | { end: number };

const STEPS = fc.array(
  fc.oneof(
    fc.constantFrom<Kind>("reasoning", "text", "tool").map((begin): Step => ({ begin })),
    fc.nat(9).map((more): Step => ({ more })),
    fc.nat(9).map((end): Step => ({ end })),
  ),
  { minLength: 4, maxLength: 30 },
);

/** Each piece is told apart from all others; the arguments of calls are JSON. */
function toEvents(steps: readonly Step[]): Event[] {
  const events: Event[] = [{ type: "start", id: "a", model: "m", createdAt: null, extra: {} }];
  const open: { part: number; kind: Kind }[] = [];
  const say = (part: number, text: string): void => void events.push({ type: "part-delta", choice: 0, part, text });
  const close = ({ part, kind }: { part: number; kind: Kind }): void => {
    if (kind === "tool") say(part, '"}');
    events.push({ type: "part-end", choice: 0, part });
  };
  let parts = 0;
  for (const [index, step] of steps.entries()) {
    if ("begin" in step) {
      const part = parts++;
      const name = `f${part}`;
      const kind: PartStartEvent["kind"] =
        step.begin === "tool" ? { toolCall: { id: `call_${part}`, name } } : step.begin;
      events.push({ type: "part-start", choice: 0, part, kind });
      if (step.begin === "tool") say(part, '{"a":"');
      open.push({ part, kind: step.begin });
    } else if (open.length > 0 && "more" in step) say(open[step.more % open.length]?.part ?? 0, `<${index}>`);
    else if (open.length > 0 && "end" in step) for (const gone of open.splice(step.end % open.length, 1)) close(gone);
  }
  for (const each of open) close(each);
  return [...events, { type: "choice-end", choice: 0, finish: "stop" }, { type: "finish" }];
}

/** What was said, whatever the order of its pieces among parts; calls by their names. */
function sum(events: readonly Event[]) {
  const { response, error } = collect(events);
  const parts = response.choices.flatMap((choice) => choice.parts);
  const pieces = (kind: "reasoning" | "text"): string[] =>
    parts.flatMap((part) => (part.type === kind ? (part.text.match(/<\d+>/gu) ?? []) : [])).toSorted();
  const calls = parts.flatMap((part) => (part.type === "tool-call" ? [`${part.name} ${part.arguments}`] : []));
  return { error, text: pieces("text"), reasoning: pieces("reasoning"), calls: calls.toSorted() };
}

test.each(CLIENTS.map((wire) => [wire.id, wire] as const))("told to a client of %s", (_id, wire) => {
  fc.assert(
    fc.property(STEPS, (steps) => {
      const events = toEvents(steps);
      expect(sum(decodeStream(wire, [encodeStream(wire, events, CLIENT)]))).toEqual(sum(events));
    }),
    { numRuns: 300, seed: 7 },
  );
});
