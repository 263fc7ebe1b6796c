// The thread that counts: jobs in, numbers out, one after another. It is given text, and gives none back, not even in an error.

import { countJob } from "./count.ts";
import { type Done, type Hello, type NumberedJob, packDone, unpackJobs } from "./message.ts";
import { type Tokenizer, createTokenizers } from "./vocabulary.ts";

/** As a thread sees itself; the standard types know only a window. */
declare const self: {
  addEventListener: (type: "message", listen: (event: MessageEvent<Hello | string>) => void) => void;
  postMessage: (done: string) => void;
};

let tokenizers = createTokenizers(new Map());
let turn = Promise.resolve();

self.addEventListener("message", ({ data }) => {
  if (typeof data === "string") turn = turn.then(() => answerAll(unpackJobs(data)));
  else tokenizers = createTokenizers(data.files);
});

async function answerAll(jobs: readonly NumberedJob[]): Promise<void> {
  const done: Done[] = [];
  for (const job of jobs) done.push(await answer(job));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  self.postMessage(packDone(done));
}

async function answer({ number, job }: NumberedJob): Promise<Done> {
  let tokenizer: Tokenizer;
  try {
    tokenizer = await tokenizers(job.profile.tokenizer);
  } catch {
    return { number, failed: "tokenizer" };
  }
  try {
    return { number, failed: null, counted: countJob(job, tokenizer.count), version: tokenizer.version };
  } catch {
    return { number, failed: "unreadable" };
  }
}
