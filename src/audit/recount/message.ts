// What passes between the counting thread and its owner: flat values, which go from one to the other several times faster than nested ones.

import type { HeardPart } from "../../ledger/index.ts";
import type { Counted, Job } from "./count.ts";
import type { Profile } from "./profile.ts";

/** First message: the operator's files, by name. */
export interface Hello {
  files: ReadonlyMap<string, string>;
}

export interface PackedJob {
  number: number;
  format: string;
  profile: string;
  request: string;
  /** A whole answer. */
  answer: string | null;
  /** The parts of a stream. */
  parts: string | null;
}

export type Done =
  | { number: number; failed: "tokenizer" | "unreadable" }
  | { number: number; failed: null; version: string; counted: string };

/** There are few profiles, and many jobs. */
const packedProfiles = new WeakMap<Profile, string>();

export function packJob(number: number, { format, profile, request, answer }: Job): PackedJob {
  let packed = packedProfiles.get(profile);
  if (packed === undefined) {
    packed = JSON.stringify(profile);
    packedProfiles.set(profile, packed);
  }
  const isWhole = typeof answer === "string" || answer === null;
  return {
    number,
    format,
    profile: packed,
    request,
    answer: isWhole ? answer : null,
    parts: isWhole ? null : JSON.stringify(answer),
  };
}

export function unpackJob({ format, profile, request, answer, parts }: PackedJob): Job {
  const heard: readonly HeardPart[] | null = parts === null ? null : JSON.parse(parts);
  return { format, profile: JSON.parse(profile), request, answer: heard ?? answer };
}

export function unpackCounted(counted: string): Counted {
  return JSON.parse(counted);
}
