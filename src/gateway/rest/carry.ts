// Carries an answer to the client piece by piece; the last piece is released only after the row is durable. Knows neither bytes nor events.

import { GatewayError, toGatewayError } from "../../ir/index.ts";
import { answerTooLarge, explainFailure } from "../send.ts";
import { type RestState, attempted } from "./state.ts";

/** What comes of one piece of the upstream's. */
export interface Step<T> {
  /** To be released at once. */
  now: T[];
}

export interface Machine<T> {
  push(chunk: Uint8Array): Step<T>;
  /** Once the upstream is over: what is still to be released, after the settlement, and what went wrong in it. */
  end(): { last: T[]; error: GatewayError | null };
  /** Puts what the answer cost on record; once, before the settlement. `isWhole` is false where it was cut. */
  book(isWhole: boolean): void;
  /** The failure as the client can read it, and nothing where it can only be told by breaking off. */
  fail(error: GatewayError): T[] | null;
}

/** `maxBytes`: of all that comes; what only passes by is held nowhere, and needs no end. */
export function carry<T>(state: RestState, machine: Machine<T>, maxBytes = Infinity): AsyncGenerator<T> {
  const { record, line, tools, call } = state;
  let isOver = false;
  const settle = async (status: number, error: GatewayError | null): Promise<void> => {
    if (isOver) return record.settle(status, error);
    isOver = true;
    line.release(error !== null);
    machine.book(error === null);
    attempted(state, error);
    if (error !== null && error.kind !== "cancelled") tools.report(error, call.requestId);
    await record.settle(status, error);
  };
  // Also where the server never came to ask for the first piece: a generator that was not started has no `finally`.
  const leave = (): void => {
    if (isOver) return;
    const left = new GatewayError({ kind: "cancelled", message: "The client closed the connection." });
    settle(left.status, left).catch(() => undefined);
  };
  line.onLeave(leave);
  if (line.cut() === "client") leave();
  return run(state, machine, { maxBytes, settle, leave });
}

interface Running {
  maxBytes: number;
  settle: (status: number, error: GatewayError | null) => Promise<void>;
  leave: () => void;
}

async function* run<T>(state: RestState, machine: Machine<T>, { maxBytes, settle, leave }: Running): AsyncGenerator<T> {
  const { upstream, line, deadlines } = state;
  try {
    let bytes = 0;
    line.arm(deadlines.idle);
    for await (const chunk of upstream.body ?? []) {
      // While the client takes its piece, it is not the upstream that is waited for.
      line.rest();
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw answerTooLarge(maxBytes);
      yield* machine.push(chunk).now;
      line.arm(deadlines.idle);
    }
    const { last, error } = machine.end();
    await settle(upstream.status, error);
    yield* last;
  } catch (thrown) {
    const failure = explainBreak(state, thrown);
    await settle(failure.kind === "cancelled" ? failure.status : upstream.status, failure).catch(() => undefined);
    const told = machine.fail(failure);
    if (told === null) throw failure;
    yield* told;
  } finally {
    // Where the client let go of us between two pieces.
    leave();
  }
}

function explainBreak({ plan, line }: RestState, thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const name = plan.provider.name;
  const failure = explainFailure(name, line, thrown);
  if (failure.kind !== "upstream_unavailable") return toGatewayError(failure);
  return new GatewayError({
    kind: "upstream_malformed",
    message: `Provider "${name}" broke off in the middle of its answer.`,
    cause: thrown,
  });
}
