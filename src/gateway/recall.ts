// What a request refers to: answers and items that were kept for its owner. They are found, checked, and put into the request where the
// provider does not have them itself. Knows no format; each wire says how.

import { type JsonObject, invalidRequest, isJsonObject, sumInputTokens } from "../ir/index.ts";
import { removeTopLevel } from "../lib/json-edit.ts";
import type { Provider } from "../provider/index.ts";
import { type MemoryAsk, type Turn, type WireMemory, meterAnswer } from "../wire/index.ts";
import type { KeptAnswer } from "./answer-store.ts";
import { type Call, type GatewayTools, type Scene, refuseRepeatedAnywhere } from "./call.ts";
import { openFacts } from "./facts.ts";
import type { Plan } from "./plan.ts";
import { refuseEndless } from "./tally.ts";
import { type Asked, findTarget } from "./target.ts";
import { nameKeeper, readKeeper } from "./way/pool.ts";

export interface Recalled {
  memory: WireMemory;
  ask: MemoryAsk;
  /** The one provider that has what the request refers to; null where any may be asked. */
  heldBy: string | null;
  /** The request as it is to be planned. */
  asked: Asked;
  /** The request's own new items, to be kept with its answer. */
  listInput(): JsonObject[];
  /** The tokens of what its provider puts before the request itself, as far as that was told. */
  countHeld(): number;
}

/** Throws invalid_request, or what the format says of an answer that is not there: then no provider is asked. */
export async function recall(
  call: Call,
  tools: GatewayTools,
  scene: Scene,
  { asked, memory }: { asked: Asked; memory: WireMemory },
): Promise<Recalled> {
  const ask = memory.ask(asked.body);
  if (ask.references.length > 0) refuseRepeatedAnywhere(asked.raw);
  if (ask.isBackground && !tools.memory.isOn()) {
    throw invalidRequest("Nothing is kept here, so there are no background answers.", "background");
  }
  const { endpoint } = call.wire;
  const facts = openFacts(call, { endpoint, isStream: asked.peek.stream, body: asked.body });
  const { provider, model } = findTarget(scene, asked.peek.model, facts);
  const isForwarded = provider.speaks(model).includes(asked.wire.id);
  const holds = isForwarded && keepsAnswers(provider, memory);
  if (ask.conversation !== null) checkConversation(ask.conversation, holds ? provider : null);
  const own = holds ? asked : omitOurs(asked, ask);
  if (ask.previousId === null && ask.references.length === 0) {
    const listInput = (): JsonObject[] => memory.listInput(asked.body, new Map());
    return { memory, ask, heldBy: null, asked: own, listInput, countHeld: nothing };
  }
  const { userId } = call.caller;
  const last = ask.previousId === null ? null : await findPrevious(ask.previousId, userId, { tools, memory });
  const { holders, items } = await findItems(ask.references, { tools, memory, userId, provider: provider.name });
  const plain = new Map([...items].map(([id, { item }]) => [id, item]));
  const listInput = (): JsonObject[] => memory.listInput(asked.body, plain);
  // What one key keeps, another may not know.
  const heldBy = last?.provider ?? holders[0]?.provider ?? provider.name;
  const isThere = (answer: KeptAnswer): boolean => answer.isUpstream && answer.provider === heldBy;
  if (holds && readKeeper(heldBy) === provider.name && (last === null || isThere(last)) && holders.every(isThere)) {
    return { memory, ask, heldBy, asked, listInput, countHeld: () => (last === null ? 0 : countTokens(last)) };
  }
  const turns = last === null ? [] : await listTurns(last, { tools, memory, provider: provider.name });
  const body = memory.extend(own.body, { turns, items, isForwarded });
  const whole = { ...own, body, raw: JSON.stringify(body) };
  return { memory, ask, heldBy: null, asked: whole, listInput, countHeld: nothing };
}

const nothing = (): number => 0;

/** All that the conversation up to it came to. */
function countTokens(last: KeptAnswer): number {
  const usage = refuseEndless(meterAnswer(parseAnswer(last)).usage);
  return usage === null ? 0 : sumInputTokens(usage) + usage.outputTokens;
}

/** Without what we do in the provider's place. */
function omitOurs(asked: Asked, { ours }: MemoryAsk): Asked {
  const names = Object.keys(ours);
  if (names.length === 0) return asked;
  const body = Object.fromEntries(Object.entries(asked.body).filter(([name]) => !names.includes(name)));
  return { ...asked, body, raw: names.reduce(removeTopLevel, asked.raw) };
}

/** Whether the provider keeps answers itself, where it is asked in this format. */
export function keepsAnswers(provider: Provider, memory: WireMemory): boolean {
  const offers: readonly string[] = provider.rest?.offers ?? [];
  return offers.includes(memory.family);
}

/** What is kept of an answer once it is known; null where nothing is to be. */
export function makeKeeper(
  { call, tools, plan }: { call: Call; tools: GatewayTools; plan: Plan },
  recalled: Recalled | null,
): ((answer: JsonObject, text: string) => Promise<void> | undefined) | null {
  if (recalled === null || !recalled.ask.isKept || !tools.memory.isOn()) return null;
  const { memory, ask, listInput } = recalled;
  return (answer, text) => {
    const id = answer["id"];
    if (typeof id !== "string" || id === "") return undefined;
    const kept = {
      id,
      userId: call.caller.userId,
      provider: nameKeeper(plan.provider),
      model: plan.model,
      previousId: ask.previousId,
      isUpstream: plan.mode.kind === "forward" && keepsAnswers(plan.provider, memory),
      input: JSON.stringify(listInput()),
      body: text,
    };
    return tools.memory.keep(
      kept,
      memory.listItems(answer).map((item) => item.id),
    );
  };
}

interface Sources {
  tools: GatewayTools;
  memory: WireMemory;
}

async function findPrevious(id: string, userId: string, { tools, memory }: Sources): Promise<KeptAnswer> {
  const found = await tools.memory.find(id, userId);
  if (found === null) throw memory.missing("previous", id);
  return found;
}

/** Every item that is named, with the answers in which they are. */
async function findItems(
  ids: readonly string[],
  { tools, memory, userId, provider }: Sources & { userId: string; provider: string },
): Promise<{ holders: KeptAnswer[]; items: Map<string, { item: JsonObject; isForeign: boolean }> }> {
  const items = new Map<string, { item: JsonObject; isForeign: boolean }>();
  if (ids.length === 0) return { holders: [], items };
  const holders = await tools.memory.findHolders(ids, userId);
  for (const holder of holders) {
    const isForeign = holder.provider !== provider;
    for (const { id, item } of memory.listItems(parseAnswer(holder))) {
      if (ids.includes(id)) items.set(id, { item, isForeign });
    }
  }
  for (const id of ids) {
    if (items.has(id)) continue;
    const place = memory.traceInput(id);
    const asking = place === null ? null : await tools.memory.find(place.answerId, userId);
    const item = place === null || asking === null ? undefined : parseInput(asking)[place.index];
    if (asking === null || item === undefined) throw memory.missing("item", id);
    holders.push({ ...asking, isUpstream: false });
    items.set(id, { item, isForeign: false });
  }
  return { holders, items };
}

/** The conversation up to and with `last`, oldest first. */
async function listTurns(
  last: KeptAnswer,
  { tools, memory, provider }: Sources & { provider: string },
): Promise<Turn[]> {
  if (last.leaseUntil !== null || !memory.isOver(parseAnswer(last))) {
    throw invalidRequest(
      `The response '${last.id}' is not complete yet. Wait for it before you go on from it.`,
      "previous_response_id",
    );
  }
  const chain = await tools.memory.chain(last.id, last.userId);
  const oldest = chain.at(-1);
  if (oldest === undefined) throw memory.missing("previous", last.id);
  if (oldest.previousId !== null) throw memory.missing("previous", oldest.previousId);
  return chain.toReversed().map((answer) => ({
    input: parseInput(answer),
    answer: parseAnswer(answer),
    isForeign: answer.provider !== provider,
  }));
}

/** Conversations are objects of the provider's: where it has none, the request would silently lose all that was said before. */
function checkConversation({ param }: NonNullable<MemoryAsk["conversation"]>, provider: Provider | null): void {
  if (provider !== null) return;
  throw invalidRequest(
    "The provider of this model keeps no conversations. Leave 'conversation' out and go on with 'previous_response_id', " +
      "which works with every model.",
    param,
    "unsupported_parameter",
  );
}

export function parseAnswer({ body }: Pick<KeptAnswer, "body">): JsonObject {
  const value: unknown = JSON.parse(body);
  return isJsonObject(value) ? value : {};
}

export function parseInput({ input }: Pick<KeptAnswer, "input">): JsonObject[] {
  const value: unknown = JSON.parse(input);
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
