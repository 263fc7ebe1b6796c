// Holds a forward-only request against what its key may use: the models that it names itself, and the models and objects that stand in the file of a
// batch. Knows no vendor.

import {
  GatewayError,
  type Json,
  type JsonObject,
  invalidRequest,
  isJsonObject,
  toGatewayError,
} from "../../ir/index.ts";
import { type RestFamily, mayReference } from "../../wire/index.ts";
import { type Scene, parseBody, refuseRepeatedAnywhere } from "../call.ts";
import { collectHeaders } from "../header.ts";
import { listNamedModels } from "../named-model.ts";
import { refuseNameless, requireModels } from "../narrow.ts";
import { type Owner, requireOwn } from "../owned.ts";
import { explainBreak, openLine, send } from "../send.ts";
import { authorize } from "./authorize.ts";
import type { RestCall } from "./call.ts";
import type { Intake } from "./sending.ts";
import { readLines } from "./results.ts";
import type { RestState } from "./state.ts";
import { addressOf } from "./target.ts";
import { mayCost } from "./work.ts";

/** Whose objects are kept and searched, and work nobody. */
const WITHOUT_MODEL: readonly RestFamily[] = ["containers", "conversations", "files", "uploads", "vector_stores"];

/** Whether a request must say which model it is for, where its key may use some only. */
export function isBoundToModel(
  { place, method }: Pick<RestCall, "method" | "place">,
  { limits }: Pick<Scene, "limits">,
): boolean {
  if (!limits?.models || WITHOUT_MODEL.includes(place.family)) return false;
  return place.act === "call" || mayCost(place, method);
}

/** Throws forbidden. The model of the whole request is the router's to judge. */
export function requireNamedModels(call: RestCall, intake: Pick<Intake, "json" | "model">, scene: Scene): void {
  if (!isBoundToModel(call, scene)) return;
  const { model: _whole, ...rest } = intake.json ?? {};
  const names = listNamedModels(rest);
  requireModels(scene.limits, names);
  const isNamed = intake.model !== null || names.length > 0 || findInputFile(call, intake.json) !== null;
  if (!isNamed) throw refuseNameless();
}

/**
 * Lines of a batch stand in a file that is with the provider: it is read before anybody works on it, for what each asks and names. Throws forbidden, or
 * not_found for what is another's.
 */
export async function requireLinesOfFile(state: Omit<RestState<RestCall>, "upstream" | "upstreamMs">): Promise<void> {
  const { call, scene, plan, intake, record, tools, deadlines } = state;
  const file = findInputFile(call, intake.json);
  if (file === null) return;
  const isLimited = isBoundToModel(call, scene);
  const endpoint = intake.json?.["endpoint"];
  /** Then a line may name what is kept in many ways. */
  const goesOn = typeof endpoint === "string" && endpoint.endsWith("/responses");
  const { provider } = plan;
  if (provider.rest === null || provider.rest.answer !== undefined) {
    if (isLimited) throw refuseNameless();
    return;
  }
  const url = addressOf(provider, `/files/${encodeURIComponent(file)}/content`, "");
  const line = openLine(call.signal, tools.clock);
  const owner: Owner = { userId: call.caller.userId, tools, provider, family: "responses", knows: () => false };
  try {
    const own = collectHeaders(call, { provider, isForward: true }, {});
    const headers = await authorize(provider, { method: "GET", url, headers: own, body: null });
    await record.intend();
    const ask = { provider: provider.name, method: "GET", url, body: undefined, headers, line };
    const upstream = await send({ ...ask, deadlines, fetch: tools.fetch });
    if (!upstream.ok || upstream.body === null) {
      if (isLimited) throw refuseNameless();
      if (UNREADABLE.includes(upstream.status)) {
        record.warn("lines_unread");
        tools.report(passedOver(provider.name, upstream.status), call.requestId);
        return;
      }
      throw unread(provider.name, upstream.status);
    }
    for await (const text of readLines(upstream.body, () => line.arm(deadlines.idle))) {
      if (text.trim() === "") continue;
      // In an encoding of wider characters, the names that are looked for do not stand as they are looked for.
      const mayName = goesOn || text.includes("\0") || mayReference(text);
      if (!isLimited && !mayName) continue;
      // What is no object to any reader is the provider's to refuse.
      const request = text.includes("{") ? readLine(text) : {};
      if (isLimited) requireModelOfLine(request, { scene, hasWhole: intake.model !== null });
      if (mayName) await requireOwnOfLine(owner, request);
    }
  } catch (error) {
    throw explainBreak(provider.name, line, error);
  } finally {
    line.release(true);
  }
}

/** Said by servers that give no file back: then there is nothing that could be looked at. */
const UNREADABLE = [404, 405, 501];

/** Throws invalid_request for what cannot be read here: a reader who is less strict would find in it what nobody looked at. */
function readLine(text: string): JsonObject {
  try {
    const request = parseBody(text);
    refuseRepeatedAnywhere(text);
    return request;
  } catch (error) {
    const { message, code } = toGatewayError(error);
    if (code === "repeated_field") throw error;
    const why = message.replace("The request body", "It");
    throw invalidRequest(`A line of the batch's file cannot be looked at. ${why}`, "input_file_id", "invalid_line");
  }
}

async function requireOwnOfLine(owner: Owner, request: JsonObject): Promise<void> {
  const body = request["body"];
  await requireOwn(owner, isJsonObject(body) ? body : request);
}

function unread(provider: string, status: number): GatewayError {
  return new GatewayError({
    kind: "upstream_unavailable",
    message: `Provider "${provider}" did not give the file of the batch to be looked at (HTTP ${status}). Try again in a moment.`,
  });
}

/** For the log: whoever runs the gateway is to know where it cannot look. */
function passedOver(provider: string, status: number): GatewayError {
  return new GatewayError({
    kind: "upstream_unavailable",
    message:
      `Provider "${provider}" does not give back the file of a batch (HTTP ${status}): its lines were not looked at for objects of other users. ` +
      "Where users are not to share that provider's account, give their keys no scope batches.",
  });
}

function requireModelOfLine(request: JsonObject, { scene, hasWhole }: { scene: Scene; hasWhole: boolean }): void {
  const names = listNamedModels(request);
  if (names.length === 0 && !hasWhole) throw refuseNameless();
  requireModels(scene.limits, names);
}

function findInputFile({ place }: Pick<RestCall, "place">, json: JsonObject | null): string | null {
  const file: Json | undefined =
    place.family === "batches" && place.act === "create" ? json?.["input_file_id"] : undefined;
  return typeof file === "string" && file !== "" ? file : null;
}
