// The one error of the gateway: a closed list of kinds, a message that is safe to show, and a cause that is only for the log.
// It knows no wire format: each wire's `error.encode` gives it the shape that its clients read.

export const ERROR_KINDS = {
  invalid_request: { status: 400, retry: false },
  unauthenticated: { status: 401, retry: false },
  forbidden: { status: 403, retry: false },
  not_found: { status: 404, retry: false },
  conflict: { status: 409, retry: false },
  too_large: { status: 413, retry: false },
  rate_limited: { status: 429, retry: true },
  quota_exceeded: { status: 429, retry: false },
  blocked: { status: 400, retry: false },
  /** The upstream understood and said no; its own status, type and message are in `upstream`. */
  upstream_rejected: { status: 502, retry: false },
  upstream_unavailable: { status: 502, retry: true },
  upstream_malformed: { status: 502, retry: true },
  /** A provider lacks its credentials or another setting; retrying cannot help. */
  not_configured: { status: 503, retry: false },
  timeout: { status: 504, retry: true },
  overloaded: { status: 503, retry: true },
  /** The client left before the answer was complete; nobody reads this, the ledger does. */
  cancelled: { status: 499, retry: false },
  internal: { status: 500, retry: false },
} as const satisfies Record<string, { status: number; retry: boolean }>;

export type ErrorKind = keyof typeof ERROR_KINDS;

/** An upstream's own error, as its wire's `error.decode` read it. */
export interface UpstreamError {
  /** HTTP status, or null where the error came inside a 200 stream. */
  status: number | null;
  /** The provider's `type` word, verbatim. */
  type: string | null;
  /** The provider's `code`, verbatim. */
  code: string | null;
  param: string | null;
  message: string;
  requestId: string | null;
  /** When to try again, where the body says so. */
  retryAfterMs?: number;
}

/** What is wrong with one field of a request. */
export interface FieldProblem {
  /** Such as `budget.limit_usd`; empty for the whole. */
  path: string;
  message: string;
}

interface GatewayErrorInit {
  kind: ErrorKind;
  /** Safe to show to the caller: what is wrong, and what to do about it. */
  message: string;
  /** Machine word that refines the kind, such as `model_not_found`. */
  code?: string | undefined;
  /** The request field at fault, such as `messages[0].role`. */
  param?: string | undefined;
  /** All that is wrong, where more than the first fault is known. */
  problems?: readonly FieldProblem[] | undefined;
  retryAfterMs?: number | undefined;
  upstream?: UpstreamError | undefined;
  /** What stands in the way concerns the target that was chosen: another one may do. */
  isOfTarget?: boolean;
  /** Of which there was no more, where that is counted. */
  limited?: "requests" | "tokens" | undefined;
  cause?: unknown;
}

export class GatewayError extends Error {
  readonly kind: ErrorKind;
  readonly code: string | undefined;
  readonly param: string | undefined;
  readonly problems: readonly FieldProblem[] | undefined;
  /** Set anew by whoever knows that another target is free sooner, before the error leaves. */
  retryAfterMs: number | undefined;
  readonly upstream: UpstreamError | undefined;
  readonly isOfTarget: boolean;
  readonly limited: "requests" | "tokens" | undefined;
  /** Further response headers, such as who was asked: set by whoever knows, before the error leaves. */
  headers: Readonly<Record<string, string>> = {};

  constructor(init: GatewayErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "GatewayError";
    this.kind = init.kind;
    this.code = init.code;
    this.param = init.param;
    this.problems = init.problems;
    this.retryAfterMs = init.retryAfterMs;
    this.upstream = init.upstream;
    this.isOfTarget = init.isOfTarget === true;
    this.limited = init.limited;
  }

  /** HTTP status for the caller: an upstream's own status where it gave one, else the kind's. */
  get status(): number {
    const own = this.upstream?.status;
    if (this.kind === "upstream_rejected" && own !== null && own !== undefined && own >= 400 && own <= 599) return own;
    return ERROR_KINDS[this.kind].status;
  }
}

/** A 400 that names the field. */
export function invalidRequest(message: string, param?: string, code?: string): GatewayError {
  return new GatewayError({ kind: "invalid_request", message, param, code });
}

/** Any thrown value as a GatewayError; what we did not foresee becomes `internal` with the original as cause. */
export function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError({
    kind: "internal",
    message: "The gateway failed while it handled this request. The log has the details under this request id.",
    cause: error,
  });
}
