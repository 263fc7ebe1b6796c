// What a client may say in a session: its model must lead to the session's provider, and what it names must be its own.

import { GatewayError, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import type { Provider } from "../../provider/index.ts";
import { WIRES, type Wire, findReferences, mayReference } from "../../wire/index.ts";
import type { KeptAnswer } from "../answer-store.ts";
import { type GatewayTools, type Scene, refuseRepeatedAnywhere } from "../call.ts";
import { listNamedModels, mayName } from "../named-model.ts";
import { refuseNameless, requireModels } from "../narrow.ts";
import { parseAnswer } from "../recall.ts";
import { unknownModel } from "../target.ts";
import { parseObject } from "../send.ts";
import { judgePrice } from "../unknown-price.ts";
import type { Message, SocketCall } from "./type.ts";
import { nameKeeper, readKeeper } from "../way/pool.ts";

export interface Asking {
  call: SocketCall;
  tools: GatewayTools;
  scene: Scene;
  provider: Provider;
  /** Whether this session made that answer, or that item of one. */
  knows(id: string): boolean;
}

/** Whether a message needs a look at all: sound does not. */
export function needsCheck(call: SocketCall, data: Message): data is string {
  if (typeof data !== "string") return false;
  return call.family === "responses" || mayReference(data) || (isLimited(call) && mayName(data));
}

function isLimited({ caller }: SocketCall): boolean {
  return caller.limits !== null && caller.limits.models !== null;
}

/** The message as the provider is to have it. Throws a GatewayError where it must not have it. */
export async function checkMessage(asking: Asking, data: string): Promise<string> {
  const body = parseObject(data);
  // What is no JSON object is the provider's to refuse.
  if (body === null) return data;
  refuseRepeatedAnywhere(data);
  await requireOwn(asking, body);
  const { model, type } = body;
  const isResponses = asking.call.family === "responses";
  if (isLimited(asking.call)) {
    // What a session of sound is told goes out as it came; of the other family the model itself is looked up below.
    const { model: _own, ...rest } = body;
    requireModels(asking.scene.limits, listNamedModels(isResponses ? rest : body));
    if (isResponses && type === "response.create" && typeof model !== "string") throw refuseNameless();
  }
  if (!isResponses || typeof model !== "string") return data;
  const targets = asking.scene.router.resolve(model).way?.targets ?? [];
  // Of several the session's own stands.
  const target = targets.find(({ provider }) => provider === asking.provider.name) ?? targets[0];
  if (target === undefined) throw unknownModel(asking.scene, model);
  if (target.provider === asking.provider.name) {
    const { provider, scene, tools } = asking;
    judgePrice({ plan: { ...target, provider }, record: UNTOLD, scene, tools, body });
    return target.model === model ? data : setTopLevel(data, "model", JSON.stringify(target.model));
  }
  throw new GatewayError({
    kind: "invalid_request",
    code: "model_elsewhere",
    param: "model",
    message: `The model "${model.slice(0, 200)}" is served by provider "${target.provider}", and this session is with "${asking.provider.name}". Open another session with ?model=, or send the request over HTTP.`,
  });
}

/** Within a session there are no headers that could warn. */
const UNTOLD = { warn: (): void => undefined };

async function requireOwn(asking: Asking, body: JsonObject): Promise<void> {
  const { call, tools, provider } = asking;
  const keeper = await tools.bindings.findKeeper(call.caller.userId, findReferences(body));
  if (keeper !== null && keeper !== nameKeeper(provider)) {
    throw new GatewayError({
      kind: "invalid_request",
      code: "objects_apart",
      message: `What the message names is kept by provider "${readKeeper(keeper)}", and this session is with "${provider.name}".`,
    });
  }
  // Which of the two is read depends on the provider.
  for (const inner of [body, body["response"]]) {
    if (inner === undefined || !isJsonObject(inner)) continue;
    await requireOwnAnswer(asking, inner);
    await requireOwnItems(asking, inner);
  }
}

async function requireOwnAnswer({ call, tools, provider, knows }: Asking, inner: JsonObject): Promise<void> {
  const previous = inner["previous_response_id"];
  if (typeof previous !== "string" || knows(previous)) return;
  const kept = await tools.memory.find(previous, call.caller.userId);
  if (kept !== null && isWith(provider, kept)) return;
  throw new GatewayError({
    kind: "not_found",
    code: "previous_response_not_found",
    param: "previous_response_id",
    message: `Previous response with id '${previous.slice(0, 100)}' not found.`,
  });
}

async function requireOwnItems({ call, tools, provider, knows }: Asking, inner: JsonObject): Promise<void> {
  const memory = Object.values<Wire>(WIRES).find((wire) => wire.memory?.family === call.family)?.memory;
  const strange = memory?.ask(inner).references.filter((id) => !knows(id)) ?? [];
  if (memory === undefined || strange.length === 0) return;
  const holders = await tools.memory.findHolders(strange, call.caller.userId);
  const own = holders
    .filter((kept) => isWith(provider, kept))
    .flatMap((kept) => memory.listItems(parseAnswer(kept)).map(({ id }) => id));
  const lost = strange.find((id) => !own.includes(id));
  if (lost !== undefined) throw memory.missing("item", lost);
}

function isWith(provider: Provider, kept: Pick<KeptAnswer, "isUpstream" | "provider">): boolean {
  return kept.isUpstream && kept.provider === nameKeeper(provider);
}
