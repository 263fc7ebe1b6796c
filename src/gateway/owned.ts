// What a request in another's hands may name of what a provider keeps, where it is not planned as a call of its own: a message in a session, a line of a
// batch. Knows no format.

import { GatewayError, type JsonObject, isJsonObject } from "../ir/index.ts";
import type { Provider } from "../provider/index.ts";
import { WIRES, type Wire, findReferences } from "../wire/index.ts";
import type { KeptAnswer } from "./answer-store.ts";
import type { GatewayTools } from "./call.ts";
import { parseAnswer } from "./recall.ts";
import { nameKeeper, readKeeper } from "./way/pool.ts";

export interface Owner {
  userId: string;
  tools: Pick<GatewayTools, "bindings" | "memory">;
  /** Who is asked. */
  provider: Provider;
  /** Of what is asked for. */
  family: string;
  /** Whether that answer, or that item of one, is known to be his. */
  knows(id: string): boolean;
}

/** Throws not_found for what is not the owner's, and invalid_request for what another provider keeps. */
export async function requireOwn(owner: Owner, body: JsonObject): Promise<void> {
  const { userId, tools, provider } = owner;
  const keeper = await tools.bindings.findKeeper(userId, findReferences(body));
  if (keeper !== null && keeper !== nameKeeper(provider)) {
    throw new GatewayError({
      kind: "invalid_request",
      code: "objects_apart",
      message: `What is named there is kept by provider "${readKeeper(keeper)}", and it is "${provider.name}" that is asked.`,
    });
  }
  // Which of the two is read depends on the provider.
  for (const inner of [body, body["response"]]) {
    if (inner === undefined || !isJsonObject(inner)) continue;
    await requireOwnAnswer(owner, inner);
    await requireOwnItems(owner, inner);
  }
}

async function requireOwnAnswer({ userId, tools, provider, knows }: Owner, inner: JsonObject): Promise<void> {
  const previous = inner["previous_response_id"];
  if (typeof previous !== "string" || knows(previous)) return;
  const kept = await tools.memory.find(previous, userId);
  if (kept !== null && isWith(provider, kept)) return;
  throw new GatewayError({
    kind: "not_found",
    code: "previous_response_not_found",
    param: "previous_response_id",
    message: `Previous response with id '${previous.slice(0, 100)}' not found.`,
  });
}

async function requireOwnItems({ userId, tools, provider, family, knows }: Owner, inner: JsonObject): Promise<void> {
  const memory = Object.values<Wire>(WIRES).find((wire) => wire.memory?.family === family)?.memory;
  const strange = memory?.ask(inner).references.filter((id) => !knows(id)) ?? [];
  if (memory === undefined || strange.length === 0) return;
  const holders = await tools.memory.findHolders(strange, userId);
  const own = holders
    .filter((kept) => isWith(provider, kept))
    .flatMap((kept) => memory.listItems(parseAnswer(kept)).map(({ id }) => id));
  const lost = strange.find((id) => !own.includes(id));
  if (lost !== undefined) throw memory.missing("item", lost);
}

function isWith(provider: Provider, kept: Pick<KeptAnswer, "isUpstream" | "provider">): boolean {
  return kept.isUpstream && kept.provider === nameKeeper(provider);
}
