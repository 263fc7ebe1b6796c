// Carries an answer to the client piece by piece; the last piece is released only after the row is durable. Knows neither bytes nor events.

import { GatewayError } from "../../ir/index.ts";
import { letEnd } from "../linger.ts";
import { answerTooLarge, explainStreamBreak } from "../send.ts";
import { asksStream } from "./sending.ts";
import { type RestState, attempted } from "./state.ts";

/** What comes of one piece of the upstream's. */
export interface Step<T> {
  /** To be released at once. */
  now: T[];
  /** Whether something of the answer is in it, and no sign of life alone. */
  hasOutput: boolean;
}

export interface Machine<T> {
  push(chunk: Uint8Array): Step<T>;
  /** Whether the answer has ended, wherever the upstream stays; missing: it has not before the upstream is over. */
  isOver?(): boolean;
  /** Once the upstream is over: what is still to be released, after the settlement, and what went wrong in it. */
  end(): { last: T[]; error: GatewayError | null };
  /** What goes before that, once all is on record; nothing where missing. */
  tellCost?(): T[];
  /** Puts what the answer cost on record; once, before the settlement. `isWhole` is false where it was cut. */
  book(isWhole: boolean): void;
  /** The failure as the client can read it, and nothing where it can only be told by breaking off. */
  fail(error: GatewayError): T[] | null;
}

/** `maxBytes`: of all that comes; what only passes by is held nowhere, and needs no end. */
export function carry<T>(state: RestState, machine: Machine<T>, maxBytes = Infinity): AsyncGenerator<T> {
  return start(state, machine, { steps: readSteps(state, machine, maxBytes), close: openClose(state, machine) });
}

/** `failure`: what the upstream says in place of its answer. */
export type Carried<T> = { failure: GatewayError } | { failure: null; pieces: AsyncGenerator<T> };

/** As `carry`, once something of the answer is there; what comes before is held back so long. Rejects, with the attempt closed and no row written, where the upstream breaks off before. */
export async function carryHeld<T extends Piece>(
  state: RestState,
  machine: Machine<T>,
  maxBytes = Infinity,
): Promise<Carried<T>> {
  const steps = readSteps(state, machine, maxBytes);
  const close = openClose(state, machine);
  const heldMs = state.tools.clock.monotonicMs();
  try {
    const first = await findFirst(steps);
    state.upstreamMs += state.tools.clock.monotonicMs() - heldMs;
    const failure = first?.end?.error ?? null;
    if (failure !== null) {
      close(failure);
      return { failure };
    }
    const all = first === null ? steps : resume(first, steps);
    return { failure, pieces: start(state, machine, { steps: all, close }) };
  } catch (thrown) {
    const failure = explainStreamBreak({ provider: state.plan.provider.name, line: state.line }, thrown);
    close(failure);
    throw failure;
  }
}

type Piece = Uint8Array | string;

interface Taken<T> extends Step<T> {
  end: ReturnType<Machine<T>["end"]> | null;
}

/** More than any provider says before its answer begins; in characters or bytes. */
const MAX_HELD_LENGTH = 256 * 1024;

/** All steps up to the first that says something of the answer, as one. */
async function findFirst<T extends Piece>(steps: AsyncGenerator<Taken<T>>): Promise<Taken<T> | null> {
  const now: T[] = [];
  let length = 0;
  for (;;) {
    const { value: step, done } = await steps.next();
    if (done === true) return null;
    now.push(...step.now);
    for (const piece of step.now) length += piece.length;
    if (step.hasOutput || step.end !== null || length > MAX_HELD_LENGTH) return { ...step, now };
  }
}

async function* resume<T>(first: Taken<T>, steps: AsyncGenerator<Taken<T>>): AsyncGenerator<Taken<T>> {
  yield first;
  yield* steps;
}

async function* readSteps<T>(state: RestState, machine: Machine<T>, maxBytes: number): AsyncGenerator<Taken<T>> {
  const { upstream, line, deadlines, intake } = state;
  let bytes = 0;
  let isSilent = true;
  line.arm(deadlines.idle);
  // Of a stream that was asked for, this runs since the call; of what just came as one, from now on.
  if (!asksStream(intake)) line.limit(deadlines.firstOutput);
  const isOver = (): boolean => machine.isOver?.() === true;
  const body: AsyncIterable<Uint8Array> = upstream.body ?? new Blob().stream();
  for await (const chunk of letEnd(body, { line, isWhole: isOver })) {
    // While the client takes its piece, it is not the upstream that is waited for.
    line.rest();
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw answerTooLarge(maxBytes);
    const { now, hasOutput } = machine.push(chunk);
    if (isSilent && hasOutput) line.lift("firstOutput");
    isSilent &&= !hasOutput;
    yield { now, hasOutput, end: isOver() ? machine.end() : null };
    if (isOver()) return;
    line.arm(deadlines.idle);
  }
  yield { now: [], hasOutput: false, end: machine.end() };
}

/** Closes the attempt; once. */
function openClose<T>(state: RestState, machine: Machine<T>): (error: GatewayError | null) => void {
  let isClosed = false;
  return (error) => {
    if (isClosed) return;
    isClosed = true;
    const { line } = state;
    line.release(error !== null);
    machine.book(error === null);
    // Whose right has ended has left, as far as the provider is concerned.
    attempted(state, error !== null && error === line.ended() ? clientLeft() : error);
  };
}

interface Begun<T> {
  steps: AsyncGenerator<Taken<T>>;
  close: (error: GatewayError | null) => void;
}

function start<T>(state: RestState, machine: Machine<T>, { steps, close }: Begun<T>): AsyncGenerator<T> {
  const { record, line, tools, call } = state;
  let isOver = false;
  const settle = async (status: number, error: GatewayError | null): Promise<void> => {
    if (isOver) return record.settle(status, error);
    isOver = true;
    close(error);
    if (error !== null && error.kind !== "cancelled") tools.report(error, call.requestId);
    await record.settle(status, error);
  };
  // Also where the server never came to ask for the first piece: a generator that was not started has no `finally`.
  const leave = (): void => {
    if (isOver) return;
    const left = line.ended() ?? clientLeft();
    settle(left.kind === "cancelled" ? left.status : state.upstream.status, left).catch(() => undefined);
  };
  line.onLeave(leave);
  if (line.cut() === "client") leave();
  return run(state, machine, { steps, settle, leave });
}

function clientLeft(): GatewayError {
  return new GatewayError({ kind: "cancelled", message: "The client closed the connection." });
}

interface Running<T> {
  steps: AsyncGenerator<Taken<T>>;
  settle: (status: number, error: GatewayError | null) => Promise<void>;
  leave: () => void;
}

async function* run<T>(state: RestState, machine: Machine<T>, { steps, settle, leave }: Running<T>): AsyncGenerator<T> {
  const { upstream, line } = state;
  try {
    for await (const { now, end } of steps) {
      // An upstream that was hung up on may have more to say.
      const ended = line.ended();
      if (ended !== null) throw ended;
      yield* now;
      if (end === null) continue;
      await settle(upstream.status, end.error);
      yield* machine.tellCost?.() ?? [];
      yield* end.last;
    }
  } catch (thrown) {
    const failure = line.ended() ?? explainStreamBreak({ provider: state.plan.provider.name, line }, thrown);
    await settle(failure.kind === "cancelled" ? failure.status : upstream.status, failure).catch(() => undefined);
    const told = machine.fail(failure);
    if (told === null) throw failure;
    yield* told;
  } finally {
    // Where the client let go of us between two pieces.
    leave();
  }
}
