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

interface Planned extends Omit<Made, "plan" | "redact"> {
  plan: Pick<Plan, "model" | "provider" | "route"> | null;
}

/** An attempt with what its provider said of it; where there were several, with its own part of the figures, too. */
export function printAttempt(made: Made, own: Figures | null): Attempt[] {
  const { attempt, tally, redact } = made;
  if (attempt === null) return [];
  const answerId = findAnswerId(made);
  const usageRaw = tally.print(redact);
  const printed = { ...attempt };
  if (answerId !== null) printed.answerId = answerId;
  if (usageRaw !== null) printed.usageRaw = usageRaw;
  addFigures(printed, own);
  return [printed];
}

/** Should the gateway end before it has asked, the next one finds by it what to ask. */
function findAnswerId({ plan, leftId, tally }: Pick<Made, "leftId" | "plan" | "tally">): string | null {
  const answerId = plan?.provider.usageLater === undefined ? leftId : tally.answerId();
  return answerId !== null && tally.weigh().source === "estimate" ? answerId : null;
}

function addFigures(printed: Attempt, own: Figures | null): void {
  if (own === null || own.usage === null) return;
  printed.usage = own.usage;
  printed.costNanos = own.price?.costNanos ?? null;
  if (own.price !== null) printed.price = namePrice(own.price);
}

/** As it stands on record should the gateway die over it. `own`: as above. */
export function announceAttempt(planned: Planned, own: Figures | null): Attempt[] {
  const { plan, attempt, leftId } = planned;
  if (plan === null || attempt !== null) return [];
  const answerId = leftId ?? findAnswerId(planned);
  const announced: Attempt = {
    provider: plan.provider.name,
    model: plan.model.slice(0, MAX_NAME_LENGTH),
    ...nameWay(plan),
    status: null,
    errorKind: "interrupted",
    upstreamRequestId: null,
    latencyMs: 0,
    ...(answerId === null ? {} : { answerId }),
  };
  addFigures(announced, own);
  return [announced];
}

/** The label of the key that is used, where a provider has several, and the route that led there, where it has a name. */
export function nameWay({
  provider: { account },
  route,
}: Pick<Plan, "provider" | "route">): Pick<Attempt, "account" | "route"> {
  return { ...(account === undefined ? {} : { account }), ...(route === undefined ? {} : { route }) };
}
