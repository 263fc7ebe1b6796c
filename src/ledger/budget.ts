// What a budget is made of: whose spending it limits, in what, and for how long.

export type BudgetScope = "key" | "model" | "provider" | "tag" | "total" | "user";

export type BudgetUnit = "tokens" | "usd";

export type BudgetPeriod = "day" | "hour" | "lifetime" | "minute" | "month" | "week";

/** `hard` refuses, `soft` warns, `shadow` only says what it would have refused. */
export type BudgetMode = "hard" | "shadow" | "soft";
