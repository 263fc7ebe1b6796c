// What the commands on routes share: the book on an opened database, and the flags of a change. No server need run; one that does takes a change up
// within a second.

import { type RouteBook, type RouteChange, createRouteBook } from "../../../gateway/index.ts";
import { isSecretText, judgeRoute } from "../../../server/index.ts";
import { type Opened, byOperator } from "../../open.ts";
import { refuseValue } from "../../value.ts";

export function openBook({ config, store }: Opened): RouteBook {
  return createRouteBook({
    store: store.routes,
    judge: (name, fields) => judgeRoute(config, name, fields),
    isSecret: (text) => isSecretText(config, text),
    now: Date.now,
    newId: () => Bun.randomUUIDv7(),
  });
}

export const NAME_ARG = { name: { type: "positional", description: "Name of the route", required: true } } as const;

export const CHANGE_ARGS = {
  comment: { type: "string", description: "Why, for the history", valueHint: "TEXT" },
  "if-version": {
    type: "string",
    description: "Only where it is in this version; 0: only where there is none",
    valueHint: "VERSION",
  },
} as const;

export function readChange(flags: {
  name: string;
  comment?: string | undefined;
  "if-version"?: string | undefined;
}): RouteChange {
  const expected = flags["if-version"];
  const author = { author: "operator", authorId: null };
  return {
    name: flags.name,
    author,
    by: byOperator(),
    comment: flags.comment,
    expected: expected === undefined ? undefined : readVersion("if-version", expected),
  };
}

export function readVersion(flag: string, text: string): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw refuseValue(flag, `${JSON.stringify(text)} is no version: history lists them`);
}
