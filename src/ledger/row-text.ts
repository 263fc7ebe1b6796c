// A row's attested bytes, written out name by name: what a loop over names gives, in a third of the time. Every request pays for it. Knows no hash.

import { canonicalize, quote } from "../lib/canonical-json.ts";
import type { Attempt, LedgerEntry, SealedEntry } from "./entry.ts";
import type { SealedRecount } from "./recount.ts";

/** What of a row is JSON, as it is attested and as it is stored. */
export interface JsonParts {
  attempts: string;
  dropped: string;
  tags: string | null;
  units: string | null;
}

export function encodeParts({
  attempts,
  dropped,
  tags,
  units,
}: Pick<LedgerEntry, "attempts" | "dropped" | "tags" | "units">): JsonParts {
  return {
    attempts: encodeAttempts(attempts),
    dropped: dropped.length === 0 ? "[]" : canonicalize(dropped),
    tags: tags === null ? null : canonicalize(tags),
    units: units === null ? null : canonicalize(units),
  };
}

/** All of ENTRY_FIELDS in their order, but for what is null: a test holds the two together. */
export function encodeEntry(row: SealedEntry, { attempts, dropped, tags, units }: JsonParts): string {
  const { cacheReadTokens, cacheWriteTokens, chain, corrects, costNanos, errorKind, freshInputTokens } = row;
  const { longCacheWriteTokens, modelServed, outputTokens, payloadDigest, priceDate, priceId, priceSource } = row;
  const { pricesUnknown, provider, reason, reasoningTokens, seq, serviceTier, ttftMs } = row;
  let text = `{"apiKeyId":${quote(row.apiKeyId)},"attempts":${attempts}`;
  if (cacheReadTokens !== null) text += `,"cacheReadTokens":${cacheReadTokens}`;
  if (cacheWriteTokens !== null) text += `,"cacheWriteTokens":${cacheWriteTokens}`;
  if (chain !== null) text += `,"chain":${quote(chain)}`;
  if (corrects !== null) text += `,"corrects":${quote(corrects)}`;
  if (costNanos !== null) text += `,"costNanos":${costNanos}`;
  text += `,"createdAt":${row.createdAt.getTime()},"direction":${quote(row.direction)}`;
  text += `,"dropped":${dropped},"endpoint":${quote(row.endpoint)}`;
  if (errorKind !== null) text += `,"errorKind":${quote(errorKind)}`;
  if (freshInputTokens !== null) text += `,"freshInputTokens":${freshInputTokens}`;
  text += `,"id":${quote(row.id)},"kind":${quote(row.kind)},"latencyMs":${row.latencyMs}`;
  if (longCacheWriteTokens !== null) text += `,"longCacheWriteTokens":${longCacheWriteTokens}`;
  text += `,"modelAsked":${quote(row.modelAsked)}`;
  if (modelServed !== null) text += `,"modelServed":${quote(modelServed)}`;
  if (outputTokens !== null) text += `,"outputTokens":${outputTokens}`;
  if (payloadDigest !== null) text += `,"payloadDigest":${quote(payloadDigest)}`;
  if (priceDate !== null) text += `,"priceDate":${quote(priceDate)}`;
  if (priceId !== null) text += `,"priceId":${quote(priceId)}`;
  if (priceSource !== null) text += `,"priceSource":${quote(priceSource)}`;
  if (pricesUnknown !== null) text += `,"pricesUnknown":${pricesUnknown}`;
  if (provider !== null) text += `,"provider":${quote(provider)}`;
  if (reason !== null) text += `,"reason":${quote(reason)}`;
  if (reasoningTokens !== null) text += `,"reasoningTokens":${reasoningTokens}`;
  text += `,"requestId":${quote(row.requestId)}`;
  if (seq !== null) text += `,"seq":${seq}`;
  if (serviceTier !== null) text += `,"serviceTier":${quote(serviceTier)}`;
  text += `,"status":${row.status},"streamed":${row.streamed}`;
  if (tags !== null) text += `,"tags":${tags}`;
  if (ttftMs !== null) text += `,"ttftMs":${ttftMs}`;
  if (units !== null) text += `,"units":${units}`;
  return `${text},"usageSource":${quote(row.usageSource)},"userId":${quote(row.userId)}}`;
}

/** Likewise, for RECOUNT_FIELDS. */
export function encodeRecount(row: SealedRecount): string {
  const { chain, inputHigh, inputLow, inputTokens, method, outputHigh, outputLow, outputTokens } = row;
  const { reason, seq, tokenizer, tokenizerVersion, verdict } = row;
  let text = chain === null ? "{" : `{"chain":${quote(chain)},`;
  text += `"createdAt":${row.createdAt.getTime()},"entryId":${quote(row.entryId)}`;
  if (inputHigh !== null) text += `,"inputHigh":${inputHigh}`;
  if (inputLow !== null) text += `,"inputLow":${inputLow}`;
  if (inputTokens !== null) text += `,"inputTokens":${inputTokens}`;
  if (method !== null) text += `,"method":${quote(method)}`;
  if (outputHigh !== null) text += `,"outputHigh":${outputHigh}`;
  if (outputLow !== null) text += `,"outputLow":${outputLow}`;
  if (outputTokens !== null) text += `,"outputTokens":${outputTokens}`;
  if (reason !== null) text += `,"reason":${quote(reason)}`;
  if (seq !== null) text += `,"seq":${seq}`;
  text += `,"state":${quote(row.state)}`;
  if (tokenizer !== null) text += `,"tokenizer":${quote(tokenizer)}`;
  if (tokenizerVersion !== null) text += `,"tokenizerVersion":${quote(tokenizerVersion)}`;
  if (verdict !== null) text += `,"verdict":${quote(verdict)}`;
  return `${text}}`;
}

export function encodeAttempts(attempts: readonly Attempt[]): string {
  let text = "";
  for (const attempt of attempts) text += `${text === "" ? "[" : ","}${encodeAttempt(attempt)}`;
  return text === "" ? "[]" : `${text}]`;
}

/** What `canonicalize` gives: for all that is not as this version writes it, it is asked itself. */
function encodeAttempt(attempt: Attempt): string {
  if (!isKnown(attempt)) return canonicalize(attempt);
  const { account, answerId, costNanos, errorKind, model, provider, route, upstreamRequestId, usage, usageRaw } =
    attempt;
  let text = "{";
  if (account !== undefined) text += `"account":${quote(account)},`;
  if (answerId !== undefined) text += `"answerId":${quote(answerId)},`;
  if (costNanos !== undefined) text += `"costNanos":${costNanos},`;
  text += `"errorKind":${errorKind === null ? "null" : quote(errorKind)},"latencyMs":${attempt.latencyMs}`;
  text += `,"model":${quote(model)},"provider":${quote(provider)}`;
  if (route !== undefined) text += `,"route":${quote(route)}`;
  text += `,"status":${attempt.status}`;
  text += `,"upstreamRequestId":${upstreamRequestId === null ? "null" : quote(upstreamRequestId)}`;
  if (usage !== undefined) text += `,"usage":${canonicalize(usage)}`;
  if (usageRaw !== undefined) text += `,"usageRaw":${quote(usageRaw)}`;
  return `${text}}`;
}

/** Has what every attempt has, and nothing that is not named here. */
function isKnown(attempt: Attempt): boolean {
  const { account, answerId, costNanos, errorKind, latencyMs, model, provider } = attempt;
  const { route, status, upstreamRequestId, usage, usageRaw } = attempt;
  const hasAll =
    isText(model) &&
    isText(provider) &&
    isNumber(latencyMs) &&
    (errorKind === null || isText(errorKind)) &&
    (status === null || isNumber(status)) &&
    (upstreamRequestId === null || isText(upstreamRequestId));
  if (!hasAll) return false;
  let members = 6;
  for (const text of [account, answerId, route, usageRaw]) {
    if (isText(text)) members++;
    else if (text !== undefined) return false;
  }
  if (costNanos === null || isNumber(costNanos)) members++;
  else if (costNanos !== undefined) return false;
  if (usage !== undefined) members++;
  return Object.keys(attempt).length === members;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}
