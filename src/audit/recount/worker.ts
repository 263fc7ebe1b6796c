// The thread that counts: jobs in, numbers out, one after another. It is given text, and gives none back, not even in an error.

import { countJob } from "./count.ts";
import { type Done, type Hello, type PackedJob, unpackJob } from "./message.ts";
import { type Tokenizer, createTokenizers } from "./vocabulary.ts";

/** As a thread sees itself; the standard types know only a window. */
declare const self: {
  addEventListener: (type: "message", listen: (event: MessageEvent<Hello | PackedJob>) => void) => void;
  postMessage: (done: Done) => void;
};

let tokenizers = createTokenizers(new Map());
let turn = Promise.resolve();

self.addEventListener("message", ({ data }) => {
  if ("files" in data) tokenizers = createTokenizers(data.files);
  else turn = turn.then(() => answer(data));
});

async function answer(packed: PackedJob): Promise<void> {
  const { number } = packed;
  const job = unpackJob(packed);
  let tokenizer: Tokenizer;
  try {
    tokenizer = await tokenizers(job.profile.tokenizer);
  } catch {
    return tell({ number, failed: "tokenizer" });
  }
  try {
    const counted = JSON.stringify(countJob(job, tokenizer.count));
    tell({ number, failed: null, counted, version: tokenizer.version });
  } catch {
    tell({ number, failed: "unreadable" });
  }
}

function tell(done: Done): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  self.postMessage(done);
}
