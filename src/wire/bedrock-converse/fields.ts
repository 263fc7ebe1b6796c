// What a request says beyond Converse's common words: `additionalModelRequestFields`, in the names of the family of models behind it.
// Knows no message and no tool. Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html and
// https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html

import type { JsonObject, ReasoningEffort, Request } from "../../ir/index.ts";
import { isForced } from "../answer-tool.ts";
import { BUDGETS, nearestEffort, readEffort } from "../effort.ts";
import type { ModelFacts } from "../type.ts";
import { isClaudes } from "./content.ts";
import { objectOf } from "../json-read.ts";

/** The smallest budget that Claude accepts. */
const MIN_BUDGET = 1024;
/** What a model that thinks by effort may be told, where nobody knows more of it. */
const CLAUDES_EFFORTS: readonly ReasoningEffort[] = ["low", "medium", "high", "xhigh", "max"];

type Level = Exclude<ReasoningEffort, "none">;

interface FieldPlan {
  /** `additionalModelRequestFields`. */
  fields: JsonObject;
  /** `inferenceConfig`. */
  inference: JsonObject;
}

/** Limits, sampling and reasoning, as this model can be told them; what it cannot be told is reported. */
export function planFields(request: Request, facts: ModelFacts, dropped: string[]): FieldPlan {
  const plan: FieldPlan = { fields: {}, inference: {} };
  const limit = limitOutput(request, facts, dropped);
  if (limit !== undefined) plan.inference["maxTokens"] = limit;
  const { temperature, topP } = chooseSampling(request, facts, dropped);
  if (temperature !== undefined) {
    if (temperature > 1) dropped.push("temperature");
    plan.inference["temperature"] = Math.min(temperature, 1);
  }
  if (topP !== undefined) plan.inference["topP"] = topP;
  encodeStop(request, facts, plan, dropped);
  encodeTopK(request, facts, plan, dropped);
  encodeReasoning(request, facts, plan, dropped);
  if ((request.frequencyPenalty ?? 0) !== 0) dropped.push("frequency_penalty");
  if ((request.presencePenalty ?? 0) !== 0) dropped.push("presence_penalty");
  if (request.seed !== undefined) dropped.push("seed");
  if (request.logprobs === true) dropped.push("logprobs");
  return plan;
}

/** Claude takes one of the two: of those that clients like to send together, the one that says something. */
function chooseSampling(
  { temperature, topP }: Request,
  { family }: ModelFacts,
  dropped: string[],
): { temperature: number | undefined; topP: number | undefined } {
  if (family !== "claude" || temperature === undefined || topP === undefined) return { temperature, topP };
  if (temperature === 1 && topP !== 1) return { temperature: undefined, topP };
  if (topP !== 1) dropped.push("top_p");
  return { temperature, topP: undefined };
}

function limitOutput({ maxOutputTokens }: Request, facts: ModelFacts, dropped: string[]): number | undefined {
  if (maxOutputTokens === undefined || facts.maxOutputTokens === null) return maxOutputTokens;
  if (maxOutputTokens > facts.maxOutputTokens) dropped.push("max_tokens");
  return Math.min(maxOutputTokens, facts.maxOutputTokens);
}

function encodeStop({ stop = [] }: Request, { family }: ModelFacts, plan: FieldPlan, dropped: string[]): void {
  const isTaken = (sequence: string): boolean => (family === "claude" ? sequence.trim() : sequence) !== "";
  const taken = stop.filter(isTaken);
  if (taken.length < stop.length) dropped.push("stop");
  if (taken.length > 0) plan.inference["stopSequences"] = taken;
}

function encodeTopK({ topK }: Request, { family }: ModelFacts, plan: FieldPlan, dropped: string[]): void {
  if (topK === undefined) return;
  if (family === "claude" || family === "mistral") plan.fields["top_k"] = topK;
  else if (family === "command") plan.fields["k"] = topK;
  else if (family === "nova") plan.fields["inferenceConfig"] = { topK };
  else dropped.push("top_k");
}

function encodeReasoning(request: Request, facts: ModelFacts, plan: FieldPlan, dropped: string[]): void {
  const { reasoning } = request;
  if (reasoning === undefined || reasoning.effort === "none") return;
  // A wish about how to show it is none for thinking.
  const { effort, budgetTokens, adaptive } = reasoning;
  if (effort === undefined && budgetTokens === undefined && adaptive !== true) return;
  const level = readEffort(reasoning) ?? "medium";
  if (level === "none") return;
  if (facts.reasoning === "none") dropped.push("reasoning_effort");
  else if (facts.family === "claude") thinkAsClaude(request, level, facts, { plan, dropped });
  else if (facts.family === "nova") thinkAsNova(level, plan, dropped);
  else if (facts.family === "gpt-oss") plan.fields["reasoning_effort"] = nearestEffort(level);
  else if (facts.family === "gpt") plan.fields["reasoning"] = { effort: nearestEffort(level, facts.efforts) };
  else dropped.push("reasoning_effort");
}

function thinkAsClaude(
  request: Request,
  level: Level,
  facts: ModelFacts,
  { plan, dropped }: { plan: FieldPlan; dropped: string[] },
): void {
  const { summary, budgetTokens } = request.reasoning ?? {};
  const display = summary === undefined ? {} : { display: summary === "none" ? "omitted" : "summarized" };
  if (facts.reasoning === "effort") {
    plan.fields["output_config"] = { effort: nearestEffort(level, facts.efforts ?? CLAUDES_EFFORTS) };
  }
  const last = request.messages.at(-1);
  const isForbidden = (request.tools.length > 0 && isForced(request.toolChoice)) || last?.role === "assistant";
  if (isForbidden || (facts.reasoning === "budget" && hasUnthoughtCalls(request))) {
    dropped.push("reasoning_effort");
    return;
  }
  if (facts.reasoning === "effort") {
    plan.fields["thinking"] = { type: "adaptive", ...display };
  } else {
    const budget = Math.max(MIN_BUDGET, budgetTokens ?? BUDGETS[level]);
    const answer = request.maxOutputTokens ?? facts.defaultMaxOutputTokens;
    const limit = Math.min(answer + budget, facts.maxOutputTokens ?? Number.POSITIVE_INFINITY);
    // The budget is part of the limit, which is raised where the model allows it: the client keeps the answer it asked for.
    const fitting = budget < answer ? budget : Math.max(MIN_BUDGET, limit - answer);
    if (fitting >= limit) {
      dropped.push("reasoning_effort");
      return;
    }
    if (request.maxOutputTokens !== undefined && budget >= answer) dropped.push("max_tokens");
    plan.inference["maxTokens"] = budget < answer ? answer : limit;
    plan.fields["thinking"] = { type: "enabled", budget_tokens: fitting, ...display };
  }
  dropSampling(plan, dropped, ["temperature", "topP", "topK"]);
}

/** With a budget, a turn that goes on from calls must begin with the signed thinking that led to them. */
function hasUnthoughtCalls({ messages }: Request): boolean {
  const isOpen = messages.at(-1)?.parts.some(({ type }) => type === "tool-result") === true;
  const answer = messages.findLast(({ role }) => role === "assistant");
  if (!isOpen || answer === undefined || answer.parts.every(({ type }) => type !== "tool-call")) return false;
  return !answer.parts.some((part) => part.type === "reasoning" && isClaudes(part));
}

/** With the highest effort, Nova takes neither a limit nor sampling. */
function thinkAsNova(level: Level, plan: FieldPlan, dropped: string[]): void {
  const effort = nearestEffort(level);
  plan.fields["reasoningConfig"] = { type: "enabled", maxReasoningEffort: effort };
  if (effort === "high") dropSampling(plan, dropped, ["temperature", "topP", "topK", "maxTokens"]);
}

const REPORTED: Record<string, string> = {
  maxTokens: "max_tokens",
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
};

function dropSampling(plan: FieldPlan, dropped: string[], names: readonly string[]): void {
  for (const name of names) {
    const isAsked = name === "topK" ? hasTopK(plan.fields) : plan.inference[name] !== undefined;
    // Claude thinks at temperature 1 alone, which needs no word.
    if (isAsked && !(name === "temperature" && plan.inference[name] === 1)) dropped.push(REPORTED[name] ?? name);
    delete plan.inference[name];
  }
  delete plan.fields["top_k"];
  delete plan.fields["inferenceConfig"];
}

function hasTopK(fields: JsonObject): boolean {
  return fields["top_k"] !== undefined || objectOf(fields["inferenceConfig"])["topK"] !== undefined;
}
