// Carries a streamed answer to the client, piece by piece, while the decoder listens; the last piece is released only after the row is durable.
// Forwarded frames keep their own bytes; translated ones are made from events. Knows no format and no HTTP server.

import { type Event, GatewayError, toGatewayError } from "../ir/index.ts";
import { formatUsd } from "../ledger/index.ts";
import type { Frame } from "../lib/sse.ts";
import type { FrameReader } from "../provider/index.ts";
import type { AnswerDecoder } from "../wire/index.ts";
import { letEnd, watchSilence } from "./linger.ts";
import type { CallRecord } from "./record.ts";
import type { RefusalWatch } from "./refusal.ts";
import { type Line, answerTooLarge, explainStreamBreak } from "./send.ts";
import type { Deadline } from "./way/deadline.ts";

/** What becomes of the frames of one upstream chunk. */
export interface Carrier {
  /** Text for the client, made of one frame and the events that it stood for. */
  carry(frame: Frame, events: readonly Event[]): string;
  /** Whether a frame without output of the canonical kinds says something of the answer all the same; missing: none does. */
  says?(frame: Frame): boolean;
  /** Text for the client once the upstream is over: what its closing events stand for. */
  close(events: readonly Event[]): string;
  /** Text for the client that ends a stream which broke in our hands. */
  fail(error: GatewayError): string;
}

export interface PumpOptions {
  upstream: AsyncIterable<Uint8Array>;
  provider: string;
  reader: FrameReader;
  decoder: Omit<AnswerDecoder, "report">;
  carrier: Carrier;
  record: CallRecord;
  line: Line;
  /** Between two pieces. */
  idle: Deadline;
  /** Of the whole stream: what is gathered of it on the way is held in memory. */
  maxBytes: number;
  /** Closes the attempt on the record; called once, before the row is settled. */
  attempted(error: GatewayError | null): void;
  /** Whether what only begins the answer is held back, so that another provider can be asked where this one fails before its first output. */
  holds: boolean;
  /** Whether a refusal without output counts as a failure, too; null where it is an answer like any other. */
  refusals: RefusalWatch | null;
  /** Whether the client takes a comment that tells the cost. */
  tellsCost: boolean;
  /** Takes secrets out of an error that the upstream wrote. */
  redact(text: string): string;
  /** What is waited for before a piece is released; missing: nothing. */
  keeping?: (() => Promise<unknown> | null) | undefined;
  /** The pieces that end a complete answer, before they are released: what it returns is waited for. */
  ending?: ((last: string) => Promise<unknown> | undefined) | null;
  /** The failure for the log: a stream has no status left to tell it by. */
  report(error: GatewayError): void;
}

/** What a stream is when its first output is there, or it failed before. */
export interface Opening {
  /** Null where there is output. Else the attempt is closed, no row is written, and another provider may still be asked. */
  failure: GatewayError | null;
  /** What the client is to have of it, failure and all; the row is written on the way. Not to be read where another provider is asked instead. */
  pieces: AsyncGenerator<string>;
}

/** Resolves once there is something of the answer itself, or never will be: what only begins it is held back so long. */
export async function pump(options: PumpOptions): Promise<Opening> {
  const { record, line } = options;
  let isOver = false;
  let isClosed = false;
  const close = (error: GatewayError | null): void => {
    if (isClosed) return;
    isClosed = true;
    line.release(error !== null);
    // Whose right has ended has left, as far as the provider is concerned.
    options.attempted(error !== null && error === line.ended() ? clientLeft() : error);
  };
  const settle = async (status: number, error: GatewayError | null): Promise<void> => {
    // The client may have left while a piece was in hand: the row is written already.
    if (isOver) return record.settle(status, error);
    isOver = true;
    close(error);
    if (error !== null && error.kind !== "cancelled") options.report(error);
    await record.settle(status, error);
  };
  // Also where the server never came to ask for the first piece: a generator that was not started has no `finally`.
  const leave = (): void => {
    if (isOver) return;
    const left = line.ended() ?? clientLeft();
    settle(statusOf(left), left).catch(() => undefined);
  };
  line.onLeave(leave);
  if (line.cut() === "client") leave();
  const steps = readSteps(options);
  const { first, broken } = options.holds ? await findOutput(steps) : { first: NOT_HELD, broken: null };
  const failure = first.hasOutput ? null : findFailure(options, first, broken);
  if (failure !== null && !isOver) close(failure);
  const settlement = { steps: resume(first, broken, steps), isOver: () => isOver, settle, leave };
  return { failure, pieces: run(options, settlement) };
}

function clientLeft(): GatewayError {
  return new GatewayError({ kind: "cancelled", message: "The client closed the connection." });
}

/** Of a stream that has begun, as far as the client has seen it. */
function statusOf({ kind, status }: GatewayError): number {
  return kind === "cancelled" ? status : 200;
}

/** Null where it just ended. */
function findFailure(options: PumpOptions, { finish }: Step, broken: Broken): GatewayError | null {
  if (broken !== null) return explainStreamBreak(options, broken.by);
  return finish?.error ?? (finish === null ? null : (options.refusals?.failure() ?? null));
}

/** More than any provider says before its answer begins. */
const MAX_HELD_LENGTH = 256 * 1024;

const NOT_HELD: Step = Object.freeze({ text: "", last: "", finish: null, hasOutput: true });

/** A stream that broke, and why. */
type Broken = { by: unknown } | null;

/** All steps up to the first that says something of the answer, as one. */
async function findOutput(steps: AsyncGenerator<Step>): Promise<{ first: Step; broken: Broken }> {
  let first: Step = { text: "", last: "", finish: null, hasOutput: false };
  try {
    while (first.finish === null && !first.hasOutput && first.text.length <= MAX_HELD_LENGTH) {
      const { value: step, done } = await steps.next();
      if (done === true) break;
      first = { ...step, text: first.text + step.text };
    }
    return { first, broken: null };
  } catch (by) {
    return { first, broken: { by } };
  }
}

async function* resume(first: Step, broken: Broken, steps: AsyncGenerator<Step>): AsyncGenerator<Step> {
  try {
    yield first;
    if (broken !== null) throw broken.by;
    if (first.finish === null) yield* steps;
  } finally {
    // Also where all of it was in the first piece: an upstream that stays there behind its end is let go of.
    await steps.return(undefined);
  }
}

interface Settlement {
  steps: AsyncGenerator<Step>;
  isOver: () => boolean;
  settle: (status: number, error: GatewayError | null) => Promise<void>;
  leave: () => void;
}

async function* run(options: PumpOptions, { steps, isOver, settle, leave }: Settlement): AsyncGenerator<string> {
  let isTold = false;
  try {
    for await (const step of steps) {
      // An upstream that was hung up on may have more to say.
      const ended = options.line.ended();
      if (ended !== null) throw ended;
      const keeping = options.keeping?.() ?? null;
      if (keeping !== null) await keeping;
      if (step.text !== "") yield step.text;
      if (step.finish === null) continue;
      const kept = step.finish.error === undefined ? options.ending?.(step.last) : undefined;
      await settle(200, step.finish.error ?? null);
      if (kept !== undefined) await kept;
      isTold = true;
      yield (options.tellsCost ? printCost(options.record) : "") + step.last;
      return;
    }
  } catch (thrown) {
    // Letting go of an upstream that was hung up on may fail: behind the end there is nothing more to say.
    if (isTold) return;
    // Settled already: the row could not be written, and what is held back must not be released as if it were on record.
    const ended = options.line.ended();
    if (isOver() && ended === null) {
      const unwritten = toGatewayError(thrown);
      // Where the client left, it is only the end of what nobody reads any more.
      if (options.line.cut() !== "client") options.report(unwritten);
      yield options.carrier.fail(unwritten);
      return;
    }
    const failure = ended ?? explainStreamBreak(options, thrown);
    try {
      await settle(statusOf(failure), failure);
      yield options.carrier.fail(failure);
    } catch (thrownToo) {
      const unwritten = toGatewayError(thrownToo);
      options.report(unwritten);
      yield options.carrier.fail(unwritten);
    }
  } finally {
    // Where the client let go of us between two pieces.
    leave();
  }
}

interface Step {
  /** To be released at once. */
  text: string;
  /** To be released after the settlement; only with `finish`. */
  last: string;
  finish: Extract<Event, { type: "finish" }> | null;
  /** Whether something of the answer itself is in it. */
  hasOutput: boolean;
}

/** One step a chunk of the upstream; the last step, and only that, has a `finish`. */
async function* readSteps(options: PumpOptions): AsyncGenerator<Step> {
  const { reader, line } = options;
  const silence = watchSilence(options);
  let bytes = 0;
  let isWhole = false;
  line.arm(options.idle);
  try {
    for await (const chunk of letEnd(options.upstream, { line, isWhole: () => isWhole })) {
      // While the client takes its piece, it is not the upstream that is waited for.
      line.rest();
      bytes += chunk.byteLength;
      if (bytes > options.maxBytes) throw answerTooLarge(options.maxBytes);
      options.record.got(chunk);
      const step = digest(reader.push(chunk), options);
      if (step.hasOutput) line.lift("firstOutput");
      isWhole = step.finish !== null && step.finish.error === undefined;
      yield step;
      if (step.finish !== null) return;
      line.arm(silence.next(step.hasOutput));
    }
  } catch (error) {
    if (!silence.isEnd()) throw error;
  }
  yield readRest(options);
}

/** Once nothing more comes. */
function readRest(options: PumpOptions): Step {
  const rest = digest(options.reader.end(), options);
  if (rest.finish !== null) return rest;
  const events = options.decoder.end();
  for (const event of events) options.record.observed(event);
  const finish: Step["finish"] = events.find((event) => event.type === "finish") ?? { type: "finish" };
  const last = options.carrier.close(events);
  const hasOutput = rest.hasOutput || hasOutputIn(events, options);
  return { text: rest.text, last: finish.error === undefined ? last : options.redact(last), finish, hasOutput };
}

function digest(frames: readonly Frame[], options: PumpOptions): Step {
  let text = "";
  let hasOutput = false;
  for (const frame of frames) {
    const events = options.decoder.push(frame);
    for (const event of events) options.record.observed(event);
    const piece = options.carrier.carry(frame, events);
    const finish = events.find((event) => event.type === "finish");
    hasOutput = hasOutputIn(events, options) || hasOutput || options.carrier.says?.(frame) === true;
    if (finish !== undefined) {
      return { text, last: finish.error === undefined ? piece : options.redact(piece), finish, hasOutput };
    }
    text += piece;
  }
  return { text, last: "", finish: null, hasOutput };
}

function hasOutputIn(events: readonly Event[], { refusals }: PumpOptions): boolean {
  return refusals === null ? events.some(isOutput) : refusals.hasOutput(events, isOutput);
}

/** What only begins an answer says nothing of it yet. */
function isOutput(event: Event): boolean {
  if (event.type === "part-delta") return event.text !== "";
  return event.type === "part-start" && typeof event.kind === "object";
}

/** A comment, which every SSE reader passes over: headers are long gone when a stream's cost is known. */
export function printCost(record: Pick<CallRecord, "price">): string {
  const price = record.price();
  return price === null ? "" : `: x-tokligence-cost-usd: ${formatUsd(price.costNanos)}\n\n`;
}
