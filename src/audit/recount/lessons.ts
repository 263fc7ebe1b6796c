// What is known of how each provider counts, by model and kind of request: told from earlier recounts at the first need, then kept in memory.
// Knows no SQL and no text.

import { learn } from "./calibration.ts";
import { type Lesson, NO_LESSON } from "./judge.ts";

/** Of a row that lay within its bounds, what it tells of how its provider counts. */
export interface PastRecount {
  provider: string;
  model: string;
  tokenizer: string;
  tokenizerVersion: string;
  /** Tokens of input and output as we estimated them, and as they are booked. */
  ours: { input: number | null; output: number | null };
  theirs: { input: number | null; output: number | null };
}

interface Kind {
  /** The tokenizer, the family's ways and the format. */
  measure: string;
  version: string;
  isMarkedTools: boolean;
}

/** Models' names are the clients' to choose. */
const MAX_LESSONS = 2_000;
const MAX_NAME_LENGTH = 200;

export interface LessonBook {
  get(name: string): Lesson;
  set(name: string, lesson: Lesson): void;
  all(): [name: string, lesson: Lesson][];
  /** Those that were set since it was last asked. */
  takeChanged(): [name: string, lesson: Lesson][];
}

export function createLessonBook(): LessonBook {
  const lessons = new Map<string, Lesson>();
  const changed = new Set<string>();
  const get = (name: string): Lesson => lessons.get(name) ?? NO_LESSON;
  return {
    get,
    set(name, lesson) {
      if (lessons.get(name) === lesson) return;
      if (!lessons.has(name) && lessons.size >= MAX_LESSONS) {
        const [oldest = ""] = lessons.keys();
        lessons.delete(oldest);
      }
      lessons.set(name, lesson);
      changed.add(name);
    },
    all: () => [...lessons],
    takeChanged() {
      const taken = [...changed].map((name): [string, Lesson] => [name, get(name)]);
      changed.clear();
      return taken;
    },
  };
}

/** Never rejects: without history everything is learned anew. */
export async function readLessons(book: LessonBook, history: AsyncIterable<PastRecount>): Promise<void> {
  try {
    for await (const past of history) {
      const told = readLesson(past);
      if (told !== null) book.set(told.name, told.teach(book.get(told.name)));
    }
  } catch {
    // What was read before it failed is still true.
  }
}

export function nameLesson(provider: string, model: string, { measure, version, isMarkedTools }: Kind): string {
  return [provider, model.slice(0, MAX_NAME_LENGTH), measure, version, isMarkedTools ? "tools" : ""].join("\n");
}

/** `o200k_base:claude/bedrock-converse+tools x1.0870(33)/1`: a side that is no lesson has no number of rows. */
const PRINTED = /^(\S+?)(\+tools)? x([\d.]+)(\(\d+\))?\/([\d.]+)(\(\d+\))?$/u;

/** A row tells by what ratio our own count became its estimate, and so what that count was. */
function readLesson({ provider, model, tokenizer: printed, tokenizerVersion, ours, theirs }: PastRecount) {
  const [, measure = "", tools, input, teachesInput, output, teachesOutput] = PRINTED.exec(printed) ?? [];
  if (measure === "") return null;
  const kind = { measure, version: tokenizerVersion, isMarkedTools: tools !== undefined };
  const sides = {
    input: { ours: teachesInput === undefined ? null : divide(ours.input, input), theirs: theirs.input },
    output: { ours: teachesOutput === undefined ? null : divide(ours.output, output), theirs: theirs.output },
  };
  return {
    name: nameLesson(provider, model, kind),
    teach: (from: Lesson): Lesson => ({
      input: teach(from.input, sides.input),
      output: teach(from.output, sides.output),
    }),
  };
}

function divide(tokens: number | null, ratio: string | undefined): number | null {
  return tokens === null || !(Number(ratio) > 0) ? null : tokens / Number(ratio);
}

function teach(
  from: Lesson["input"],
  { ours, theirs }: { ours: number | null; theirs: number | null },
): Lesson["input"] {
  return ours === null || theirs === null ? from : learn(from, ours, theirs);
}
