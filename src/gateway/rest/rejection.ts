// An upstream's refusal, behind a status that says so or one that promised an answer. Knows no family.

import { GatewayError, type JsonObject } from "../../ir/index.ts";
import { readCapped } from "../../lib/capped-text.ts";
import { explainRejection, judgeInside } from "../failure.ts";
import { explainFailure, parseObject } from "../send.ts";
import { untilWhole } from "../way/deadline.ts";
import type { Outcome } from "../way/travel.ts";
import { type RestState, attempted } from "./state.ts";

/** What says "error" behind a status that promised an answer. */
export function explainError({ call, scene }: RestState, body: JsonObject): GatewayError {
  const decoded = call.dialect.error.decode(null, body);
  const message = scene.redact(decoded.message);
  // A status that promised an answer says nothing of the failure.
  return judgeInside(new GatewayError({ kind: "upstream_rejected", message, upstream: { ...decoded, message } }));
}

/** The most of an upstream's error body that is read. */
const MAX_ERROR_BYTES = 256 * 1024;

/**
 * An upstream's refusal, handed on as it came but for secrets. `explains` turns what is no JSON into an error of ours; else it goes as it is.
 */
export async function passRejection(
  state: RestState,
  headers: Record<string, string>,
  { explains }: { explains: boolean },
): Promise<Response> {
  const rejection = await judgeRejection(state, () => headers, { explains });
  return rejection.tell({});
}

/** The same, as long as another provider may be asked. */
export async function judgeRejection(
  state: RestState,
  headers: () => Record<string, string>,
  { explains }: { explains: boolean },
): Promise<Extract<Outcome<Response>, { failure: GatewayError }>> {
  const { upstream, plan, line, scene, record, call } = state;
  line.arm(untilWhole(state.deadlines.idle));
  // Secrets are taken out before anything is cut, so that no half of one survives.
  const text = scene.redact(await readRejection(state));
  const nowMs = state.tools.clock.wallMs();
  const failure = explainRejection({ upstream, provider: plan.provider.name, wire: call.dialect, nowMs }, text);
  attempted(state, failure);
  const isReadable = failure.kind === "upstream_rejected" && parseObject(text) !== null;
  if (explains && !isReadable) throw failure;
  line.release(false);
  return {
    failure,
    async tell(more) {
      await record.settle(upstream.status, failure);
      return new Response(text, { status: upstream.status, headers: { ...headers(), ...more } });
    },
  };
}

async function readRejection(state: RestState): Promise<string> {
  const { upstream, plan, line } = state;
  try {
    return (await readCapped(upstream, MAX_ERROR_BYTES)) ?? "";
  } catch (error) {
    const failure = explainFailure(plan.provider.name, line, error);
    if (failure.kind === "upstream_unavailable") return "";
    attempted(state, failure);
    throw failure;
  }
}
