// How much the model shall think: the canonical effort or budget ↔ Anthropic's `thinking` and `output_config.effort`. Knows no messages but
// the turns it is given, and no model but the facts it is told.

import type { Json, JsonObject, Reasoning, ReasoningEffort, Request } from "../../ir/index.ts";
import { BUDGETS, nearestEffort, readEffort } from "../effort.ts";
import type { ModelFacts } from "../type.ts";
import { type EffortLevel, ID, type Thinking, ownFields } from "./body.ts";
import type { Turn } from "./conversation.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

/** The smallest budget that Anthropic accepts. */
const MIN_BUDGET = BUDGETS.minimal;

const LEVELS: Record<Exclude<ReasoningEffort, "none">, EffortLevel> = {
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "xhigh",
  max: "max",
};

/** `thinking.display`: whether the text of the thinking is shown. */
const SUMMARIES: ReadonlyMap<string, Reasoning["summary"] & string> = new Map([
  ["summarized", "auto"],
  ["omitted", "none"],
]);

interface ThinkingPlan {
  /** The `thinking` field; null to leave it out. */
  thinking: JsonObject | null;
  /** `output_config.effort`; null to leave it out. */
  effort: EffortLevel | null;
  /** The output limit, raised where a budget needs room in it. */
  maxTokens: number;
}

/** `thinking` and `output_config.effort` of a body; undefined where it has neither. */
export function decodeReasoning(body: JsonObject): Reasoning | undefined {
  const thinking = objectOf(body["thinking"]);
  const effort = readLevel(objectOf(body["output_config"])["effort"]);
  const budget = thinking["budget_tokens"];
  if (thinking["type"] === "disabled") return { effort: "none" };
  const reasoning: Reasoning = effort === undefined ? {} : { effort };
  if (thinking["type"] === "adaptive") reasoning.adaptive = true;
  if (thinking["type"] === "enabled" && typeof budget === "number") reasoning.budgetTokens = budget;
  const summary = typeof thinking["type"] === "string" ? SUMMARIES.get(textOf(thinking["display"])) : undefined;
  if (summary !== undefined) reasoning.summary = summary;
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

/** The effort that an instruction among the messages sets for the turn that is to come. */
export function findInlineEffort(body: JsonObject): ReasoningEffort | undefined {
  const messages = Array.isArray(body["messages"]) ? body["messages"].map(objectOf) : [];
  const turn = messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
  const word = turn
    .map((message) => objectOf(message["output_config"])["effort"])
    .findLast((effort) => effort !== undefined);
  return readLevel(word);
}

function readLevel(word: Json | undefined): ReasoningEffort | undefined {
  return (Object.keys(LEVELS) as (keyof typeof LEVELS)[]).findLast((level) => LEVELS[level] === word);
}

/** What of a `thinking` object the canonical request cannot hold; the whole object where its type is unknown. */
export function decodeThinkingRest(thinking: JsonObject): JsonObject {
  const known = ["enabled", "adaptive", "disabled"].includes(textOf(thinking["type"]));
  if (!known) return thinking;
  const isDisplayKnown = thinking["type"] !== "disabled" && SUMMARIES.has(textOf(thinking["display"]));
  return omit(thinking, isDisplayKnown ? ["type", "budget_tokens", "display"] : ["type", "budget_tokens"]);
}

/**
 * The thinking to ask for. A client of another format names an effort and expects the model to think; a client of this format says both
 * separately, and gets back what it said.
 */
export function planThinking(
  request: Request,
  turns: Turn[],
  facts: ModelFacts,
  draft: { maxTokens: number; dropped: string[] },
): ThinkingPlan {
  const nothing: ThinkingPlan = { thinking: null, effort: null, maxTokens: draft.maxTokens };
  const ownThinking = objectOf(ownFields(request.extra)["thinking"]);
  const { reasoning } = request;
  if (typeof ownThinking["type"] === "string") {
    return { ...nothing, thinking: ownThinking, effort: reasoning === undefined ? null : levelOf(reasoning, facts) };
  }
  if (reasoning === undefined) return nothing;
  const isOwn = request.extra[ID] !== undefined;
  if (reasoning.effort === "none") return isOwn ? { ...nothing, thinking: { type: "disabled" } } : nothing;
  const { budgetTokens, adaptive, summary } = reasoning;
  // A wish about how to show it is none for thinking.
  if (reasoning.effort === undefined && budgetTokens === undefined && adaptive !== true) return nothing;
  if (facts.reasoning === "none") {
    draft.dropped.push("reasoning_effort");
    return nothing;
  }
  const display = summary === undefined ? {} : ({ display: summary === "none" ? "omitted" : "summarized" } as const);
  const level = levelOf(reasoning, facts);
  const effort = facts.reasoning === "effort" || (isOwn && reasoning.effort !== undefined) ? level : null;
  if (isOwn && reasoning.adaptive !== true && reasoning.budgetTokens === undefined) return { ...nothing, effort };
  if (forbidsThinking(request, turns, facts)) {
    draft.dropped.push("reasoning_effort");
    return { ...nothing, effort };
  }
  if (facts.reasoning === "effort") {
    const thinking: Thinking = { type: "adaptive", ...display };
    return { ...nothing, thinking: { ...thinking, ...ownThinking }, effort };
  }
  const fit = fitBudget(budgetOf(reasoning), draft.maxTokens, facts.maxOutputTokens);
  if (fit === null) {
    draft.dropped.push("reasoning_effort");
    return { ...nothing, effort };
  }
  if (fit.maxTokens !== draft.maxTokens && request.maxOutputTokens !== undefined) draft.dropped.push("max_tokens");
  const thinking: Thinking = { type: "enabled", budget_tokens: fit.budget, ...display };
  return { thinking: { ...thinking, ...ownThinking }, effort, maxTokens: fit.maxTokens };
}

/** The levels that this format can say. */
const SAYABLE = Object.values(LEVELS);

function levelOf(reasoning: Reasoning, facts: ModelFacts): EffortLevel | null {
  const wanted = readEffort(reasoning);
  if (wanted === undefined || wanted === "none") return null;
  const nearest = nearestEffort(wanted, facts.efforts ?? SAYABLE);
  return nearest === null || nearest === "none" ? null : LEVELS[nearest];
}

function budgetOf({ effort, budgetTokens }: Reasoning): number {
  if (budgetTokens !== undefined) return Math.max(MIN_BUDGET, budgetTokens);
  return BUDGETS[effort === undefined || effort === "none" ? "medium" : effort];
}

/** True where Anthropic refuses thinking: a forced tool, an answer begun by the client, or (with a budget) a tool loop begun without it. */
function forbidsThinking(request: Request, turns: Turn[], facts: ModelFacts): boolean {
  const choice = request.toolChoice;
  const isForced = choice?.type === "required" || choice?.type === "tool";
  if (request.tools.length > 0 && (isForced || (choice?.type === "allowed" && choice.required))) return true;
  if (turns.at(-1)?.role === "assistant") return true;
  if (facts.reasoning === "effort") return false;
  const answer = turns.findLast((turn) => turn.role === "assistant");
  const hasCalls = answer?.content.some((block) => block["type"] === "tool_use") === true;
  return hasCalls && !["thinking", "redacted_thinking"].includes(textOf(answer.content[0]?.["type"]));
}

/**
 * A budget must be at least 1024 and leave room below the limit. The limit is raised by the budget where the model allows it, so that the
 * client keeps the answer it asked for; where it does not, the budget shrinks. Null where not even the smallest fits.
 */
function fitBudget(
  budget: number,
  maxTokens: number,
  limit: number | null,
): { budget: number; maxTokens: number } | null {
  if (budget < maxTokens) return { budget, maxTokens };
  const raised = Math.min(maxTokens + budget, limit ?? Number.POSITIVE_INFINITY);
  if (raised - maxTokens >= MIN_BUDGET) return { budget: raised - maxTokens, maxTokens: raised };
  return MIN_BUDGET < maxTokens ? { budget: Math.max(MIN_BUDGET, raised >> 1), maxTokens: raised } : null;
}
