// What an upstream's error means, whatever format it came in: its kind by its words or status, and whether the prompt was too long.
// Each format's clients act on words of their own, so its encoder says the same thing in those. Knows no format's shapes.

import type { ErrorKind, UpstreamError } from "../ir/index.ts";

/** The words that formats have for a type or code of an error, in lower case. */
const WORDS: ReadonlyMap<string, ErrorKind> = new Map(
  Object.entries<ErrorKind>({
    accessdeniedexception: "forbidden",
    api_error: "upstream_rejected",
    authentication_error: "unauthenticated",
    billing_error: "quota_exceeded",
    billing_hard_limit_reached: "quota_exceeded",
    deadline_exceeded: "timeout",
    insufficient_quota: "quota_exceeded",
    internal: "upstream_rejected",
    internalserverexception: "upstream_rejected",
    invalid_api_key: "unauthenticated",
    invalid_argument: "invalid_request",
    invalid_request_error: "invalid_request",
    model_not_found: "not_found",
    not_found: "not_found",
    not_found_error: "not_found",
    overloaded_error: "overloaded",
    permission_denied: "forbidden",
    permission_error: "forbidden",
    rate_limit_error: "rate_limited",
    rate_limit_exceeded: "rate_limited",
    request_too_large: "too_large",
    requests: "rate_limited",
    resource_exhausted: "rate_limited",
    server_is_overloaded: "overloaded",
    servicequotaexceededexception: "quota_exceeded",
    serviceunavailableexception: "overloaded",
    slow_down: "overloaded",
    throttlingexception: "rate_limited",
    timeout_error: "timeout",
    tokens: "rate_limited",
    unauthenticated: "unauthenticated",
    unavailable: "overloaded",
    validationexception: "invalid_request",
  }),
);

const STATUSES: ReadonlyMap<number, ErrorKind> = new Map([
  [401, "unauthenticated"],
  [402, "quota_exceeded"],
  [403, "forbidden"],
  [404, "not_found"],
  [408, "timeout"],
  [409, "conflict"],
  [413, "too_large"],
  [429, "rate_limited"],
  [503, "overloaded"],
  [504, "timeout"],
  [529, "overloaded"],
]);

/** True for a word that some format has for its errors. */
export function isErrorWord(word: string): boolean {
  return WORDS.has(word.toLowerCase());
}

/** The error's kind; `upstream_rejected` where nothing tells more than that the upstream failed. */
export function classifyUpstream({ status, type, code }: UpstreamError): ErrorKind {
  const byWord = WORDS.get((code ?? "").toLowerCase()) ?? WORDS.get((type ?? "").toLowerCase());
  // Vague words are what servers also call a missing key or a full queue; then the status says more. Inside a stream codes may be statuses.
  const number = status ?? Number(code ?? Number.NaN);
  if (byWord !== undefined && byWord !== "invalid_request" && byWord !== "upstream_rejected") return byWord;
  const byStatus = STATUSES.get(number);
  if (byStatus !== undefined) return byStatus;
  return byWord ?? (number >= 400 && number < 500 ? "invalid_request" : "upstream_rejected");
}

/** Numbers of a prompt that does not fit, each null where the upstream did not say it. */
export interface Overflow {
  tokens: number | null;
  limit: number | null;
}

const NUMBER = "\\(?([0-9][0-9,_]*)";

/** `T` stands for the prompt's tokens and `L` for the limit. */
const MEASURED = [
  "prompt is too long: T tokens > L",
  "prompt is too long: T, model maximum context length: L",
  "input length and `max_tokens` exceed context limit: T\\)? \\+ [0-9]+ > L",
  "input token count (?:of )?T\\)? exceeds the maximum number of tokens allowed L",
  "prompt token count of T exceeds the limit of L",
  "prompt contains T tokens.{0,60}? with L maximum context length",
  "current length is T while limit is L",
  "request \\(?T tokens\\) exceeds the available context size \\(?L",
  "exceeded model token limit: L \\(requested: T",
  "maximum prompt length is L but the request contains T tokens",
  "must be <= L\\. given: T",
  "cannot exceed L.{0,40}? received T",
  "maximum context length is L tokens.{0,80}?(?:resulted in|requested(?: about)?|contains?(?: at least)?|has) T",
].map((words) => ({
  pattern: new RegExp(words.replaceAll(/[LT]/g, NUMBER), "is"),
  isLimitFirst: words.indexOf("L") < words.indexOf("T"),
}));

const UNMEASURED =
  /prompt is too long|exceeds? the (?:model'?s? )?context window|input is too long for requested model|reduce the length of the messages|context window exceeds limit|exceeds? the available context size|greater than the context length|context[_ ]length[_ ]exceeded|maximum context length (?:is|of) [0-9]|range of input length should be|prompt exceeds max(?:imum)? length|exceeds? (?:the )?(?:model'?s? )?(?:maximum )?context length/i;

/** Null for any other error. */
export function readOverflow({ status, type, code, message }: UpstreamError): Overflow | null {
  if (status === 429) return null;
  for (const { pattern, isLimitFirst } of MEASURED) {
    const match = pattern.exec(message);
    if (match === null) continue;
    const [first = null, second = null] = match.slice(1).map((digits) => Number(digits.replaceAll(/[,_]/g, "")));
    return isLimitFirst ? { tokens: second, limit: first } : { tokens: first, limit: second };
  }
  const isNamed = code === "context_length_exceeded" || type === "exceed_context_size_error";
  return isNamed || UNMEASURED.test(message) ? { tokens: null, limit: null } : null;
}

/** What providers call it when it is the matter of a request or answer that they refuse. */
const REFUSAL_WORDS: ReadonlySet<string> = new Set([
  "content_filter",
  "content_policy_violation",
  "contentfilter",
  "data_inspection_failed",
  "datainspectionfailed",
  "invalid_prompt",
  "moderation_blocked",
  "prohibited_content",
  "responsibleaipolicyviolation",
  "safety",
  "sensitive_words_detected",
]);

const REFUSAL =
  /blocked by (?:our |the )?content[ -](?:filter|moderation|policy|management)|content management policy|content filtering policy|violat(?:es?|ing|ion of) (?:our |the )?(?:usage|content|safety) polic|flagged (?:as|by|for) .{0,60}(?:moderation|violat|polic|safety)|blocked .{0,40}safety|inappropriate content|data_inspection_failed|requires moderation/i;

/** Whether the provider refuses what the request or its answer is about, and not how it is put. */
export function isRefusal({ status, type, code, message }: UpstreamError): boolean {
  // Who is not let in, and who comes too often, is refused for another reason whatever is said.
  if (status === 401 || status === 402 || status === 429) return false;
  if ([type, code].some((word) => word !== null && REFUSAL_WORDS.has(word.toLowerCase()))) return true;
  return REFUSAL.test(message);
}

/** Whether it was too long. */
export function isOverflow(error: UpstreamError): boolean {
  return readOverflow(error) !== null;
}
