// Whether it is the key that a provider refuses, and not the request: because it is void, may not do this, or has no quota left.
// Knows statuses and the words that providers have for it; no clock.

import type { GatewayError } from "../../ir/index.ts";

/** `no-access`: to this model, perhaps to others. `daily-limit`: likewise, and not within minutes. */
export type KeyFault = "daily-limit" | "no-access" | "out-of-quota" | "revoked";

/** Types and codes, in lower case. */
const QUOTA_WORDS = new Set([
  "billing_error",
  "billing_hard_limit_reached",
  "billing_not_active",
  "credits_required",
  "insufficient_balance",
  "insufficient_quota",
  "insufficient_user_quota",
  "payment_required",
  "quota_exceeded",
]);
const KEY_WORDS = new Set(["account_deactivated", "api_key_invalid", "invalid_api_key"]);

/**
 * Some say it in words alone, under a status that means something else. Only where a message begins so: further on it may quote what a caller
 * wrote, and nobody is to park a key by his words.
 */
const QUOTA_TEXT =
  /^(?:your credit balance is too low|insufficient (?:balance|credits?|quota)|you exceeded your current quota, please check your plan and billing details\. for more information on this error, read the docs|(?:your )?(?:monthly|daily|spending|usage) (?:spend(?:ing)? )?limit (?:has been )?(?:reached|exceeded))/iu;
const KEY_TEXT = /^(?:api key (?:not valid|is invalid|expired|not found)|invalid api key|api_key_invalid)/iu;
/** A limit that does not come back within minutes. */
const DAILY_TEXT = /per[ _-]?day|daily/iu;

const SCOPE_TEXT = /missing scopes?|insufficient permissions/iu;
/** It is the request that is forbidden, or an object that its caller named: a file that is over, somebody else's cache. */
const REQUEST_TEXT =
  /flagged|moderation|content policy|safety|access the file|cached ?content|guardrail|storage\.objects/iu;
/** Of an account that the caller chose by a header of his own, and that the key is none of. */
const ACCOUNT_WORDS = new Set([
  "invalid_organization",
  "invalid_project",
  "mismatched_organization",
  "mismatched_project",
]);

/** Where such words are taken for what they say: bodies of other statuses may quote the request. */
const WORDY = new Set([400, 429]);

/** Null where nothing is wrong with the key. */
export function findKeyFault({ kind, upstream, cause }: GatewayError): KeyFault | null {
  const status = upstream?.status ?? null;
  if (kind !== "upstream_rejected" || upstream === undefined || status === null) return null;
  const words = [upstream.code, upstream.type].map((word) => (word ?? "").toLowerCase());
  if (words.some((word) => ACCOUNT_WORDS.has(word))) return null;
  if (status === 402 || (status !== 401 && words.some((word) => QUOTA_WORDS.has(word)))) return "out-of-quota";
  // A key that may not do this may do other things.
  if (status === 401) return SCOPE_TEXT.test(upstream.message) ? "no-access" : "revoked";
  if (WORDY.has(status)) {
    if (QUOTA_TEXT.test(upstream.message)) return "out-of-quota";
    // What is limited stands in the details of the body alone.
    if (status === 429 && DAILY_TEXT.test(typeof cause === "string" && cause !== "" ? cause : upstream.message))
      return "daily-limit";
    if (status === 400 && (words.some((word) => KEY_WORDS.has(word)) || KEY_TEXT.test(upstream.message)))
      return "revoked";
  }
  return status === 403 && !REQUEST_TEXT.test(upstream.message) ? "no-access" : null;
}
