// What passes between the counting thread and its owner: one text for many calls, which goes from one to the other several times faster than
// nested values. The texts stand in it as they are, behind a head that says how long each one is: nothing is escaped and read back.

import type { HeardPart, LedgerEntry } from "../../ledger/index.ts";
import type { Job } from "./count.ts";
import type { Lesson } from "./judge.ts";
import type { TokenizerFile } from "./profile.ts";

/** First message. */
export interface Hello {
  tokenizers: readonly TokenizerFile[];
  /** A share: 0.03 is three percent. */
  tolerance: number;
  /** What was learned so far, by name. */
  lessons: readonly (readonly [name: string, lesson: Lesson])[];
}

/** What of a row is held against its text. */
export type Booked = Pick<
  LedgerEntry,
  | "cacheReadTokens"
  | "cacheWriteTokens"
  | "freshInputTokens"
  | "id"
  | "modelAsked"
  | "modelServed"
  | "outputTokens"
  | "provider"
  | "reasoningTokens"
>;

/** A call that is to be counted. */
export interface Task extends Pick<Job, "answer" | "format" | "request"> {
  entry: Booked;
  /** Why the answer is not here though it has text; null where it is. */
  missing: string | null;
  /** The provider's count of the request, made apart from the call; `unknown` where it gave none, null where it was not asked. */
  asked: number | "unknown" | null;
}

/** Calls that are counted together. */
export interface Batch {
  number: number;
  /** When it was sent: milliseconds. */
  atMs: number;
  /** Of how many their providers may be asked. */
  askable: number;
  tasks: readonly Task[];
}

/** What came of a batch. */
export interface Outcome {
  number: number;
  /** Recounts as lines of the journal, in the order of their calls. */
  lines: string[];
  counted: number;
  over: number;
  under: number;
  /** By reason. */
  skipped: Record<string, number>;
  /** Places in the batch of calls whose providers are to be asked first. */
  asks: number[];
  /** Tokenizers that cannot be used. */
  faults: string[];
  /** What was learned from it. */
  lessons: [name: string, lesson: Lesson][];
}

/** A part of an answer, but for its text; of a whole answer or none only the length. */
type PackedAnswer = number | null | (Omit<HeardPart, "texts"> & { length: number })[];

type Kind = [format: string, provider: string | null, modelAsked: string, modelServed: string | null];

type PackedTask = [
  kind: number,
  id: string,
  length: number,
  answer: PackedAnswer,
  missing: Task["missing"],
  asked: Task["asked"],
  fresh: number | null,
  read: number | null,
  write: number | null,
  output: number | null,
  reasoning: number | null,
];

interface Head extends Omit<Batch, "tasks"> {
  /** Each once, however many calls are of its kind. */
  kinds: Kind[];
  tasks: PackedTask[];
}

const HEAD_END = "\n";

export function packBatch({ tasks, ...batch }: Batch): string {
  const places = new Map<string, number>();
  // Pieces that are added up are copied once, when the whole is sent.
  let texts = "";
  const head: Head = { ...batch, kinds: [], tasks: [] };
  for (const { format, request, answer, missing, asked, entry } of tasks) {
    const { provider, modelAsked, modelServed } = entry;
    const name = `${format}\n${provider}\n${modelAsked}\n${modelServed}`;
    let place = places.get(name);
    if (place === undefined) {
      place = head.kinds.push([format, provider, modelAsked, modelServed]) - 1;
      places.set(name, place);
    }
    const packed = packAnswer(answer);
    texts += request + packed.text;
    head.tasks.push([
      place,
      entry.id,
      request.length,
      packed.answer,
      missing,
      asked,
      entry.freshInputTokens,
      entry.cacheReadTokens,
      entry.cacheWriteTokens,
      entry.outputTokens,
      entry.reasoningTokens,
    ]);
  }
  return JSON.stringify(head) + HEAD_END + texts;
}

function packAnswer(answer: Job["answer"]): { answer: PackedAnswer; text: string } {
  if (answer === null) return { answer, text: "" };
  if (typeof answer === "string") return { answer: answer.length, text: answer };
  let text = "";
  const parts = answer.map(({ texts, ...part }) => {
    const start = text.length;
    for (const piece of texts) text += piece;
    return { ...part, length: text.length - start };
  });
  return { answer: parts, text };
}

export function unpackBatch(text: string): Batch {
  let at = text.indexOf(HEAD_END);
  const { kinds, tasks, ...batch } = JSON.parse(text.slice(0, at)) as Head;
  at += HEAD_END.length;
  const take = (length: number): string => text.slice(at, (at += length));
  return { ...batch, tasks: tasks.map((task) => unpackTask(task, kinds, take)) };
}

/** By place: to take a list apart by name costs as much as to read half of the call. */
function unpackTask(task: PackedTask, kinds: readonly Kind[], take: (length: number) => string): Task {
  const kind = kinds[task[0]];
  if (kind === undefined) throw new RangeError("a call of no kind");
  const request = take(task[2]);
  return {
    format: kind[0],
    request,
    answer: unpackAnswer(task[3], take),
    missing: task[4],
    asked: task[5],
    entry: {
      id: task[1],
      provider: kind[1],
      modelAsked: kind[2],
      modelServed: kind[3],
      freshInputTokens: task[6],
      cacheReadTokens: task[7],
      cacheWriteTokens: task[8],
      outputTokens: task[9],
      reasoningTokens: task[10],
    },
  };
}

function unpackAnswer(answer: PackedAnswer, take: (length: number) => string): Job["answer"] {
  if (answer === null) return null;
  if (typeof answer === "number") return take(answer);
  return answer.map(({ length, ...part }) => ({ ...part, texts: [take(length)] }));
}

/** No line has an end of a line in it. */
export function packOutcome({ lines, ...head }: Outcome): string {
  return [JSON.stringify(head), ...lines].join(HEAD_END);
}

export function unpackOutcome(text: string): Outcome {
  const [head = "", ...lines] = text.split(HEAD_END);
  return { ...(JSON.parse(head) as Omit<Outcome, "lines">), lines };
}
