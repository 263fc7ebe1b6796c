// The flags that say how much, shared by the commands that make and change budgets. What may be said is the ledger's to judge.

import type { ChangedBudget } from "../../../ledger/index.ts";
import { readList, refuseValue } from "../../value.ts";

export const LIMIT_ARGS = {
  "limit-usd": { type: "string", description: "Hard limit in US dollars; none lifts it", valueHint: "AMOUNT" },
  "soft-usd": {
    type: "string",
    description: "Soft limit in US dollars: warns and refuses nothing",
    valueHint: "AMOUNT",
  },
  "limit-tokens": { type: "string", description: "Hard limit in tokens of input and output", valueHint: "COUNT" },
  "soft-tokens": { type: "string", description: "Soft limit in tokens", valueHint: "COUNT" },
  mode: {
    type: "string",
    description: "enforce, or shadow: tells what it would refuse, and refuses nothing",
    valueHint: "MODE",
  },
  unpriced: {
    type: "string",
    description: "Calls whose price nobody knows, under a limit in dollars: refuse or allow",
    valueHint: "WORD",
  },
  alerts: { type: "string", description: "Percentages at which somebody is told, such as 50,80,100", valueHint: "A,B" },
} as const;

type LimitFlags = { [K in keyof typeof LIMIT_ARGS]?: string | undefined };

/** Only what is said. */
export function readLimits(flags: LimitFlags): Omit<ChangedBudget, "name"> {
  return {
    limitUsd: readUsd(flags["limit-usd"]),
    softLimitUsd: readUsd(flags["soft-usd"]),
    limitTokens: readTokens("limit-tokens", flags["limit-tokens"]),
    softLimitTokens: readTokens("soft-tokens", flags["soft-tokens"]),
    mode: flags.mode,
    unpriced: flags.unpriced,
    alertPercents: flags.alerts === undefined ? undefined : readList(flags.alerts).map(Number),
  };
}

const NONE = "none";

function readUsd(text: string | undefined): string | null | undefined {
  return text === NONE ? null : text;
}

export function readTokens(flag: string, text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined;
  if (text === NONE) return null;
  if (/^\d{1,15}$/u.test(text)) return Number(text);
  throw refuseValue(flag, `${JSON.stringify(text)} is no whole number of tokens`);
}
