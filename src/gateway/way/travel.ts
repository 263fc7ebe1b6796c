// From target to target until one answers: tries again where that may help, waits where it was asked to, gives up where nobody could do better.
// Nothing has been released to the client while this goes on. Knows no format and no HTTP server.

import { type ErrorKind, GatewayError, toGatewayError } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Presence } from "../presence.ts";
import { NO_ROOM } from "./gate.ts";
import { judgeKey } from "./park.ts";
import { type Backoff, type RetryBudget, chooseDelay, judgeFailure } from "./retry.ts";

export interface TravelRules {
  /** Calls to providers for one request, all targets together; keys that are refused while their pool has others are not counted. */
  maxAttempts: number;
  backoff: Backoff;
  /** Nothing is tried any more so long after the request came. */
  totalMs: number;
  /** How long a target may be silent until another one is asked beside it, where little is known of how long it takes. */
  hedgeAfterMs: number;
}

/** What became of one call. */
export type Outcome<Answer> =
  | { failure: null; answer: Answer }
  /** `tell`: the provider's own words for it, where it is these that the client is to have; the row is written with them. */
  | { failure: GatewayError; tell: (headers: Readonly<Record<string, string>>) => Promise<Answer> };

interface Journey<Target, Answer> {
  targets: readonly [Target, ...Target[]];
  rules: TravelRules;
  clock: Pick<Clock, "after" | "monotonicMs">;
  random: () => number;
  /** Whether they are the same but for the key. */
  isKin: (left: Target, right: Target) => boolean;
  /** Of the target's provider. */
  budgetOf: (target: Target) => RetryBudget;
  /** Whether an attempt would have to wait for its turn there. */
  isFull: (target: Target) => boolean;
  /** Aborted when the client leaves. */
  signal: Presence;
  startedMs: number;
  /** A while will pass before the next attempt. */
  resting: () => void;
  /** May throw a GatewayError instead. `calls`: how many it took, where it was not one. */
  attempt: (target: Target) => Promise<Outcome<Answer> & { calls?: number }>;
  /** Who may be asked as well where all of them failed: now, none of them twice, and in how many milliseconds some more; Infinity: none. */
  spare?: () => { now: readonly Target[]; inMs: number };
  /** Whether nobody else can be asked any more: what is to be said is gone. */
  isOver?: () => boolean;
  /** Who is asked in place of all others once one failed in this way. Asked once: those who stand in are stood in for by nobody. */
  standIns?: (failure: GatewayError) => readonly Target[];
}

/** Throws the failure of the last attempt; where trying again was our part and is done, with `x-should-retry: false`. */
export async function travel<Target, Answer>(journey: Journey<Target, Answer>): Promise<Answer> {
  const { rules, clock } = journey;
  let open: Target[] = [...journey.targets];
  let attempts = 0;
  let refusals = 0;
  let last: Failed<Answer> | null = null;
  /** What others stand in for: where they cannot either, that is what the client is told. */
  let told: Failed<Answer> | null = null;
  /** Their first calls are no tries again: nobody else could have taken the request. */
  let fresh = new Set<Target>();
  let spare: readonly Target[] = [];
  /** Before when each is not asked again, as it said itself. */
  const pauses = new Map<Target, number>();
  let dueMs = 0;
  const giveUp = makeParting(journey, pauses, () => attempts);
  for (let round = 0; ; round++) {
    const before = attempts;
    let isTurned = false;
    let waiting = spare.length > 0 ? [...spare] : open.filter((each) => (pauses.get(each) ?? 0) <= dueMs);
    open = [...open, ...spare];
    spare = [];
    // Another key costs a provider in trouble nothing that it had not refused by itself.
    let isFree = false;
    for (let target = take(waiting, journey); target !== undefined; target = take(waiting, journey)) {
      const budget = journey.budgetOf(target);
      if (attempts === 0 || fresh.delete(target)) budget.called();
      else if (!isFree && !budget.spend()) continue;
      const outcome = await attempt(journey, target);
      attempts += outcome.calls ?? 1;
      if (outcome.failure === null) return outcome.answer;
      const { failure } = outcome;
      // Nobody was called: the budget was asked before.
      if (failure.isOfTarget) attempts--;
      if (journey.isOver?.() === true) return giveUp(outcome);
      const standIns = told === null ? (journey.standIns?.(failure) ?? []) : [];
      if (standIns.length > 0 && attempts - refusals < rules.maxAttempts) {
        told = outcome;
        open = [...standIns];
        fresh = new Set(open);
        isTurned = true;
        break;
      }
      const verdict = judgeFailure(failure);
      // A second target that cannot be told what is asked, or paid or priced, or has no room, says less than the failure of the first.
      const isBeside = last !== null && (BESIDE.has(failure.kind) || failure.code === NO_ROOM);
      if (!isBeside) last = outcome;
      // What one of those who stand in cannot take, the next one may.
      if (failure.kind === "cancelled" || (verdict === "never" && !isBeside && told === null)) return giveUp(outcome);
      if (verdict !== "again") open = open.filter((each) => each !== target);
      pauses.set(target, clock.monotonicMs() + (failure.retryAfterMs ?? 0));
      isFree = verdict === "next-key";
      refusals += isFree || judgeKey(failure) !== null ? countKin(waiting, target, journey) : 0;
      // Whoever is down is down for all of its keys: another place comes first.
      if (verdict === "again" && failure.upstream?.status !== 429) waiting = putLast(waiting, target, journey.isKin);
      if (attempts - refusals >= rules.maxAttempts) return giveUp(told ?? last ?? outcome);
    }
    // Those who stand in are asked at once.
    if (isTurned) continue;
    const final = told ?? last;
    // Whom nobody would have asked as long as others answer is asked at once, too.
    spare = told === null && last !== null ? await awaitSpare(journey) : [];
    if (spare.length > 0) continue;
    if (final === null) throw new GatewayError({ kind: "internal", message: "No provider was asked." });
    if (open.length === 0) return giveUp(final);
    const isSpent = attempts === before || open.every((each) => journey.budgetOf(each).isSpent());
    const nextMs = isSpent ? null : await awaitRound(journey, round, { open, pauses });
    if (nextMs === null) return giveUp(final, isSpent);
    dueMs = nextMs;
  }
}

/** When the next round is due, which is now; null where that is too late: whoever is told to come back in an hour is not kept waiting for it. */
async function awaitRound<Target, Answer>(
  journey: Journey<Target, Answer>,
  round: number,
  { open, pauses }: { open: readonly Target[]; pauses: ReadonlyMap<Target, number> },
): Promise<number | null> {
  const { rules, clock, random, startedMs } = journey;
  const nowMs = clock.monotonicMs();
  const askedMs = Math.min(...open.map((each) => pauses.get(each) ?? 0)) - nowMs;
  const delayMs = chooseDelay(round, rules.backoff, { askedMs, random: random() });
  if (nowMs + delayMs - startedMs > rules.totalMs) return null;
  await rest(delayMs, journey);
  // Sums of fractions are not exact.
  return nowMs + delayMs + 1;
}

/** So often, one that asks for a pause again and again is waited for. */
const MOST_PAUSES = 10;

/** One that asked for a short pause is worth more than those who said no just now. */
async function awaitSpare<Target, Answer>(journey: Journey<Target, Answer>): Promise<readonly Target[]> {
  const { rules, clock, startedMs } = journey;
  for (let pause = 0; pause < MOST_PAUSES; pause++) {
    const { now, inMs } = journey.spare?.() ?? { now: [], inMs: Infinity };
    const isTooLate = clock.monotonicMs() + inMs - startedMs > rules.totalMs;
    if (now.length > 0 || inMs > rules.backoff.capMs || isTooLate) return now;
    await rest(inMs, journey);
  }
  return [];
}

/** 1 where another key of the pool is asked next: one that is refused is parked, so that all of a pool may be tried in one request. */
function countKin<Target>(
  waiting: readonly Target[],
  refused: Target,
  { isKin }: Pick<Journey<Target, unknown>, "isKin">,
): number {
  return Number(waiting.some((each) => isKin(refused, each)));
}

function putLast<Target>(
  waiting: readonly Target[],
  failed: Target,
  isKin: (left: Target, right: Target) => boolean,
): Target[] {
  const kin = waiting.filter((each) => isKin(failed, each));
  return kin.length === 0 ? [...waiting] : [...waiting.filter((each) => !isKin(failed, each)), ...kin];
}

const BESIDE: ReadonlySet<string> = new Set([
  "forbidden",
  "invalid_request",
  "quota_exceeded",
  "rate_limited",
] satisfies ErrorKind[]);

/** The next in their order, but for those where it would have to wait: these come last, each looked at when its turn is there. */
function take<Target>(waiting: Target[], { isFull }: { isFull: (target: Target) => boolean }): Target | undefined {
  const free = waiting.length === 1 ? 0 : waiting.findIndex((target) => !isFull(target));
  const [next] = waiting.splice(Math.max(0, free), 1);
  return next;
}

type Failed<Answer> = { failure: GatewayError; tell?: (headers: Readonly<Record<string, string>>) => Promise<Answer> };

async function attempt<Target, Answer>(
  journey: Journey<Target, Answer>,
  target: Target,
): Promise<(Failed<Answer> | { failure: null; answer: Answer }) & { calls?: number }> {
  try {
    return await journey.attempt(target);
  } catch (error) {
    return { failure: toGatewayError(error) };
  }
}

type Parting<Answer> = (failed: Failed<Answer>, isSpent?: boolean) => Promise<Answer>;

/** `attempts`: how many there were so far. */
function makeParting<Target, Answer>(
  journey: Journey<Target, Answer>,
  pauses: ReadonlyMap<Target, number>,
  attempts: () => number,
): Parting<Answer> {
  return async ({ failure, tell }, isSpent = false) => {
    const headers = {
      // Clients that try by themselves would multiply what was tried here, or what was not, to spare a provider in trouble.
      ...(attempts() > 1 || isSpent ? { "x-should-retry": "false" } : {}),
      ...tellSoonest(failure, pauses, journey),
    };
    if (tell !== undefined) return tell(headers);
    failure.headers = { ...failure.headers, ...headers };
    throw failure;
  };
}

/** Whoever is told that a limit is reached comes back when the first is free again, whoever said it: the headers that say so. */
function tellSoonest<Target>(
  failure: GatewayError,
  pauses: ReadonlyMap<Target, number>,
  { clock, spare }: Pick<Journey<Target, unknown>, "clock" | "spare">,
): Record<string, string> {
  const { retryAfterMs, upstream } = failure;
  if (upstream?.status !== 429 || retryAfterMs === undefined) return {};
  const nowMs = clock.monotonicMs();
  const waits = [...[...pauses.values()].map((untilMs) => untilMs - nowMs), spare?.().inMs ?? 0];
  const soonestMs = Math.min(...waits.filter((waitMs) => waitMs > 0));
  if (soonestMs >= retryAfterMs) return {};
  failure.retryAfterMs = soonestMs;
  return { "retry-after": String(Math.ceil(soonestMs / 1000)), "retry-after-ms": String(Math.ceil(soonestMs)) };
}

/** Rejects at once where the client leaves. */
function rest(
  delayMs: number,
  { clock, signal, resting }: Pick<Journey<unknown, unknown>, "clock" | "resting" | "signal">,
): Promise<void> {
  resting();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(new GatewayError({ kind: "cancelled", message: "The client closed the connection." }));
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
