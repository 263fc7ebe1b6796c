// What passes between the counting thread and its owner: one text for many jobs, which goes from one to the other several times faster than
// nested values. The texts stand in it as they are, behind a head that says how long each one is: nothing is escaped and read back.

import type { HeardPart } from "../../ledger/index.ts";
import type { Counted, Counting, Job } from "./count.ts";

/** First message: the operator's files, by name. */
export interface Hello {
  files: ReadonlyMap<string, string>;
}

export type Done =
  | { number: number; failed: "tokenizer" | "unreadable" }
  | { number: number; failed: null; version: string; counted: Counted };

export interface NumberedJob {
  number: number;
  job: Job;
}

/** A part of an answer, but for its text; of a whole answer or none only the length. */
type PackedAnswer = number | null | (Omit<HeardPart, "texts"> & { length: number })[];

interface Head {
  /** Each once, however many jobs are of its kind. */
  profiles: Counting[];
  jobs: { number: number; format: string; profile: number; length: number; answer: PackedAnswer }[];
}

const HEAD_END = "\n";

export function packJobs(jobs: readonly NumberedJob[]): string {
  const profiles = new Map<string, { place: number; profile: Counting }>();
  const texts: string[] = [];
  const head: Head = {
    profiles: [],
    jobs: jobs.map(({ number, job: { format, profile, request, answer } }) => {
      texts.push(request);
      return {
        number,
        format,
        profile: placeOf(profiles, profile),
        length: request.length,
        answer: packAnswer(answer, texts),
      };
    }),
  };
  head.profiles = [...profiles.values()].map(({ profile }) => profile);
  return JSON.stringify(head) + HEAD_END + texts.join("");
}

function placeOf(
  known: Map<string, { place: number; profile: Counting }>,
  { tokenizer, isOwn, frame, frameSlack }: Counting,
): number {
  const name = `${tokenizer} ${isOwn} ${frame.base} ${frame.message} ${frameSlack.base} ${frameSlack.message}`;
  const found = known.get(name);
  if (found !== undefined) return found.place;
  const place = known.size;
  known.set(name, { place, profile: { tokenizer, isOwn, frame, frameSlack } });
  return place;
}

function packAnswer(answer: Job["answer"], texts: string[]): PackedAnswer {
  if (answer === null) return null;
  if (typeof answer === "string") {
    texts.push(answer);
    return answer.length;
  }
  return answer.map(({ texts: pieces, ...part }) => {
    let length = 0;
    for (const piece of pieces) {
      texts.push(piece);
      length += piece.length;
    }
    return { ...part, length };
  });
}

export function unpackJobs(text: string): NumberedJob[] {
  let at = text.indexOf(HEAD_END);
  const { profiles, jobs } = JSON.parse(text.slice(0, at)) as Head;
  at += HEAD_END.length;
  const take = (length: number): string => text.slice(at, (at += length));
  return jobs.map(({ number, format, profile: place, length, answer }) => {
    const profile = profiles[place];
    if (profile === undefined) throw new RangeError("a job without a profile");
    const request = take(length);
    return { number, job: { format, profile, request, answer: unpackAnswer(answer, take) } };
  });
}

function unpackAnswer(answer: PackedAnswer, take: (length: number) => string): Job["answer"] {
  if (answer === null) return null;
  if (typeof answer === "number") return take(answer);
  return answer.map(({ length, ...part }) => ({ ...part, texts: [take(length)] }));
}

export function packDone(done: readonly Done[]): string {
  return JSON.stringify(done);
}

export function unpackDone(text: string): Done[] {
  return JSON.parse(text) as Done[];
}
