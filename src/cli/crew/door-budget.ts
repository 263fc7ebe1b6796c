// Budgets as a worker asks for them: which concern a call it knows itself, and whether it fits the office says. Knows no limit.

import {
  type Amount,
  type Budget,
  type Budgets,
  type CallFacts,
  createBudgetIndex,
  type Reservation,
} from "../../ledger/index.ts";
import type { Line } from "./line.ts";
import type { Pulse } from "./pulse.ts";
import type { OfficeWords } from "./word.ts";

export interface BudgetDoor {
  budgets: Budgets;
  adopt(budgets: readonly Budget[]): void;
}

interface BudgetDoorInit {
  office: Pick<Line<OfficeWords>, "ask" | "tell">;
  pulse: Pick<Pulse, "heed">;
  budgets: readonly Budget[];
}

export function reserveAtOffice({ office, pulse, budgets: first }: BudgetDoorInit): BudgetDoor {
  let list = first;
  let index = createBudgetIndex(first);
  let version = 0;
  let lastTicket = 0;

  const reserve = async (facts: CallFacts, amount: Amount): Promise<Reservation> => {
    const ticket = ++lastTicket;
    const made = await pulse.heed(
      () => office.ask("reserve", ticket, facts, amount),
      () => office.tell("settle", ticket, { costNanos: 0, tokens: 0 }),
    );
    let isSettled = false;
    return {
      headers: made?.headers ?? null,
      keep(spent) {
        if (!isSettled) office.tell("keep", ticket, spent);
      },
      settle(spent) {
        if (isSettled) return;
        isSettled = true;
        office.tell("settle", ticket, spent);
      },
    };
  };

  return {
    budgets: {
      version: () => version,
      list: () => list,
      reserve: (facts, bound) => (index.find(facts).length === 0 ? null : reserve(facts, bound())),
      // Rows that no budget concerned are read where one is opened that does.
      book(facts, amount) {
        if (index.find(facts).length > 0) office.tell("book", facts, amount);
      },
      // Whoever looks at budgets asks the office.
      look: async () => null,
      load: async () => undefined,
      refresh: async () => undefined,
      reopen: () => undefined,
      start: () => undefined,
      stop: async () => undefined,
    },
    adopt(next) {
      list = next;
      index = createBudgetIndex(next);
      version++;
    },
  };
}
