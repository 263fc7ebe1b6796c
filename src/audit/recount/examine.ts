// Makes a recount of a call: its text counted, and what was booked held against the count by what is known of its provider. Knows no thread.

import { type Counted, type Side, countJob } from "./count.ts";
import { judge, mayAsk } from "./judge.ts";
import { type LessonBook, nameLesson } from "./lessons.ts";
import type { Task } from "./message.ts";
import { isMostlyCjk, startKinds } from "./prior.ts";
import type { Profile } from "./profile.ts";
import { type Examined, skipped } from "./skip.ts";
import type { Tokenizer } from "./vocabulary.ts";

export interface Means {
  profile: Profile;
  tokenizer: Tokenizer;
  lessons: LessonBook;
  /** A share: 0.03 is three percent. */
  tolerance: number;
  /** Whether the provider may be asked for its own count. */
  isAskable: boolean;
}

/** `ask`: its provider is to be asked first. Throws where either side is not what its format says. */
export function examine(task: Task, means: Means): Examined | "ask" {
  const { format, request, answer, missing, asked, entry } = task;
  const { profile, tokenizer, isAskable } = means;
  const found = countJob({ format, profile, request, answer }, tokenizer.count);
  // Where only the provider can tell, it is asked.
  if (isAskable && asked === null && entry.provider !== null && mayAsk(found.input, profile)) return "ask";
  return settle(task, missing === null ? found : { ...found, output: hideOutput(missing) }, means);
}

function settle(
  { format, asked, entry }: Task,
  counted: Counted,
  { profile, tokenizer: { version }, lessons, tolerance }: Means,
): Examined {
  const { input, output } = counted;
  const given = asked === "unknown" ? null : asked;
  if (given === null && input.tokens === null && (output === null || output.tokens === null)) {
    return skipped(entry, `hidden: ${input.hidden ?? "content"}`);
  }
  const isMarkedTools = input.toolTokens > 0;
  // How tools are framed depends on the format, and what history tells on what the text is.
  const isCjk = [input, output].some((side) => side !== null && isMostlyCjk(side.kinds));
  const measure = `${profile.tokenizer}:${profile.prior.name}/${format}${isCjk ? ":cjk" : ""}`;
  const name = nameLesson(entry.provider ?? "", entry.modelServed ?? entry.modelAsked, {
    measure,
    version,
    isMarkedTools,
  });
  const grounds = { profile, measure, lesson: lessons.get(name), tolerance, isMarkedTools, asked: given };
  const { lesson, recount } = judge(entry, counted, grounds);
  lessons.set(name, lesson);
  return { ...recount, entryId: entry.id, state: "counted", tokenizerVersion: version };
}

/** The answer had text that is not here. */
function hideOutput(reason: string): Side {
  return {
    tokens: null,
    frame: 0,
    kinds: startKinds(),
    marks: 0,
    toolTokens: 0,
    formTokens: 0,
    valueTokens: 0,
    earlierTokens: 0,
    sealedBytes: 0,
    calls: 0,
    images: 0,
    messages: 0,
    thoughtTokens: 0,
    hasThoughts: false,
    tellsThoughts: false,
    inexact: null,
    hidden: reason,
    predictedTokens: 0,
  };
}
