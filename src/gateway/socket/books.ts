// The rows of one session: one an answer, settled before its last event is released; one for a session in which nothing was answered, so that
// it is on the books at all.

import { GatewayError, toGatewayError } from "../../ir/index.ts";
import type { Amount } from "../../ledger/index.ts";
import type { Provider } from "../../provider/index.ts";
import type { GatewayTools } from "../call.ts";
import { type CallRecord, type RecordedPlan, openRecord } from "../record.ts";
import type { Told } from "./event.ts";
import type { Metered } from "../../wire/index.ts";
import { openQuestion } from "./question.ts";
import type { Message, SocketCall } from "./type.ts";

/** The status of a handshake that succeeded. */
const SWITCHED = 101;

export interface SessionBooks {
  /** Resolves once what the event ends is durable; null where it ends nothing. */
  see(told: Told): Promise<void> | null;
  isIdle(): boolean;
  /** What the client says, for the estimate of an answer that is cut. */
  heard(data: Message): void;
  /** Called with the refusal where an answer has begun that no budget has room for. */
  onRefused(action: (error: GatewayError) => void): void;
  /** Settles what is under way. Never rejects. `ended`: why, where it was us who closed it. */
  close(cause: "client" | "provider", ended?: GatewayError): Promise<void>;
}

interface SessionInit {
  provider: Provider;
  model: string;
  modelAsked: string;
  /** The most that an answer may be expected to cost. */
  bound: () => Amount;
  /** Where nothing says how long an answer may be. */
  usualOutputTokens: number;
  /** Of the session itself, announced before it was opened; a row of its own only where nothing was answered. */
  session: CallRecord;
  /** The route that led there, where it has a name. */
  way: Pick<RecordedPlan, "route">;
}

export function openBooks(
  call: SocketCall,
  tools: GatewayTools,
  { provider, model, modelAsked, bound, usualOutputTokens, session, way }: SessionInit,
): SessionBooks {
  let refused: ((error: GatewayError) => void) | null = null;
  const running = new Map<string, CallRecord>();
  const question = openQuestion();
  let hasAnswered = false;

  const open = (endpoint: string): CallRecord => {
    hasAnswered = true;
    const record = openRecord(
      {
        ...call,
        id: call.newId(),
        startedMs: tools.clock.monotonicMs(),
        startedWallMs: tools.clock.wallMs(),
        endpoint,
      },
      tools,
    );
    record.asked(modelAsked, true);
    record.planned({ provider, model, dropped: [], ...way });
    return record;
  };

  const begin = (id: string, served: string | null): CallRecord => {
    const record = open(call.family);
    record.observed({ type: "start", id, model: served ?? "", createdAt: null, extra: {} });
    // The session as a whole was announced: nobody waits for this one.
    record.intend().catch(() => undefined);
    record.estimateInput(() => question.read());
    running.set(id, record);
    // What the session as a whole had reserved was for its first answer.
    session.release("budget");
    const reserve = async (): Promise<void> => {
      await record.admit(() => ({ inputTokens: 0, outputTokens: null, usualOutputTokens }), true);
      await record.reserve({ provider, model }, bound);
    };
    reserve().catch((error: unknown) => refused?.(toGatewayError(error)));
    return record;
  };

  const end = (record: CallRecord, metered: Metered, isFailed: boolean): Promise<void> => {
    const source = metered.usage === null && metered.units === null ? "none" : "provider";
    record.measured({ ...metered, source, price: "list" });
    const failure = isFailed ? new GatewayError({ kind: "upstream_rejected", message: "The answer failed." }) : null;
    record.attempted({ status: SWITCHED, error: failure, upstreamRequestId: null });
    return record.settle(200, failure);
  };

  return {
    isIdle: () => running.size === 0,
    heard: (data) => question.heard(data),
    onRefused(action) {
      refused = action;
    },
    see(told) {
      switch (told.kind) {
        case "begun":
          begin(told.id, told.model);
          return null;
        case "text": {
          const record = running.get(told.id) ?? [...running.values()].at(-1);
          record?.observed({ type: "part-delta", choice: 0, part: 0, text: told.text });
          return null;
        }
        case "ended": {
          const record = running.get(told.id) ?? begin(told.id, null);
          running.delete(told.id);
          return end(record, told.metered, told.isFailed);
        }
        case "heard":
          return end(open(`${call.family}.transcription`), told.metered, false);
        default:
          return told satisfies never;
      }
    },
    async close(cause, ended) {
      const left = [...running.values()];
      running.clear();
      const failure =
        cause === "client"
          ? new GatewayError({ kind: "cancelled", message: "The client closed the session." })
          : new GatewayError({
              kind: "upstream_malformed",
              message: "The provider closed the session in the middle of an answer.",
            });
      if (hasAnswered) session.withdraw();
      else {
        session.measured({ model: null, usage: null, units: null, report: null, source: "none", price: "list" });
        session.attempted({ status: SWITCHED, error: null, upstreamRequestId: null });
        await session.settle(SWITCHED, ended ?? null).catch(() => undefined);
      }
      const settled = left.map((record) => {
        // What it had said is counted by us, and so is what it was asked in words; sound is not.
        record.attempted({ status: SWITCHED, error: failure, upstreamRequestId: null });
        if (ended !== undefined) return record.settle(200, ended).catch(() => undefined);
        return record.settle(failure.kind === "cancelled" ? failure.status : 200, failure).catch(() => undefined);
      });
      await Promise.all(settled);
    },
  };
}
