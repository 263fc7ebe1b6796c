// One request of one provider: under its credentials, in its model's name, watched while it is on its way. Knows no family by name.

import { GatewayError } from "../../ir/index.ts";
import { joinInput } from "../estimate.ts";
import { collectHeaders } from "../header.ts";
import { isUnheard, parseObject, send } from "../send.ts";
import { nameKeeper, readKeeper } from "../way/pool.ts";
import { authorize } from "./authorize.ts";
import type { RestCall } from "./call.ts";
import { asksStream, explainSending } from "./sending.ts";
import type { RestState } from "./state.ts";
import { nameAt } from "./target.ts";

/** All but what comes of it. */
export type Asking = Omit<RestState<RestCall>, "upstream" | "upstreamMs">;

/** The provider's response, good or bad. Throws where there is none, with the attempt on record. */
export async function callUpstream(state: Asking, url: string): Promise<Pick<RestState, "upstream" | "upstreamMs">> {
  const { call, tools, plan, record, line, deadlines, intake } = state;
  const { provider } = plan;
  const { entry } = call.place;
  const sentMs = tools.clock.monotonicMs();
  const outgoing = intake.send(plan.model === "" ? null : nameAt(provider, plan.model), {
    progressed: () => line.arm(deadlines.header),
    async checkReference(id) {
      await requireKeptBy(state, id);
    },
  });
  call.keepOpen();
  try {
    if (typeof outgoing.body === "string" && intake.json !== null && entry.stream !== undefined) {
      outgoing.body = entry.stream.ask(outgoing.body, intake.json);
    }
    if (entry.readText !== undefined && line.cut() === null) record.estimateInput(() => joinInput(intake.json ?? {}));
    if (provider.rest?.answer !== undefined) {
      const asked = typeof outgoing.body === "string" ? (parseObject(outgoing.body) ?? {}) : {};
      return { upstream: provider.rest.answer(call.place.path, asked), upstreamMs: 0 };
    }
    const body = outgoing.body;
    const { textFormat } = entry;
    if (textFormat !== undefined && typeof body === "string") record.asking({ format: textFormat, body });
    const headers = await authorize(provider, {
      method: call.method,
      url,
      headers: {
        ...collectHeaders(call, { provider, isForward: true }, pick(call.headers, PASSED)),
        ...outgoing.headers,
      },
      body: typeof body === "string" ? body : null,
    });
    await record.intend();
    if (asksStream(intake)) line.limit(deadlines.firstOutput);
    const upstream = await send({
      provider: provider.name,
      method: call.method,
      url,
      body,
      headers,
      line,
      deadlines,
      fetch: tools.fetch,
    });
    return { upstream, upstreamMs: tools.clock.monotonicMs() - sentMs };
  } catch (error) {
    const failure = explainSending(outgoing, line, error);
    record.attempted({ status: null, error: failure, upstreamRequestId: null, isUnheard: isUnheard(line) });
    throw failure;
  }
}

/** How the client wants the answer. */
const PASSED = ["accept", "range"];

function pick(headers: Headers, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) picked[name] = value;
  }
  return picked;
}

/** For an id that shows up while the body is on its way already. */
async function requireKeptBy({ call, tools, plan }: Asking, id: string): Promise<void> {
  const keeper = await tools.bindings.findKeeper(call.caller.userId, [{ id, isIncidental: false }]);
  if (keeper === null || keeper === nameKeeper(plan.provider)) return;
  throw new GatewayError({
    kind: "invalid_request",
    code: "objects_apart",
    message: `"${id.slice(0, 100)}" is kept by provider "${readKeeper(keeper)}", and this request goes to "${plan.provider.name}".`,
  });
}
