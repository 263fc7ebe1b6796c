// What passes between the counting thread and its owner: one text for many jobs, which goes from one to the other several times faster than
// nested values.

import type { HeardPart } from "../../ledger/index.ts";
import type { Counted, Job } from "./count.ts";
import type { Profile } from "./profile.ts";

/** First message: the operator's files, by name. */
export interface Hello {
  files: ReadonlyMap<string, string>;
}

interface PackedJob {
  number: number;
  format: string;
  profile: Profile;
  request: string;
  /** A whole answer, or the parts of a stream. */
  answer: string | readonly HeardPart[] | null;
}

export type Done =
  | { number: number; failed: "tokenizer" | "unreadable" }
  | { number: number; failed: null; version: string; counted: Counted };

export interface NumberedJob {
  number: number;
  job: Job;
}

export function packJobs(jobs: readonly NumberedJob[]): string {
  return JSON.stringify(jobs.map(({ number, job }): PackedJob => ({ number, ...job })));
}

export function unpackJobs(text: string): NumberedJob[] {
  return (JSON.parse(text) as PackedJob[]).map(({ number, ...job }) => ({ number, job }));
}

export function packDone(done: readonly Done[]): string {
  return JSON.stringify(done);
}

export function unpackDone(text: string): Done[] {
  return JSON.parse(text) as Done[];
}
