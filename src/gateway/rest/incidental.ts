// Objects that a provider makes in passing, while it answers: from then on they are the caller's, so that he can come back for what is in them.

import { type JsonObject, toGatewayError } from "../../ir/index.ts";
import { mayHold } from "../../lib/needle.ts";
import { findReferences } from "../../wire/index.ts";
import type { Call, GatewayTools } from "../call.ts";
import type { CallState } from "../header.ts";
import type { Plan } from "../plan.ts";
import { nameKeeper } from "../way/pool.ts";
import { offers } from "./target.ts";

const FAMILY = "containers";
const NAMES = ['"container"'];

/** `keep`, and the binding beside it where the request asks for such objects at all. */
export function bindIncidental(
  { call, tools, plan }: { call: Call; tools: GatewayTools; plan: Plan },
  keep: CallState["keep"],
): CallState["keep"] {
  const { provider, mode, body } = plan;
  if (mode.kind !== "forward" || !offers(provider, FAMILY) || !mayHold(body, NAMES)) return keep;
  const bind = (answer: JsonObject): Promise<void> => {
    const made = findReferences(answer).filter(({ isIncidental }) => isIncidental);
    const owner = { provider: nameKeeper(provider), userId: call.caller.userId, family: FAMILY };
    const createdAt = new Date(call.startedWallMs);
    return tools.bindings
      .bind(made.map(({ id }) => ({ ...owner, objectId: id, createdAt })))
      .catch((error: unknown) => tools.report(toGatewayError(error), call.requestId));
  };
  return (answer, text) => {
    const kept = keep?.(answer, text);
    const bound = bind(answer);
    return kept === undefined ? bound : Promise.all([kept, bound]);
  };
}
