// From sections of budgets to what the file declares of them: `[budget.NAME]`. What may be said of a budget is the ledger's; knows no database.

import { type CheckedBudget, type DeclaredBudget, type NewBudget, judgeDeclared } from "../ledger/index.ts";
import { describeBadValue, printOrigin, quote } from "./problem.ts";
import type { Reading } from "./read.ts";
import type { SectionDraft } from "./section.ts";

/** As the flags of `admin budgets create` call it; sorted. */
export const BUDGET_SETTINGS = {
  alerts: { about: "Percentages at which somebody is told; unset: 80,100", example: "50,80,100" },
  each: { about: "user or key: each of them has the limit for himself", example: "user" },
  key: { about: "Only calls with this API key, by its id", example: "019ac1f2-7a3b-7c4d-8e5f-6a7b8c9d0e1f" },
  limit_tokens: { about: "Hard limit in tokens of input and output instead", example: "2000000" },
  limit_usd: { about: "Hard limit in US dollars: calls beyond it are refused", example: "250" },
  mode: { about: "enforce, or shadow: tells what it would refuse, and refuses nothing", example: "enforce" },
  model: { about: "Only calls of such models; * stands for anything", example: "gpt-4o*" },
  period: { about: "minute, hour, day, week, month or lifetime", example: "month" },
  provider: { about: "Only what is spent at this provider", example: "openai" },
  soft_tokens: { about: "Soft limit in tokens", example: "1500000" },
  soft_usd: { about: "Soft limit in US dollars: warns and refuses nothing", example: "200" },
  tag: { about: "Only calls that bear this tag", example: "team-a" },
  time_zone: { about: "By which days, weeks and months begin", example: "UTC" },
  unpriced: { about: "Calls whose price nobody knows, under a limit in dollars: refuse or allow", example: "refuse" },
  user: { about: "Only calls of this user, by e-mail or id", example: "ada@example.com" },
} as const satisfies Record<string, { about: string; example: string }>;

type BudgetField = keyof typeof BUDGET_SETTINGS;

export const BUDGET_FIELDS: readonly string[] = Object.keys(BUDGET_SETTINGS);

/** What the rules call it, where that is another word. */
const FIELD_BY_PARAM: Readonly<Record<string, BudgetField>> = {
  alert_percents: "alerts",
  soft_limit_tokens: "soft_tokens",
  soft_limit_usd: "soft_usd",
};

export function readDeclaredBudgets(reading: Reading): DeclaredBudget[] {
  return [...reading.gathered.sections.budget].flatMap(([name, draft]) => {
    for (const [field, { text, origin }] of draft.fields) {
      const value = { key: `budget.${name}.${field}`, value: text, origin: printOrigin(origin), secret: false };
      reading.effective.push(value);
    }
    const checked = readOne(reading, name, draft);
    if (checked === null) return [];
    const say = (field: BudgetField): string | null => draft.fields.get(field)?.text ?? null;
    return [{ ...checked, user: say("user"), apiKey: say("key") }];
  });
}

function readOne(reading: Reading, name: string, draft: SectionDraft): CheckedBudget | null {
  const { problems } = reading.gathered;
  const before = problems.length;
  const wanted = readWords(reading, name, draft);
  if (problems.length > before) return null;
  const judged = judgeDeclared(wanted);
  if (!("message" in judged)) return judged;
  const param = judged.param ?? "";
  const setting = draft.fields.get(FIELD_BY_PARAM[param] ?? param);
  const message = `[budget.${name}]: ${judged.message}`;
  problems.push({ ...(setting?.origin ?? draft.origin), key: null, message, suggestion: null });
  return null;
}

function readWords(reading: Reading, name: string, draft: SectionDraft): NewBudget {
  const say = (field: BudgetField): string | undefined => draft.fields.get(field)?.text;
  const count = (field: BudgetField, pattern: RegExp): number[] | undefined => {
    const setting = draft.fields.get(field);
    if (setting === undefined) return undefined;
    const words = setting.text.split(",").map((word) => word.trim());
    if (words.every((word) => pattern.test(word))) return words.map((word) => Number.parseInt(word, 10));
    reading.gathered.problems.push(
      describeBadValue(setting.origin, `budget.${name}.${field}`, `${quote(setting.text)} is no whole number`),
    );
    return undefined;
  };
  return {
    name,
    provider: say("provider"),
    model: say("model"),
    tag: say("tag"),
    each: say("each"),
    limitUsd: say("limit_usd"),
    softLimitUsd: say("soft_usd"),
    limitTokens: count("limit_tokens", ONE)?.[0],
    softLimitTokens: count("soft_tokens", ONE)?.[0],
    period: say("period"),
    timeZone: say("time_zone"),
    mode: say("mode"),
    unpriced: say("unpriced"),
    alertPercents: count("alerts", PERCENT),
  };
}

const ONE = /^\d{1,15}$/u;
const PERCENT = /^\d{1,4}%?$/u;
