// What budgets need of a database: their own rows, what each holder was granted, and what the ledger says was spent. Fulfilled by store/; knows no SQL.

import type { Origin } from "../../lib/change.ts";
import type { Place } from "./account.ts";
import type { Budget, BudgetScope, CallFacts, DraftBudget } from "./model.ts";
import type { Window } from "./window.ts";

/** What may be changed of a budget while its windows last. */
export type BudgetChange = Partial<
  Pick<Budget, "alertPercents" | "hardLimit" | "isDeclared" | "mode" | "name" | "softLimit" | "unpriced">
>;

export interface BudgetChanges {
  /** Give it back at the next call. */
  revision: number;
  /** True where what is given is all there is. */
  complete: boolean;
  budgets: (Budget & { deleted: boolean })[];
}

/** What the rows of one chain come to. */
export interface ChainSum {
  chain: string;
  /** Nano-dollars or tokens, as the budget counts. */
  spent: number;
  /** Answered calls that the sum leaves out. */
  unpriced: number;
}

export interface ReadSum extends ChainSum {
  /** The chain's last row that was read; 0 where it has none. */
  seq: number;
}

/** What budgets are summed up by: those that ask for the same share what was read. */
export interface SumQuery {
  window: Window;
  scope: Pick<BudgetScope, "provider" | "tag">;
  /** Whether models are told apart, so that any pattern can be held against them. */
  models: boolean;
  /** Whether users, and keys, are told apart. */
  owners: { user: boolean; key: boolean };
  /** Rows may have been gone before what they came to was kept for accounts: it is told apart, as of no chain. */
  isRestApart: boolean;
}

/** Some rows of a chain. */
export interface SumGroup {
  chain: string;
  costNanos: number;
  tokens: number;
  /** Answered calls without a price, less those that were given one later. */
  unpriced: number;
  /** What makes no difference is empty. */
  facts: Omit<CallFacts, "atMs">;
}

/** The last row of each chain that was read. */
export type Positions = ReadonlyMap<string, { seq: number; id: string }>;

export interface SumReading {
  /** Some of them in several parts. */
  groups: SumGroup[];
  positions: Positions;
  /** All that there is; else only what came since. */
  isWhole: boolean;
  /** The chain that has what rows of all chains came to that were removed by age; null where it is in none. */
  rest: string | null;
  /** What is known of such rows for each account, and whose they were. */
  remains: readonly (ChainSum & { accountId: string })[];
}

/** What a holder says of an account, and asks. */
export interface Claim {
  spent: number;
  held: number;
  refusals: number;
  unpriced: number;
  /** What it was granted and wants to keep, whatever else. */
  keep: number;
  /** A reservation that does not fit into that; 0 where it only reports. */
  need: number;
  /** Of what is free it could use that much at once. */
  demand: number;
  /** Of what is free it takes this part ahead of need; 0 where it wants no more than it can use. */
  parts: number;
  /** It could not go on with less: others are to give of what lies idle. */
  wanted: number;
}

export interface Grant {
  granted: number;
  /** Of all other holders. */
  others: { granted: number; spent: number; held: number };
}

/** One holder's line of an account. */
export interface GrantRow {
  subject: string;
  holder: string;
  granted: number;
  spent: number;
  held: number;
  refusals: number;
  unpriced: number;
}

export interface BudgetStore {
  /** As it is on the books. Rejects with a GatewayError of kind `conflict` where the name is taken. */
  create(budget: DraftBudget, by?: Origin): Promise<Budget>;
  list(): Promise<Budget[]>;
  /** By id or by name. */
  find(idOrName: string): Promise<Budget | null>;
  /** `look`: asked of the budget as it is at the very moment of the write; what it throws keeps the write from being made. */
  update(
    id: string,
    change: BudgetChange,
    at: Date,
    by?: Origin,
    look?: (standing: Budget) => void,
  ): Promise<Budget | null>;
  delete(id: string, at: Date, by?: Origin, look?: (standing: Budget) => void): Promise<boolean>;
  /** One that is deleted, by id or by the name that it had: of several, the one that was deleted last. */
  findGone(idOrName: string): Promise<Budget | null>;
  /** Everything newer than `since`; `null` for all. */
  changes(since: number | null): Promise<BudgetChanges>;

  /** By name; cheap enough to ask for several times a second. Those of budgets begin with `budget_`. */
  readCounters(): Promise<ReadonlyMap<string, number>>;
  /** Tells all holders that one of them wants more. */
  cry(): Promise<void>;
  /** Says that a holder is alive. */
  beat(holder: string): Promise<void>;
  /** It is gone, and its beat with it. */
  forget(holder: string): Promise<void>;

  /** What the ledger says of a window, in groups that a scope can tell apart: what came since, if it can be told. */
  readSums(query: SumQuery, since: Positions | null): Promise<SumReading>;
  /** Those of the ids under which the chain has a row, up to that place. */
  findRows(ids: readonly string[], upTo: { chain: string; seq: number }): Promise<Set<string>>;
  /** Tells all holders that rows were written to a chain that none of them has. */
  noteRows(chain: string): Promise<void>;
  /** What the rows of such a chain come to, whatever its line said before. */
  putLine(place: Place, sum: ChainSum): Promise<void>;
  /** Puts the account on the books of grants: chains without a line get theirs, and the holder's own is set to what its rows say. */
  open(place: Place, holder: string, sums: readonly ChainSum[]): Promise<void>;
  /**
   * In one transaction: notes what the holder says, and grants what it asks for as far as the limit allows. While anything at all is free,
   * one need is met even beyond it. Null where the account has no line of the holder's.
   */
  claim(place: Place, holder: string, claim: Claim): Promise<Grant | null>;
  /** Accounts in which another holder wants more. */
  listWanted(holder: string): Promise<{ accountId: string; wanted: number }[]>;
  /** Lines of the account's window, of all subjects. */
  readGrants(place: Pick<Place, "budget" | "window">): Promise<GrantRow[]>;
  /** Accounts in which the holder has more than it spent. */
  listHeldBy(holder: string): Promise<{ accountId: string; budgetId: string; subject: string; startMs: number }[]>;
  /** What the holder has of an account beyond `spent` is free again. */
  close(accountId: string, holder: string, spent: number): Promise<void>;
  /** True for the first who asks, and for nobody after: also across processes and starts. */
  claimAlert(place: Place, threshold: string, at: Date): Promise<boolean>;
  /** Removes the lines of windows that ended before that. */
  purge(before: Date): Promise<void>;
}
