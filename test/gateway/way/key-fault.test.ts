// What providers say where the key is at fault, in their own words, and what is not the key's fault though it sounds like it.

import { expect, test } from "bun:test";
import { findKeyFault } from "../../../src/gateway/way/key-fault.ts";
import { judgeFailure } from "../../../src/gateway/way/retry.ts";
import { GatewayError, type UpstreamError } from "../../../src/ir/index.ts";

const rejected = (said: Partial<UpstreamError> & { status: number }, cause = ""): GatewayError => {
  const upstream = { type: null, code: null, param: null, message: "", requestId: null, ...said };
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream, cause });
};

const PER_DAY = JSON.stringify({ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" });
const PER_MINUTE = JSON.stringify({ quotaId: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" });
const QUOTA = "You exceeded your current quota, please check your plan and billing details.";

test.each<[Parameters<typeof rejected>, string | null]>([
  [[{ status: 401, code: "invalid_api_key", message: "Incorrect API key provided" }], "revoked"],
  [[{ status: 401 }], "revoked"],
  [
    [
      {
        status: 401,
        message: "You have insufficient permissions for this operation. Missing scopes: api.files.write.",
      },
    ],
    "no-access",
  ],
  [[{ status: 402, message: "Insufficient Balance" }], "out-of-quota"],
  [[{ status: 403, type: "permission_error" }], "no-access"],
  [[{ status: 403, message: "Your input was flagged by moderation" }], null],
  [[{ status: 403, message: "You do not have permission to access the File abc123 or it may not exist." }], null],
  [[{ status: 403, message: "CachedContent not found (or permission denied)" }], null],
  [[{ status: 403, message: "User is not authorized to perform bedrock:ApplyGuardrail on guardrail/abc" }], null],
  [[{ status: 401, code: "mismatched_organization", message: "OpenAI-Organization header should match" }], null],
  [[{ status: 401, code: "invalid_organization", message: "No such organization: org-1." }], null],
  [[{ status: 429, type: "insufficient_quota", code: "insufficient_quota", message: QUOTA }], "out-of-quota"],
  [
    [
      {
        status: 400,
        type: "invalid_request_error",
        message:
          "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
      },
    ],
    "out-of-quota",
  ],
  [[{ status: 400, type: "INVALID_ARGUMENT", message: "API key not valid. Please pass a valid API key." }], "revoked"],
  [[{ status: 400, type: "INVALID_ARGUMENT", message: "API key expired. Please renew the API key." }], "revoked"],
  [[{ status: 429, type: "RESOURCE_EXHAUSTED", message: QUOTA }, PER_DAY], "daily-limit"],
  [[{ status: 429, type: "RESOURCE_EXHAUSTED", message: QUOTA }, PER_MINUTE], null],
  [
    [{ status: 429, code: "rate_limit_exceeded", message: "Rate limit reached on tokens per day (TPD): Limit 100000" }],
    "daily-limit",
  ],
  [
    [{ status: 429, code: "rate_limit_exceeded", message: "Rate limit reached on requests per min (RPM): Limit 3" }],
    null,
  ],
  [[{ status: 400, message: "messages: at least one message is required" }], null],
  [[{ status: 400, message: "Invalid value: 'API key not valid'. Supported values are: 'low' and 'high'." }], null],
  [[{ status: 400, message: "Unknown tool 'your credit balance is too low'" }], null],
  [[{ status: 404, code: "model_not_found" }], null],
  [[{ status: 500, message: "Invalid API key? No: internal error" }], null],
  [[{ status: 503 }], null],
])("%j", (given, fault) => {
  const error = rejected(...given);
  expect(findKeyFault(error)).toBe(fault as never);
  // What one key may not be asked, another one may.
  const isKeys = fault !== null || [401, 403].includes(error.upstream?.status ?? 0);
  expect(judgeFailure(error) === "next-key").toBe(isKeys);
});

test("what did not come of the provider is not the key's fault", () => {
  expect(findKeyFault(new GatewayError({ kind: "timeout", message: "credit balance is too low" }))).toBeNull();
  expect(findKeyFault(new GatewayError({ kind: "unauthenticated", message: "x" }))).toBeNull();
});
