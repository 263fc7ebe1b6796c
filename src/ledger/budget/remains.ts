// What budgets count of rows that go by age: a budget whose window outlasts them has spent it all the same. Pure; knows no SQL.

import { makePlace, type Place } from "./account.ts";
import { type Budget, type CallFacts, subjectOf } from "./model.ts";
import { createBudgetIndex } from "./scope.ts";
import { createWindowFinder } from "./window.ts";

/** Of a row, what was spent at one provider and model. */
export interface SpentPart {
  facts: CallFacts;
  /** As budgets of each unit count it. */
  counted: Record<Budget["unit"], { spent: number; unpriced: number }>;
}

export interface Remains {
  place: Place;
  spent: number;
  unpriced: number;
}

/** Windows that ended before that moment count nothing any more. */
export type SumRemains = (budgets: readonly Budget[], parts: readonly SpentPart[], before: Date) => Remains[];

export const sumRemains: SumRemains = (budgets, parts, before) => {
  const index = createBudgetIndex(budgets);
  const finders = new Map(budgets.map(({ id, period, timeZone }) => [id, createWindowFinder(period, timeZone)]));
  const sums = new Map<string, Remains>();
  for (const { facts, counted } of parts) {
    for (const budget of index.find(facts)) {
      const window = finders.get(budget.id)?.(facts.atMs);
      if (window === undefined || window.endMs <= before.getTime()) continue;
      const place = makePlace(budget, window, subjectOf(budget, facts));
      const sum = sums.get(place.id) ?? { place, spent: 0, unpriced: 0 };
      sum.spent += counted[budget.unit].spent;
      sum.unpriced += counted[budget.unit].unpriced;
      sums.set(place.id, sum);
    }
  }
  return [...sums.values()].filter(({ spent, unpriced }) => spent !== 0 || unpriced !== 0);
};
