// Finds the limits that concern a call without looking at the others: thousands of them cost what one costs. Knows no count.

import type { Caller } from "../../identity/index.ts";
import { compileScope } from "../../ledger/index.ts";
import type { Limit } from "./model.ts";

/** A limit, and for whom it is counted: empty where it is counted for all together. */
export interface Found {
  limit: Limit;
  subject: string;
  /** Both in one name. */
  id: string;
}

/** Whose call it is. */
export type LimitCaller = Pick<Caller, "email" | "keyId" | "userId">;

/** Whom it goes to. */
export interface LimitTarget {
  provider: string;
  modelAsked: string;
  modelSent: string;
}

export interface LimitFinder {
  isEmpty: boolean;
  /** Those for which it does not matter whom the call goes to; in no order. */
  ofCaller(caller: LimitCaller): readonly Found[];
  /** All others. */
  ofTarget(caller: LimitCaller, target: LimitTarget): readonly Found[];
}

export function createFinder(limits: readonly Limit[]): LimitFinder {
  const callers = fillDrawers(limits.filter((limit) => !dependsOnTarget(limit)));
  const targets = fillDrawers(limits.filter(dependsOnTarget));
  return {
    isEmpty: limits.length === 0,
    ofCaller: (caller) => callers(caller, NOWHERE),
    ofTarget: targets,
  };
}

const NONE: readonly Found[] = Object.freeze([]);
const NOWHERE: LimitTarget = Object.freeze({ provider: "", modelAsked: "", modelSent: "" });

function dependsOnTarget({ model, provider, per }: Limit): boolean {
  return model !== null || provider !== null || per.includes("model") || per.includes("provider");
}

interface Entry {
  limit: Limit;
  matches: (caller: LimitCaller, target: LimitTarget) => boolean;
}

/** Each limit lies in one drawer only: that of the most telling thing that it says. */
function fillDrawers(limits: readonly Limit[]): (caller: LimitCaller, target: LimitTarget) => readonly Found[] {
  if (limits.length === 0) return () => NONE;
  const byKey = new Map<string, Entry[]>();
  const byUser = new Map<string, Entry[]>();
  const others: Entry[] = [];
  for (const limit of limits) {
    const entry = { limit, matches: compile(limit) };
    if (limit.key !== null) push(byKey, limit.key, entry);
    else if (limit.user !== null) push(byUser, limit.user, entry);
    else others.push(entry);
  }
  return (caller, target) => {
    let found: Found[] | null = null;
    const look = (entries: readonly Entry[] | undefined): void => {
      for (const { limit, matches } of entries ?? NO_ENTRIES) {
        if (matches(caller, target)) (found ??= []).push(nameSubject(limit, caller, target));
      }
    };
    look(others);
    look(byKey.get(caller.keyId));
    if (byUser.size > 0) {
      look(byUser.get(caller.userId));
      look(byUser.get(caller.email));
    }
    return found ?? NONE;
  };
}

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);
const NO_TAGS: readonly string[] = Object.freeze([]);

function compile({ key, user, model, provider }: Limit): Entry["matches"] {
  const holds = compileScope({ userId: null, apiKeyId: key, provider, model, tag: null });
  return (caller, { provider: name, modelAsked, modelSent }) =>
    (user === null || user === caller.userId || user === caller.email) &&
    holds({
      userId: caller.userId,
      apiKeyId: caller.keyId,
      tags: NO_TAGS,
      provider: name,
      modelAsked,
      modelSent,
    });
}

function push(drawers: Map<string, Entry[]>, name: string, entry: Entry): void {
  const drawer = drawers.get(name);
  if (drawer === undefined) drawers.set(name, [entry]);
  else drawer.push(entry);
}

/** Names of models come from outside. */
const MAX_LENGTH = 200;

/** Of one word. */
function plain(model: string): string {
  return model.slice(0, MAX_LENGTH).toLowerCase().replaceAll(/\s/gu, "_");
}

function nameSubject(limit: Limit, caller: LimitCaller, target: LimitTarget): Found {
  if (limit.per.length === 0) return { limit, subject: "", id: limit.name };
  const parts = {
    key: caller.keyId,
    model: limit.per.includes("model") ? plain(target.modelSent) : "",
    provider: target.provider,
    user: caller.userId,
  };
  const subject = limit.per.map((each) => parts[each]).join(" ");
  return { limit, subject, id: `${limit.name} ${subject}` };
}
