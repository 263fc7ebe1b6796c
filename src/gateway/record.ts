// Keeps the books of one request while it lives, and settles them once: what each call to a provider used, and what all of them cost.
// Knows no SQL and no format.

import type { GatewayError } from "../ir/index.ts";
import { GatewayError as Failure } from "../ir/index.ts";
import { type Attempt, type Intent, type LedgerEntry, type Ticket, BLANK_ENTRY } from "../ledger/index.ts";
import { listShares } from "../lib/share.ts";
import { createAppraiser } from "./appraise.ts";
import { announceAttempt, printAttempt } from "./attempt.ts";
import type { GatewayTools } from "./call.ts";
import { type Figures, layOut, sumFigures } from "./figures.ts";
import { cleanHeader } from "./header.ts";
import { correctLater } from "./later.ts";
import { openLimiting } from "./limit/index.ts";
import type { CallRecord, RecordedCall } from "./recording.ts";
import { type Reserving, listSpent, openReserving } from "./reserve.ts";
import { readTags } from "./tag.ts";
import { MAX_NAME_LENGTH } from "./tally.ts";
import { type Try, closeTry, createTries } from "./try.ts";

export type { CallRecord, RecordedCall, RecordedPlan } from "./recording.ts";

/** One hand that writes into the record: of several calls that are made at once, each has one. */
interface Hand {
  current: Try;
  reserving: Reserving;
  /** Another one gives the answer. */
  isLost: boolean;
  /** Ends what it tells of. */
  lost: () => void;
}

type RecordTools = Pick<
  GatewayTools,
  "budgets" | "capture" | "clock" | "fetch" | "ledger" | "limits" | "metrics" | "prices" | "recounter" | "scene"
>;

export function openRecord(call: RecordedCall, tools: RecordTools): CallRecord {
  const nowMs = tools.clock.monotonicMs;
  const openTry = createTries(tools);
  const { findPrice, evaluate } = createAppraiser(call, tools.prices);
  const limiting = openLimiting({ limits: tools.limits, caller: call.caller, wire: call.wire ?? call.dialect });
  const openHand = (lost: () => void): Hand => ({
    current: openTry(null),
    reserving: openReserving(call, tools, limiting.openHand()),
    isLost: false,
    lost,
  });
  const root = openHand(() => undefined);
  /** Those of calls that are made at once. */
  const forks: Hand[] = [];
  let winner: Hand | null = null;
  /** What the row tells of. */
  let current = root.current;
  const tries: Try[] = [];
  const warnings: string[] = [];
  let modelAsked = "";
  let streamed = false;
  let settled: Promise<void> | null = null;
  let ticket: Ticket | null = null;
  let figures: Figures | null = null;
  let tags: string[] | null = null;
  const expected = tools.ledger.expect();
  const done = (): void => {
    call.over?.();
    expected();
  };

  const all = (): Figures => (tries.length > 1 ? sumFigures(tries.map(evaluate)) : evaluate(current));

  const printAttempts = (): Attempt[] =>
    tries.flatMap((each) => printAttempt(each, tries.length > 1 ? evaluate(each) : null));

  const announce = (): Intent => {
    return {
      id: call.id,
      requestId: call.requestId,
      createdAt: new Date(call.startedWallMs),
      userId: call.caller.userId,
      apiKeyId: call.caller.keyId,
      endpoint: call.endpoint,
      tags,
      modelAsked,
      provider: current.plan?.provider.name ?? null,
      streamed,
      dropped: current.plan?.dropped ?? [],
      // What earlier attempts used is paid for, whatever becomes of this one.
      ...(tries.some(({ attempt }) => attempt !== null) ? layOut(all()) : {}),
      attempts: [...printAttempts(), ...tries.flatMap(announceAttempt)],
    };
  };

  const makeEntry = (status: number, error: GatewayError | null): LedgerEntry => {
    figures = all();
    const { plan, tally } = current;
    const firstOutputMs = tally.firstOutputMs();
    return {
      ...BLANK_ENTRY,
      id: call.id,
      requestId: call.requestId,
      createdAt: new Date(call.startedWallMs),
      userId: call.caller.userId,
      apiKeyId: call.caller.keyId,
      endpoint: call.endpoint,
      tags,
      modelAsked,
      // Empty where neither request nor answer names one.
      modelServed: tally.hasAnswer() ? tally.served() || plan?.model || null : null,
      provider: plan?.provider.name ?? null,
      direction: "consume",
      ...layOut(figures),
      status,
      errorKind: error?.kind ?? null,
      latencyMs: Math.round(nowMs() - call.startedMs),
      ttftMs: streamed && firstOutputMs !== null ? Math.round(firstOutputMs - call.startedMs) : null,
      streamed,
      dropped: plan?.dropped ?? [],
      ...current.bodies.layOut(),
      attempts: printAttempts(),
    };
  };

  /** Once the row is durable: text without a row would be nobody's. */
  const keepText = (): void => {
    const { captured } = current;
    const [request, response] = [captured?.request.text() ?? null, captured?.response.text() ?? null];
    if (request === null && response === null) return;
    const owner = { userId: call.caller.userId, createdAt: new Date(call.startedWallMs) };
    tools.capture.keep({ entryId: call.id, ...owner, request, response }, tools.scene().redact);
  };

  const write = async (entry: LedgerEntry, { reserving }: Hand): Promise<void> => {
    reserving.book(entry);
    limiting.settle(listSpent(entry));
    for (const hand of forks) if (hand.reserving !== reserving) hand.reserving.release();
    try {
      await tools.ledger.add(entry, ticket);
    } catch (cause) {
      throw booksClosed(cause);
    }
    tools.metrics.settled(entry, listShares(entry));
    keepText();
    for (const each of tries) askLater(entry, each);
    current.witness.settled(entry, current.plan);
  };

  /** A provider that tells afterwards what a cut answer used is asked for it. */
  const askLater = (entry: LedgerEntry, each: Try): void => {
    const { plan, tally } = each;
    const answerId = tally.answerId();
    if (plan?.provider.usageLater === undefined || answerId === null) return;
    const { source, ...booked } = evaluate(each);
    if (source !== "estimate") return;
    correctLater({ ...booked, entry, plan, answerId, findPrice: (told) => findPrice(plan, told) }, tools);
  };

  /** It is not called, and the others are what the row tells of. */
  const strike = (own: Try): void => {
    const index = tries.indexOf(own);
    if (index !== -1) tries.splice(index, 1);
    if (current === own) current = tries.at(-1) ?? current;
  };

  const lose = (hand: Hand): void => {
    if (hand.isLost) return;
    hand.isLost = true;
    hand.lost();
    const own = hand.current;
    if (own.attempt !== null) return;
    if (own.isOut) closeTry(own, { status: null, error: beaten(), upstreamRequestId: null }, nowMs());
    else strike(own);
  };

  const win = (hand: Hand): boolean => {
    if (hand.isLost) return false;
    if (forks.length === 0 || winner !== null) return true;
    winner = hand;
    for (const each of forks) if (each !== hand) lose(each);
    if (hand !== root) current = hand.current;
    return true;
  };

  const describe = ({ plan }: Try, near: Readonly<Record<string, string>>): Record<string, string> => {
    if (plan === null) return near;
    return {
      ...near,
      "x-tokligence-provider": plan.provider.name,
      ...(plan.model === "" ? {} : { "x-tokligence-model": cleanHeader(plan.model) }),
      ...(plan.route === undefined ? {} : { "x-tokligence-route": cleanHeader(plan.route) }),
      "x-tokligence-attempts": String(tries.filter(({ isCalled }) => isCalled).length),
      ...(warnings.length === 0 ? {} : { "x-tokligence-warning": warnings.join(", ") }),
    };
  };

  const openView = (hand: Hand): CallRecord => ({
    asked(model, stream) {
      modelAsked = model.slice(0, MAX_NAME_LENGTH);
      streamed = stream;
      const { caller, headers } = call;
      tags = headers === undefined ? (caller.tags === null ? null : [...caller.tags]) : readTags({ caller, headers });
    },
    admit: limiting.admit,
    reserve: (next, bound) => hand.reserving.reserve(next, { modelAsked, tags }, bound),
    release: hand.reserving.release,
    planned(next, ended) {
      if (hand.isLost) throw beaten();
      current = { ...openTry(next), ended };
      hand.current = current;
      tries.push(current);
    },
    fork(lost) {
      const own = openHand(lost);
      forks.push(own);
      return openView(own);
    },
    win: () => win(hand),
    hold() {
      const held = hand === root ? current : hand.current;
      return () => {
        current = held;
        hand.current = held;
      };
    },
    intend(isKnown = false) {
      if (hand.isLost) return Promise.reject(beaten());
      const own = hand.current;
      const announced = tools.ledger.intend(isKnown ? makeEntry(200, null) : announce(), ticket);
      ticket = announced.ticket;
      own.isCalled = true;
      return announced.durable.then(
        () => {
          // Struck out meanwhile.
          if (hand.isLost && own.attempt === null) throw beaten();
          own.isOut = true;
        },
        (cause: unknown) => {
          if (own.attempt === null) own.isCalled = false;
          if (tries.length > 1 && own.attempt === null) {
            strike(own);
            hand.current = current;
          }
          throw booksClosed(cause);
        },
      );
    },
    estimateInput(read) {
      hand.current.isCalled = true;
      hand.current.tally.estimateInput(read);
    },
    sent(body) {
      hand.current.bodies.sent(body);
      hand.current.captured?.request.add(body);
    },
    got(piece) {
      const own = hand.current;
      own.bodies.got(piece);
      own.captured?.response.add(piece);
      if (typeof piece === "string") own.witness.answered(piece);
    },
    asking: (text) => hand.current.witness.asking(text),
    fetched: (answer) => hand.current.witness.answered(answer),
    withdraw() {
      if (ticket !== null) tools.ledger.withdraw(ticket);
      hand.reserving.release();
      limiting.settle({ modelAsked, at: [], isRefused: false });
      done();
    },
    warn(word) {
      warnings.push(word);
    },
    attempted(ended) {
      // A whole answer is there.
      if (ended.error === null && !win(hand)) throw beaten();
      if (hand.isLost && hand.current.attempt !== null) return;
      closeTry(hand.current, ended, nowMs());
    },
    describe: () =>
      describe(hand === root ? current : hand.current, { ...hand.reserving.headers(), ...limiting.headers() }),
    answered: (answer) => hand.current.tally.answered(answer),
    measured: (answer) => hand.current.tally.measured(answer),
    observed(event) {
      const own = hand.current;
      own.tally.observed(event);
      own.witness.observed(event);
    },
    reported: (report) => hand.current.tally.reported(report),
    usage: () => hand.current.tally.weigh().usage,
    price: () => (figures ?? all()).price,
    settle(status, error) {
      if (settled !== null || !win(hand)) return settled ?? Promise.resolve();
      settled = write(makeEntry(status, error), winner ?? hand).finally(done);
      return settled;
    },
  });

  return openView(root);
}

/** Of a call that is ended since another one was faster. */
function beaten(): Failure {
  return new Failure({ kind: "cancelled", message: "Another provider answered first." });
}

/** The refusal while rows cannot be written. */
export function booksClosed(cause: unknown): Failure {
  // Some say themselves what is to be done.
  if (cause instanceof Failure && (cause.code === "ledger_outbox_full" || cause.code === "ledger_journal_full"))
    return cause;
  return new Failure({
    kind: "overloaded",
    code: "ledger_unavailable",
    message:
      "The usage ledger cannot be written, so no answer is released and no new request is taken. " +
      "The operator finds the reason in the gateway's log (a full disk, most often); try again once it is mended.",
    retryAfterMs: 5_000,
    cause,
  });
}
