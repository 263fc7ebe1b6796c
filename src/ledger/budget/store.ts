// What budgets need of a database: their own rows, what each holder was granted, and what the ledger says was spent. Fulfilled by store/; knows no SQL.

import type { Origin } from "../../lib/change.ts";
import type { Place } from "./account.ts";
import type { Budget, CallFacts } from "./model.ts";

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

/** Of a group, what makes no difference to the budget is empty. Null: it is the budget's, whatever it was. */
export interface SumGroup extends ChainSum {
  facts: Omit<CallFacts, "atMs"> | null;
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
  /** Rejects with a GatewayError of kind `conflict` where the name is taken. */
  create(budget: Budget, by?: Origin): Promise<void>;
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

  /** What the ledger's rows of that window come to, those that were removed by age among them, in groups that a scope can tell apart; some of them in several parts. */
  readSums(place: Place): Promise<SumGroup[]>;
  /** Likewise, of one chain alone. */
  readChainSums(place: Place, chain: string): Promise<SumGroup[]>;
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
  /** Lines of the account's window, of all subjects where it names none. */
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
