// How much the model shall think: the canonical effort or budget ↔ `thinkingConfig`. Knows no model but the facts it is told.
// Source: https://ai.google.dev/gemini-api/docs/thinking

import type { JsonObject, Reasoning, ReasoningEffort, Request } from "../../ir/index.ts";
import { nearestEffort, readEffort } from "../effort.ts";
import type { ModelFacts } from "../type.ts";
import { ID, unifyNames } from "./body.ts";
import { readNumber } from "./number.ts";

const THINKING_NAMES = ["includeThoughts", "thinkingBudget", "thinkingLevel"] as const;

type Level = "minimal" | "low" | "medium" | "high";
const LEVELS: readonly Level[] = ["minimal", "low", "medium", "high"];

/** The budgets that Google itself gives to the efforts of other formats. */
const BUDGETS: Record<Exclude<ReasoningEffort, "none">, number> = {
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 32_768,
};

/** What a `thinkingConfig` says, and what of it no canonical field can hold. Throws an invalid_request for a budget that is no number. */
export function decodeThinking(source: JsonObject): { reasoning: Reasoning | undefined; rest: JsonObject } {
  const { includeThoughts, thinkingBudget, thinkingLevel, ...rest } = unifyNames(source, THINKING_NAMES);
  const budget = readNumber(thinkingBudget, "generation_config.thinking_config.thinking_budget", true);
  const reasoning: Reasoning = {};
  const level = LEVELS.find((known) => typeof thinkingLevel === "string" && thinkingLevel.toLowerCase() === known);
  if (level !== undefined) reasoning.effort = level;
  else if (thinkingLevel !== undefined) rest["thinkingLevel"] = thinkingLevel;
  if (budget !== undefined) {
    if (budget < 0) reasoning.adaptive = true;
    else if (budget > 0) reasoning.budgetTokens = budget;
    else if (level === undefined) reasoning.effort = "none";
    else rest["thinkingBudget"] = 0;
  }
  // Google's models think unless told not to: a client that only wants to see it counts on that.
  if (includeThoughts === true && Object.keys(reasoning).length === 0) reasoning.adaptive = true;
  if (typeof includeThoughts === "boolean") reasoning.summary = includeThoughts ? "auto" : "none";
  return { reasoning: Object.keys(reasoning).length === 0 ? undefined : reasoning, rest };
}

/**
 * The `thinkingConfig` to ask for; empty for none. A client of another format that asks for reasoning sees it, unless it says that it does
 * not want to.
 */
export function encodeThinking(request: Request, facts: ModelFacts, dropped: string[]): JsonObject {
  const { reasoning } = request;
  if (reasoning === undefined) return {};
  if (request.extra[ID] !== undefined) return encodeOwn(reasoning);
  const { effort, budgetTokens, adaptive, summary } = reasoning;
  // A wish about how to show it is none for thinking.
  if (effort === undefined && budgetTokens === undefined && adaptive !== true) return {};
  if (facts.reasoning === "none") {
    if (effort !== "none") dropped.push("reasoning_effort");
    return {};
  }
  const config: JsonObject =
    facts.reasoning === "budget" ? chooseBudget(request, facts) : chooseLevel(reasoning, facts);
  if (effort !== "none") config["includeThoughts"] = summary !== "none";
  return config;
}

/** A client of this format gets back what it said. */
function encodeOwn({ effort, budgetTokens, adaptive, summary }: Reasoning): JsonObject {
  const config: JsonObject = {};
  if (effort === "none") config["thinkingBudget"] = 0;
  else if (effort !== undefined) config["thinkingLevel"] = nameLevel(effort).toUpperCase();
  if (budgetTokens !== undefined) config["thinkingBudget"] = budgetTokens;
  if (adaptive === true && summary !== "auto") config["thinkingBudget"] = -1;
  if (summary !== undefined) config["includeThoughts"] = summary !== "none";
  return config;
}

function chooseBudget({ reasoning, maxOutputTokens }: Request, { budget }: ModelFacts): JsonObject {
  const { effort, budgetTokens, adaptive } = reasoning ?? {};
  const least = budget?.least ?? 0;
  if (effort === "none") return { thinkingBudget: least === 0 || budget?.canStop === true ? 0 : least };
  const wanted = budgetTokens ?? (effort === undefined ? undefined : BUDGETS[effort]);
  if (wanted === undefined || (adaptive === true && budgetTokens === undefined && effort === undefined)) {
    return { thinkingBudget: -1 };
  }
  // The limit of the output is for thoughts as well: an answer needs room beside them.
  const room = maxOutputTokens === undefined || wanted < maxOutputTokens ? wanted : maxOutputTokens >> 1;
  return { thinkingBudget: Math.min(Math.max(room, least), budget?.most ?? Number.POSITIVE_INFINITY) };
}

/** The nearest level that the model knows; nothing where it decides for itself. */
function chooseLevel(reasoning: Reasoning, { efforts }: ModelFacts): JsonObject {
  const wanted = readEffort(reasoning);
  const level = wanted === undefined ? null : nearestEffort(wanted, efforts);
  return level === null || level === "none" ? {} : { thinkingLevel: level.toUpperCase() };
}

function nameLevel(effort: ReasoningEffort): Level {
  if (effort === "none") return "minimal";
  return LEVELS.find((level) => level === effort) ?? "high";
}
