// What OpenAI's Responses say of answers that are kept: how a request refers to them, and what stands for them where a provider does not have
// them. Knows no store, no owner and no provider. Source: https://platform.openai.com/docs/api-reference/responses

import { GatewayError, type JsonObject, invalidRequest, isJsonObject } from "../../ir/index.ts";
import type { MemoryAsk, WireMemory } from "../type.ts";
import { findAnswer, replayAnswer, skipEvents } from "./replay.ts";
import { objectsOf, omit, textOf } from "../json-read.ts";

/** Asked of whoever keeps answers, where it is asked for at all. */
const OURS = ["background", "previous_response_id", "store"];

export const memory: WireMemory = {
  path: "/v1/responses",
  family: "responses",
  showQuery: ["include", "include[]", "include_obfuscation", "starting_after", "stream"],
  ask: readAsk,
  extend,
  listInput: (body, items) => listInput(body).map((item) => resolve(item, items)),
  listItems: (answer) => objectsOf(answer["output"]).flatMap((item) => nameItem(item)),
  traceInput,
  findAnswer,
  begin: (answer, status) => ({ ...answer, background: true, status }),
  adopt: (answer, id) => ({ ...answer, id, background: true }),
  close: (answer, outcome) =>
    outcome === "cancelled"
      ? { ...answer, status: "cancelled" }
      : { ...answer, status: "failed", error: { code: explainCode(outcome), message: outcome.message } },
  isOver: ({ status }) => status !== "queued" && status !== "in_progress",
  isBackground: (answer) => answer["background"] === true,
  skipEvents,
  replay: replayAnswer,
  printInput,
  printRemoved: (id) => ({ id, object: "response", deleted: true }),
  missing,
};

function readAsk(body: JsonObject): MemoryAsk {
  const isKept = body["store"] !== false;
  const isBackground = body["background"] === true;
  if (isBackground && !isKept) {
    throw invalidRequest("Background responses must be stored: leave 'store' out, or set it to true.", "background");
  }
  const previousId = readId(body["previous_response_id"], "previous_response_id");
  const conversation = body["conversation"] ?? null;
  if (previousId !== null && conversation !== null) {
    throw invalidRequest(
      "'previous_response_id' and 'conversation' exclude each other: send one of them.",
      "previous_response_id",
      "mutually_exclusive_parameters",
    );
  }
  return {
    previousId,
    references: listInput(body).flatMap((item) => (isReference(item) ? [textOf(item["id"])] : [])),
    conversation:
      conversation === null
        ? null
        : {
            id: readId(isJsonObject(conversation) ? conversation["id"] : conversation, "conversation"),
            param: "conversation",
          },
    isKept,
    isBackground,
    ours: Object.fromEntries(
      Object.entries(body).filter(([name, value]) => OURS.includes(name) && value !== null && value !== false),
    ),
  };
}

function readId(value: JsonObject[string] | undefined, name: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && value !== "") return value;
  throw invalidRequest(`Invalid type for '${name}': expected a string.`, name, "invalid_type");
}

/** A text alone is a message of the user's. */
function listInput({ input }: JsonObject): JsonObject[] {
  if (typeof input !== "string") return objectsOf(input);
  return [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
}

/** Clients leave out the type of a reference, too. */
function isReference(item: JsonObject): boolean {
  const { id, type = null } = item;
  return typeof id === "string" && (type === "item_reference" || (type === null && item["role"] === undefined));
}

function resolve(item: JsonObject, items: ReadonlyMap<string, JsonObject>): JsonObject {
  return (isReference(item) ? items.get(textOf(item["id"])) : undefined) ?? item;
}

function nameItem(item: JsonObject): { id: string; item: JsonObject }[] {
  const { id } = item;
  return typeof id === "string" && id !== "" ? [{ id, item }] : [];
}

/** Instructions are not inherited: they are said anew with each request. */
function extend(body: JsonObject, { turns, items, isForwarded }: Parameters<WireMemory["extend"]>[1]): JsonObject {
  const adopt = (item: JsonObject, isForeign: boolean): JsonObject[] =>
    isForwarded ? adoptItem(item, isForeign) : [item];
  const earlier = turns.flatMap(({ input, answer, isForeign }) => [
    ...input,
    ...objectsOf(answer["output"]).flatMap((item) => adopt(item, isForeign)),
  ]);
  const own = listInput(body).flatMap((item) => {
    const named = isReference(item) ? items.get(textOf(item["id"])) : undefined;
    return named === undefined ? [item] : adopt(named.item, named.isForeign);
  });
  return { ...omit(body, ["previous_response_id"]), input: [...earlier, ...own] };
}

/** Items whose id means nothing to a server that did not make them: it would look for them, and refuse what it does not find. */
const NAMELESS = ["custom_tool_call", "function_call", "message"];

/** An item of an answer for a server of this format that does not keep it. Reasoning that it cannot unseal says nothing to it. */
function adoptItem(item: JsonObject, isForeign: boolean): JsonObject[] {
  const sealed = textOf(item["encrypted_content"]);
  const isReadable = sealed !== "" && !isForeign && !sealed.startsWith("tokligence.");
  if (item["type"] === "reasoning" && !isReadable) return [];
  if (!NAMELESS.includes(textOf(item["type"]))) return [item];
  return [omit(item, ["id"])];
}

const ITEM_PREFIXES: Readonly<Record<string, string>> = {
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  function_call: "fc",
  function_call_output: "fco",
  reasoning: "rs",
};

/** Items of a request get ids from their place, so that nothing more has to be kept to find them again. */
function makeInputId(item: JsonObject, answerId: string, index: number): string {
  const prefix = ITEM_PREFIXES[textOf(item["type"])] ?? "msg";
  return `${prefix}_${answerId.replace(/^resp_/u, "")}i${index}`;
}

function traceInput(itemId: string): { answerId: string; index: number } | null {
  const match = /^[a-z]+_(.+)i(\d{1,6})$/u.exec(itemId);
  return match === null ? null : { answerId: `resp_${match[1] ?? ""}`, index: Number(match[2]) };
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

function printInput(input: readonly JsonObject[], answerId: string, query: URLSearchParams): JsonObject {
  const limit = Number(query.get("limit") ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalidRequest(`Invalid 'limit': expected a whole number from 1 to ${MAX_LIMIT}.`, "limit");
  }
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") throw invalidRequest("Invalid 'order': expected 'asc' or 'desc'.", "order");
  const items = input.map((item, index) => printItem(item, makeInputId(item, answerId, index)));
  if (order === "desc") items.reverse();
  const start = findStart(items, query.get("after"));
  const data = items.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.["id"] ?? null,
    last_id: data.at(-1)?.["id"] ?? null,
    has_more: start + limit < items.length,
  };
}

function findStart(items: readonly JsonObject[], after: string | null): number {
  if (after === null) return 0;
  const found = items.findIndex((item) => item["id"] === after);
  if (found === -1) throw invalidRequest(`Item with id '${after}' not found.`, "after");
  return found + 1;
}

/** As OpenAI lists it: with its type, an id, and texts as parts. */
function printItem(item: JsonObject, id: string): JsonObject {
  const { role, content } = item;
  const isMessage = typeof role === "string" && (item["type"] ?? "message") === "message";
  if (!isMessage) return { id, ...item };
  const type = role === "assistant" ? "output_text" : "input_text";
  const parts = typeof content === "string" ? [{ type, text: content }] : (content ?? []);
  return { id, type: "message", status: "completed", ...item, content: parts };
}

const CODES: Readonly<Partial<Record<GatewayError["kind"], string>>> = {
  invalid_request: "invalid_prompt",
  rate_limited: "rate_limit_exceeded",
};

/** One of the codes that OpenAI's clients know. */
function explainCode({ kind, upstream }: GatewayError): string {
  return upstream?.status === 429 ? "rate_limit_exceeded" : (CODES[kind] ?? "server_error");
}

/** In OpenAI's own words: clients look for them. */
function missing(what: "answer" | "item" | "previous", id: string): GatewayError {
  switch (what) {
    case "answer":
      return new GatewayError({ kind: "not_found", message: `Response with id '${id}' not found.` });
    case "item":
      return new GatewayError({
        kind: "not_found",
        param: "input",
        message:
          `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. ` +
          "Try again with `store` set to true, or remove this item from your input.",
      });
    case "previous":
      return invalidRequest(
        `Previous response with id '${id}' not found.`,
        "previous_response_id",
        "previous_response_not_found",
      );
    default:
      return what satisfies never;
  }
}
