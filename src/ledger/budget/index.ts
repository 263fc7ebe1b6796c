// The door of the room's part that is about budgets.
export type { Alert } from "./alert.ts";
export { type Account, makePlace, type Place } from "./account.ts";
export { type Budgets, createBudgets, type Reservation } from "./budgets.ts";
export { adoptDeclared, type DeclaredBudget, judgeDeclared } from "./declared.ts";
export {
  type BudgetDirectory,
  type ChangedBudget,
  type CheckedBudget,
  checkBudget,
  checkNewBudget,
  checkBudgetChange,
  createBudgetDirectory,
  type NewBudget,
} from "./directory.ts";
export { readWindowStates } from "./look.ts";
export { MODES, PERIODS, SUBJECTS, UNITS, UNPRICED } from "./model.ts";
export type { Amount, Budget, CallFacts } from "./model.ts";
export {
  type BudgetState,
  printBudget,
  printForce,
  printOwnBudget,
  printState,
  printStates,
  printUncounted,
} from "./print.ts";
export { printAmount } from "./refusal.ts";
export { type Remains, type SpentPart, type SumRemains, sumRemains } from "./remains.ts";
export { compileScope, createBudgetIndex } from "./scope.ts";
export type { BudgetStore, ChainSum, Claim, Positions, SumGroup, SumQuery, SumReading } from "./store.ts";
export { createBudgetSums } from "./sum.ts";
