// Keeps the answers of a session for their owner, as those that came over HTTP are kept: to be looked at, and gone on from in another session.
// Knows no HTTP server.

import type { JsonObject } from "../../ir/index.ts";
import type { Provider } from "../../provider/index.ts";
import { WIRES, type Wire, type WireMemory } from "../../wire/index.ts";
import type { GatewayTools } from "../call.ts";
import { keepsAnswers, parseAnswer } from "../recall.ts";
import { nameKeeper } from "../way/pool.ts";
import type { Told } from "./event.ts";
import type { SocketCall } from "./type.ts";
import { openWaiting } from "./waiting.ts";

export interface SessionAnswers {
  /** Looks at what is to be asked for; what it returns is called once it is. `model`: as the provider knows it. Rejects with a GatewayError. */
  read(body: JsonObject, model: string): Promise<() => void>;
  /** To be waited for before the client learns of it; undefined where nobody need wait. Never rejects. */
  see(told: Told): Promise<void> | undefined;
}

interface Asked {
  model: string;
  previousId: string | null;
  isKept: boolean;
  input: JsonObject[];
}

export function openAnswers(
  call: Pick<SocketCall, "caller" | "family">,
  tools: Pick<GatewayTools, "memory">,
  provider: Provider,
): SessionAnswers {
  const { userId } = call.caller;
  const memory = Object.values<Wire>(WIRES).find((wire) => wire.memory?.family === call.family)?.memory;
  if (memory === undefined || !tools.memory.isOn() || !keepsAnswers(provider, memory)) return NONE;
  const waiting = openWaiting<Asked>((asked) => asked.model);
  const running = new Map<string, Asked>();

  const keep = ({ model, previousId, input }: Asked, id: string, answer: JsonObject): Promise<void> | undefined => {
    const kept = { id, userId, provider: nameKeeper(provider), model, previousId, isUpstream: true };
    const items = memory.listItems(answer).map((item) => item.id);
    return tools.memory.keep({ ...kept, input: JSON.stringify(input), body: JSON.stringify(answer) }, items);
  };

  return {
    async read(body, model) {
      const { previousId, isKept, references } = memory.ask(body);
      const input = memory.listInput(body, await findItems(references, { memory, tools, userId }));
      return () => void waiting.add({ model, previousId, isKept, input });
    },
    see(told) {
      if (told.kind === "refused") waiting.drop();
      if (told.kind !== "begun" && told.kind !== "ended") return undefined;
      const asked = running.get(told.id) ?? waiting.take(told.kind === "begun" ? told.model : null).found;
      if (asked === undefined || told.id === "") return undefined;
      if (told.kind === "begun") running.set(told.id, asked);
      else running.delete(told.id);
      return told.kind === "ended" && asked.isKept ? keep(asked, told.id, told.answer) : undefined;
    },
  };
}

const NONE: SessionAnswers = { read: () => Promise.resolve(() => undefined), see: () => undefined };

/** As far as they are kept. */
async function findItems(
  ids: readonly string[],
  { memory, tools, userId }: { memory: WireMemory; tools: Pick<GatewayTools, "memory">; userId: string },
): Promise<Map<string, JsonObject>> {
  const holders = ids.length === 0 ? [] : await tools.memory.findHolders(ids, userId);
  return new Map(
    holders.flatMap((holder) => memory.listItems(parseAnswer(holder)).map(({ id, item }) => [id, item] as const)),
  );
}
