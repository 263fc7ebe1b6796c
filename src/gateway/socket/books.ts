// The rows of one session: one an answer, settled before its last event is released, and one for what was asked for and got none; one for a session
// in which nothing was asked or answered, so that it is on the books at all.

import { GatewayError, toGatewayError } from "../../ir/index.ts";
import type { Amount } from "../../ledger/index.ts";
import type { Provider } from "../../provider/index.ts";
import type { GatewayTools } from "../call.ts";
import { type CallRecord, type RecordedPlan, openRecord } from "../record.ts";
import type { Told } from "./event.ts";
import type { Metered } from "../../wire/index.ts";
import { openQuestion } from "./question.ts";
import type { Message, SocketCall } from "./type.ts";
import { openWaiting } from "./waiting.ts";

/** The status of a handshake that succeeded. */
const SWITCHED = 101;

export interface Named {
  /** The model's name as the client gave it. */
  asked: string;
  /** As the provider knows it. */
  model: string;
  /** Tools that are sold by the call. */
  sold: readonly string[];
}

export interface SessionBooks {
  /**
   * Of an answer whose model is named for it alone: limits and budgets take it, and it is announced, before it is asked for. Rejects with the refusal,
   * on record.
   */
  ask(named: Named): Promise<void>;
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

interface Asked {
  named: Named;
  record: CallRecord;
}

interface SessionInit {
  provider: Provider;
  model: string;
  modelAsked: string;
  /** The most that an answer may be expected to cost. */
  bound: (model: string, sold: readonly string[]) => Amount;
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
  /** The session as a whole gets none then. */
  let hasRows = false;
  let isOver = false;
  const waiting = openWaiting<Asked>(({ named }) => named.model);
  /** The model that writes down what is heard; where none is told, nobody knows which. */
  let listener = "";

  const make = (endpoint: string, asked: string): CallRecord => {
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
    record.asked(asked, true);
    return record;
  };

  const plan = (record: CallRecord, own: string): CallRecord => {
    record.planned({ provider, model: own, dropped: [], ...way });
    return record;
  };

  const reserve = async (record: CallRecord, own: string, sold: readonly string[] = []): Promise<void> => {
    await record.admit(() => ({ inputTokens: 0, outputTokens: null, usualOutputTokens }), true);
    await record.reserve({ provider, model: own }, () => bound(own, sold));
  };

  const overtake = ({ passed, forgotten }: Record<"forgotten" | "passed", readonly Asked[]>): void => {
    for (const { record } of passed) record.release("budget");
    const failure = explainOvertaken();
    for (const { record } of forgotten)
      fail(record, { failure, status: failure.status, told: failure }).catch(() => undefined);
  };

  const take = (served: string | null): CallRecord | null => {
    const { found, ...overtaken } = waiting.take(served);
    overtake(overtaken);
    return found?.record ?? null;
  };

  const begin = (id: string, served: string | null): CallRecord => {
    hasRows = true;
    const named = take(served);
    const own = model || (served ?? "");
    const record = named ?? plan(make(call.family, modelAsked || own), own);
    record.observed({ type: "start", id, model: served ?? "", createdAt: null, extra: {} });
    // The session as a whole was announced: nobody waits for this one.
    if (named === null)
      record.intend().then(
        () => session.retract(),
        () => undefined,
      );
    record.estimateInput(() => question.read());
    running.set(id, record);
    // What the session as a whole had reserved was for its first answer.
    session.release("budget");
    if (named === null)
      reserve(record, own).catch((error: unknown) => {
        const failure = toGatewayError(error);
        // One that was over sooner is on the books as it was.
        if (running.delete(id))
          fail(record, { failure: explainEnd("client"), status: failure.status, told: failure }).catch(() => undefined);
        refused?.(failure);
      });
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
    async ask(named) {
      const record = make(call.family, named.asked);
      // What the session as a whole had reserved was for its first answer.
      session.release("budget");
      try {
        await reserve(record, named.model, named.sold);
        await plan(record, named.model).intend();
      } catch (error) {
        const failure = toGatewayError(error);
        await record.settle(failure.status, failure);
        throw failure;
      }
      if (isOver) return record.withdraw();
      hasRows = true;
      session.retract();
      overtake(waiting.add({ named, record }));
    },
    isIdle: () => running.size + waiting.size() === 0,
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
        case "refused": {
          const asked = waiting.drop();
          if (asked === undefined) return null;
          const failure = explainRefusal(told.status);
          return fail(asked.record, { failure, status: failure.status, told: failure });
        }
        case "listens":
          listener = told.model ?? "";
          return null;
        case "heard":
          hasRows = true;
          session.retract();
          return end(plan(make(`${call.family}.transcription`, listener), listener), told.metered, false);
        default:
          return told satisfies never;
      }
    },
    async close(cause, ended) {
      const begun = [...running.values()];
      const unbegun = waiting.clear();
      running.clear();
      isOver = true;
      const failure = explainEnd(cause);
      const told = ended ?? failure;
      // What it had said is counted by us, and so is what it was asked in words; sound is not.
      const begunStatus = told.kind === "cancelled" ? told.status : 200;
      const settled = [
        ...begun.map((record) => fail(record, { failure, status: begunStatus, told })),
        ...unbegun.map(({ record }) => fail(record, { failure, status: told.status, told })),
      ];
      if (hasRows) session.withdraw();
      else {
        session.measured({ model: null, usage: null, units: null, report: null, source: "none", price: "list" });
        session.attempted({ status: SWITCHED, error: null, upstreamRequestId: null });
        await session.settle(SWITCHED, ended ?? null).catch(() => undefined);
      }
      await Promise.allSettled(settled);
    },
  };
}

interface Failed {
  /** How the provider's part ended. */
  failure: GatewayError;
  status: number;
  /** Why, for the client. */
  told: GatewayError;
}

function fail(record: CallRecord, { failure, status, told }: Failed): Promise<void> {
  record.attempted({ status: SWITCHED, error: failure, upstreamRequestId: null });
  return record.settle(status, told);
}

function explainEnd(cause: "client" | "provider"): GatewayError {
  return cause === "client"
    ? new GatewayError({ kind: "cancelled", message: "The client closed the session." })
    : new GatewayError({
        kind: "upstream_malformed",
        message: "The provider closed the session in the middle of an answer.",
      });
}

function explainOvertaken(): GatewayError {
  const message = "The provider did not begin this answer, and began others that were asked for after it.";
  return new GatewayError({ kind: "upstream_malformed", message });
}

function explainRefusal(status: number | null): GatewayError {
  const message = "The provider refused what was asked for.";
  const upstream = { status, type: null, code: null, param: null, message, requestId: null };
  return new GatewayError({ kind: "upstream_rejected", message, upstream });
}
