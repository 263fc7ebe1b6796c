// The thread that counts: calls in, recounts out, one after another. It is given text, and gives none back, not even in an error.

import type { Recount } from "../../ledger/index.ts";
import { encodeRecountLine } from "../../ledger/line.ts";
import { yieldToOthers } from "../../lib/thread-priority.ts";
import { examine, type Means } from "./examine.ts";
import { createLessonBook } from "./lessons.ts";
import { type Batch, type Hello, type Outcome, packOutcome, type Task, unpackBatch } from "./message.ts";
import { chooseProfile, type Profile, type TokenizerFile } from "./profile.ts";
import { type Examined, skipped } from "./skip.ts";
import { createTokenizers, type Tokenizer } from "./vocabulary.ts";

/** As a thread sees itself; the standard types know only a window. */
declare const self: {
  addEventListener: (type: "message", listen: (event: MessageEvent<Hello | string>) => void) => void;
  postMessage: (outcome: string) => void;
};

yieldToOthers(10);

/** Models' names are the clients' to choose. */
const MAX_MODELS = 1_000;

let files: readonly TokenizerFile[] = [];
let tokenizers = createTokenizers(new Map());
const loaded = new Map<string, Tokenizer>();
let tolerance = 0;
const lessons = createLessonBook();
const profiles = new Map<string, Profile>();
let turn = Promise.resolve();

self.addEventListener("message", ({ data }) => {
  if (typeof data === "string") {
    turn = turn.then(() => answerAll(unpackBatch(data)));
    return;
  }
  ({ tokenizers: files, tolerance } = data);
  tokenizers = createTokenizers(new Map(files.map(({ name, file }) => [name, file])));
  loaded.clear();
  for (const [name, lesson] of data.lessons) lessons.set(name, lesson);
  // Whoever sent them knows them.
  lessons.takeChanged();
});

async function answerAll({ number, atMs, askable, tasks }: Batch): Promise<void> {
  const outcome: Outcome = {
    number,
    lines: [],
    counted: 0,
    over: 0,
    under: 0,
    skipped: {},
    asks: [],
    faults: [],
    lessons: [],
  };
  const createdAt = new Date(atMs);
  for (const [place, task] of tasks.entries()) {
    const profile = findProfile(task.entry.modelServed ?? task.entry.modelAsked);
    // Awaited at the first need alone: for most calls it would cost more than to count them.
    const tokenizer = loaded.get(profile.tokenizer) ?? (await load(profile.tokenizer));
    if (tokenizer === null) outcome.faults.push(profile.tokenizer);
    const isAskable = outcome.asks.length < askable;
    const found =
      tokenizer === null ? skipped(task.entry, "tokenizer") : answer(task, { profile, tokenizer, isAskable });
    if (found === "ask") outcome.asks.push(place);
    else note(outcome, { ...found, createdAt });
  }
  outcome.lessons = lessons.takeChanged();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  self.postMessage(packOutcome(outcome));
}

function note(outcome: Outcome, recount: Recount): void {
  const { state, reason, verdict } = recount;
  if (state === "counted") outcome.counted++;
  else outcome.skipped[reason ?? ""] = (outcome.skipped[reason ?? ""] ?? 0) + 1;
  if (verdict === "over" || verdict === "under") outcome[verdict]++;
  outcome.lines.push(encodeRecountLine(recount));
}

/** Null where it cannot be had; then it is tried again for the next text. */
async function load(name: string): Promise<Tokenizer | null> {
  try {
    const tokenizer = await tokenizers(name);
    loaded.set(name, tokenizer);
    return tokenizer;
  } catch {
    return null;
  }
}

function answer(task: Task, means: Pick<Means, "isAskable" | "profile" | "tokenizer">): Examined | "ask" {
  try {
    return examine(task, { ...means, lessons, tolerance });
  } catch {
    return skipped(task.entry, "unreadable");
  }
}

function findProfile(model: string): Profile {
  const known = profiles.get(model);
  if (known !== undefined) return known;
  if (profiles.size >= MAX_MODELS) profiles.clear();
  const profile = chooseProfile(model, files);
  profiles.set(model, profile);
  return profile;
}
