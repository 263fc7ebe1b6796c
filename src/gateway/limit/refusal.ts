// What a caller is told whom a rate limit stops: which one, how much of it is left, and when it begins anew. Knows no format.

import { GatewayError } from "../../ir/index.ts";
import type { Seen } from "./counters.ts";
import type { Found } from "./find.ts";
import type { LimitUnit } from "./model.ts";

const CODE = "rate_limit_exceeded";
/** Nobody knows when a request that runs will be over. */
const SLOT_RETRY_MS = 1_000;

export interface Stopped {
  found: Found;
  seen: Seen;
}

/** Of several that stop it, the one that does so for longest. `isOfTarget`: another provider or model may do. */
export function refuseOver(
  stopped: readonly [Stopped, ...Stopped[]],
  isOfTarget: boolean,
  nowMs: number,
): GatewayError {
  const waitOf = ({ seen }: Stopped): number =>
    seen.endsMs === null ? SLOT_RETRY_MS : Math.max(1, seen.endsMs - nowMs);
  const longest = stopped.reduce((one, other) => (waitOf(other) > waitOf(one) ? other : one));
  const { found, seen } = longest;
  const { unit, most, amount } = seen.need;
  const waitMs = waitOf(longest);
  const left = Math.max(0, most - seen.used);
  const wants = unit === "tokens" ? `, and this request may take ${amount}` : "";
  const when =
    unit === "slots"
      ? "Try again when one of them is over."
      : `It begins anew in ${Math.ceil(waitMs / 1000)} s, at ${new Date(nowMs + waitMs).toISOString()}.`;
  return new GatewayError({
    kind: "rate_limited",
    code: CODE,
    limited: unit === "tokens" ? "tokens" : "requests",
    isOfTarget,
    message: `Rate limit "${found.limit.name}" reached: ${name(unit, most)}${nameScope(found)}; ${left} left${wants}. ${when}`,
    retryAfterMs: waitMs,
  });
}

/** One that no window has room for. */
export function refuseTooLarge({ limit }: Found, tokens: number, isOfTarget: boolean): GatewayError {
  const failure = new GatewayError({
    kind: "rate_limited",
    code: CODE,
    limited: "tokens",
    isOfTarget,
    message: `This request is too large for the rate limit "${limit.name}": it has about ${tokens} tokens, and ${name("tokens", limit.tokens ?? 0)} are allowed. Send less; to wait does not help.`,
  });
  failure.headers = { "x-should-retry": "false" };
  return failure;
}

function name(unit: LimitUnit, most: number): string {
  if (unit === "slots") return `${most} request${most === 1 ? "" : "s"} at once`;
  return `${most} ${unit === "tokens" ? "token" : "request"}${most === 1 ? "" : "s"} a minute`;
}

/** Whom else it concerns is nobody's business: only what is said by the caller's own request, or by the limit's kind. */
function nameScope({ limit, subject }: Found): string {
  if (limit.per.length > 0) {
    const names = subject.split(" ");
    return ` for each ${limit.per.map((each, index) => (SHOWN.has(each) ? `${each} (${names[index] ?? ""})` : each)).join(" and ")}`;
  }
  const parts = [
    limit.key === null ? null : "for this API key",
    limit.user === null ? null : "for this user",
    limit.model === null ? null : `for the model ${limit.model}`,
    limit.provider === null ? null : `for the provider ${limit.provider}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? " for all calls together" : ` ${parts.join(" and ")}`;
}

const SHOWN: ReadonlySet<string> = new Set(["model", "provider"]);
