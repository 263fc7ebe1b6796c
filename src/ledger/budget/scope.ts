// Finds the budgets that concern a call without looking at the others: thousands of them cost what one costs. Knows no limit and no window.

import type { Budget, BudgetScope, CallFacts } from "./model.ts";

export interface BudgetIndex {
  /** In no order; the same empty list where there is none. */
  find(facts: CallFacts): readonly Budget[];
}

const NONE: readonly Budget[] = Object.freeze([]);

/** Each budget lies in one drawer only: that of the most telling thing that its scope says. */
export function createBudgetIndex(budgets: readonly Budget[]): BudgetIndex {
  const byKey = new Map<string, Entry[]>();
  const byUser = new Map<string, Entry[]>();
  const byTag = new Map<string, Entry[]>();
  const byModel = new Map<string, Entry[]>();
  const byProvider = new Map<string, Entry[]>();
  const others: Entry[] = [];
  for (const budget of budgets) {
    const entry = { budget, matches: compileScope(budget) };
    const { apiKeyId, userId, tag, model, provider } = budget;
    if (apiKeyId !== null) push(byKey, apiKeyId, entry);
    else if (userId !== null) push(byUser, userId, entry);
    else if (tag !== null) push(byTag, tag, entry);
    else if (model !== null && !model.includes("*")) push(byModel, model.toLowerCase(), entry);
    else if (provider !== null) push(byProvider, provider, entry);
    else others.push(entry);
  }
  if (budgets.length === 0) return { find: () => NONE };

  return {
    find(facts) {
      let found: Budget[] | null = null;
      const look = (entries: readonly Entry[] | undefined): void => {
        if (entries === undefined) return;
        for (const { budget, matches } of entries) {
          if (matches(facts)) (found ??= []).push(budget);
        }
      };
      look(others);
      look(byKey.get(facts.apiKeyId));
      look(byUser.get(facts.userId));
      look(byProvider.get(facts.provider));
      if (byTag.size > 0) for (const tag of new Set(facts.tags)) look(byTag.get(tag));
      if (byModel.size > 0) {
        const asked = facts.modelAsked.toLowerCase();
        const sent = facts.modelSent.toLowerCase();
        look(byModel.get(asked));
        if (sent !== asked) look(byModel.get(sent));
      }
      return found ?? NONE;
    },
  };
}

interface Entry {
  budget: Budget;
  matches(facts: CallFacts): boolean;
}

function push(drawers: Map<string, Entry[]>, name: string, entry: Entry): void {
  const drawer = drawers.get(name);
  if (drawer === undefined) drawers.set(name, [entry]);
  else drawer.push(entry);
}

/** Whether a scope holds a call; the ledger's rows are judged by the same words. */
export function compileScope(scope: BudgetScope): (facts: Omit<CallFacts, "atMs">) => boolean {
  const { userId, apiKeyId, provider, tag } = scope;
  const isModel = scope.model === null ? null : compilePattern(scope.model);
  return (facts) =>
    (userId === null || userId === facts.userId) &&
    (apiKeyId === null || apiKeyId === facts.apiKeyId) &&
    (provider === null || provider === facts.provider) &&
    (tag === null || facts.tags.includes(tag)) &&
    (isModel === null || isModel(facts.modelAsked) || isModel(facts.modelSent));
}

const MAX_REMEMBERED = 1_000;
/** Names come from outside: long ones are not kept. */
const MAX_REMEMBERED_LENGTH = 200;

/** `*` stands for anything; case does not matter. What was found is remembered, for the same few names come again and again. */
function compilePattern(pattern: string): (name: string) => boolean {
  const lower = pattern.toLowerCase();
  if (!lower.includes("*")) return (name) => name.toLowerCase() === lower;
  const pieces = lower.split("*");
  const remembered = new Map<string, boolean>();
  return (name) => {
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const found = matchPieces(pieces, name.toLowerCase());
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    if (name.length <= MAX_REMEMBERED_LENGTH) remembered.set(name, found);
    return found;
  };
}

/** First piece at the start, last one at the end, the others one behind the other: linear, whatever the pattern. */
function matchPieces(pieces: readonly string[], name: string): boolean {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
