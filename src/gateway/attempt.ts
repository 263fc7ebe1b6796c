// One call to one provider, as its row tells of it: what came of it, and before that, that it is about to be made. Knows no SQL and no format.

import { type Attempt, namePrice } from "../ledger/index.ts";
import type { Redact } from "../lib/redact.ts";
import type { Figures } from "./figures.ts";
import type { Plan } from "./plan.ts";
import { MAX_NAME_LENGTH, type Tally } from "./tally.ts";

interface Made {
  plan: Pick<Plan, "provider"> | null;
  tally: Pick<Tally, "answerId" | "print" | "weigh">;
  redact: Redact;
  /** Null while it is under way. */
  attempt: Attempt | null;
  leftId: string | null;
}

interface Planned {
  plan: Pick<Plan, "model" | "provider" | "route"> | null;
  attempt: Attempt | null;
  leftId: string | null;
}

/** An attempt with what its provider said of it; where there were several, with its own part of the figures, too. */
export function printAttempt({ plan, attempt, leftId, tally, redact }: Made, own: Figures | null): Attempt[] {
  if (attempt === null) return [];
  const answerId = plan?.provider.usageLater === undefined ? leftId : tally.answerId();
  const usageRaw = tally.print(redact);
  const printed = { ...attempt };
  // Should the gateway end before it has asked, the next one finds by it what to ask.
  if (answerId !== null && tally.weigh().source === "estimate") printed.answerId = answerId;
  if (usageRaw !== null) printed.usageRaw = usageRaw;
  if (own !== null && own.usage !== null) {
    printed.usage = own.usage;
    printed.costNanos = own.price?.costNanos ?? null;
    if (own.price !== null) printed.price = namePrice(own.price);
  }
  return [printed];
}

/** As it stands on record should the gateway die over it. */
export function announceAttempt({ plan, attempt, leftId }: Planned): Attempt[] {
  if (plan === null || attempt !== null) return [];
  return [
    {
      provider: plan.provider.name,
      model: plan.model.slice(0, MAX_NAME_LENGTH),
      ...nameWay(plan),
      status: null,
      errorKind: "interrupted",
      upstreamRequestId: null,
      latencyMs: 0,
      ...(leftId === null ? {} : { answerId: leftId }),
    },
  ];
}

/** The label of the key that is used, where a provider has several, and the route that led there, where it has a name. */
export function nameWay({
  provider: { account },
  route,
}: Pick<Plan, "provider" | "route">): Pick<Attempt, "account" | "route"> {
  return { ...(account === undefined ? {} : { account }), ...(route === undefined ? {} : { route }) };
}
