// What a client may say in a session: its model must lead to the session's provider, and what it names must be its own.

import { GatewayError } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import { holdsKey } from "../../lib/redact.ts";
import type { Provider } from "../../provider/index.ts";
import { mayReference } from "../../wire/index.ts";
import { type GatewayTools, parseBody, refuseKey, refuseRepeatedAnywhere } from "../call.ts";
import { listNamedModels, mayName } from "../named-model.ts";
import { listSold } from "../sold-tool.ts";
import { narrowScene, refuseNameless, requireModels } from "../narrow.ts";
import { requireOwn } from "../owned.ts";
import { nameAt } from "../rest/target.ts";
import { unknownModel } from "../target.ts";
import { chooseKey } from "../way/pool.ts";
import { judgePrice } from "../unknown-price.ts";
import type { SessionAnswers } from "./answers.ts";
import type { SessionBooks } from "./books.ts";
import type { Message, SocketCall } from "./type.ts";

export interface Asking {
  call: SocketCall;
  tools: GatewayTools;
  provider: Provider;
  /** Whether this session made that answer, or that item of one. */
  knows(id: string): boolean;
  /** Where what a message asks for is put on the books. */
  books: Pick<SessionBooks, "ask">;
  /** Where its answer will be kept with it. */
  answers: Pick<SessionAnswers, "read">;
}

/** Whether a message needs a look at all: sound does not. */
export function needsCheck(call: SocketCall, data: Message): data is string {
  if (typeof data !== "string") return false;
  return call.family === "responses" || mayReference(data) || (mayName(data) && (isLimited(call) || holdsKey(data)));
}

function isLimited({ caller }: SocketCall): boolean {
  return caller.limits !== null && caller.limits.models !== null;
}

/** The message as the provider is to have it. Throws a GatewayError where it must not have it. */
export async function checkMessage(asking: Asking, data: string): Promise<string> {
  // What cannot be read here goes to nobody: a reader who is less strict would find in it what nobody looked at.
  const body = parseBody(data);
  refuseRepeatedAnywhere(data);
  const { call, tools, provider, knows } = asking;
  // What is configured by now: a session may last for hours.
  const scene = narrowScene(tools.scene(), call.caller.limits);
  await requireOwn({ userId: call.caller.userId, tools, provider, family: call.family, knows }, body);
  const { model, type } = body;
  const isResponses = asking.call.family === "responses";
  for (const name of listNamedModels(isResponses ? { model: model ?? null } : body)) refuseKey(name);
  if (isLimited(asking.call)) {
    // What a session of sound is told goes out as it came; of the other family the model itself is looked up below.
    const { model: _own, ...rest } = body;
    requireModels(scene.limits, listNamedModels(isResponses ? rest : body));
    if (isResponses && type === "response.create" && typeof model !== "string") throw refuseNameless();
  }
  if (!isResponses || typeof model !== "string") return data;
  const targets = scene.router.resolve(model).way?.targets ?? [];
  // Of several the session's own stands.
  const target = targets.find(({ provider }) => provider === asking.provider.name) ?? targets[0];
  if (target === undefined) throw unknownModel(scene, model);
  if (target.provider === asking.provider.name) {
    const sent = target.model ?? model;
    const sold = listSold(body);
    judgePrice({ plan: { ...target, provider }, record: UNTOLD, scene, tools, body, sold, writes: true });
    if (type === "response.create") {
      // An operator may have taken it out of service since.
      chooseKey(tools.fleet, { provider, model: sent }, { isSteady: true, stickTo: "" });
      const asked = await asking.answers.read(body, sent);
      await asking.books.ask({ asked: model, model: sent, sold });
      asked();
    }
    const named = nameAt(provider, sent);
    return named === model ? data : setTopLevel(data, "model", JSON.stringify(named));
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
