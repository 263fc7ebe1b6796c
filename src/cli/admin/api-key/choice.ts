// The flags that say which keys, shared by the commands that list keys and end many at once.

import type { KeyChoice } from "../../../identity/index.ts";
import { readMomentOrAge } from "../../value.ts";

export const CHOICE_ARGS = {
  user: { type: "string", description: "Id or e-mail of the owner; everyone's where left out", valueHint: "USER" },
  prefix: { type: "string", description: "What the token begins with, such as tok_AbCdEfGh", valueHint: "PREFIX" },
  tag: { type: "string", description: "One of its tags, such as team=a", valueHint: "TAG" },
  "unused-since": {
    type: "string",
    description: "Not used for so long, such as 90d, or since a moment",
    valueHint: "TIME",
  },
} as const;

type ChoiceFlags = { [K in keyof typeof CHOICE_ARGS]?: string | undefined };

export function readChoice({ user, prefix, tag, "unused-since": since }: ChoiceFlags): KeyChoice {
  const unusedSince = since === undefined ? undefined : readMomentOrAge("unused-since", since, Date.now());
  return { user, prefix, tag, unusedSince };
}
