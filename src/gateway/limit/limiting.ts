// What rate limits hold of one call while it lives: taken before anybody is called, settled with the truth when its row is made. Knows no format.

import type { GatewayError } from "../../ir/index.ts";
import type { LimitFigures, Wire } from "../../wire/index.ts";
import { encodeLimitHeaders } from "../../wire/index.ts";
import type { Need, Seen, Verdict } from "./counters.ts";
import type { Found, LimitCaller, LimitFinder, LimitTarget } from "./find.ts";
import type { RateLimits } from "./limits.ts";
import { refuseOver, refuseTooLarge } from "./refusal.ts";

/** What a request may take in tokens. */
export interface Wanted {
  inputTokens: number;
  /** As its client limits it; null where it sets no limit. */
  outputTokens: number | null;
  /** Where it sets none. */
  usualOutputTokens: number;
}

/** What a call used, and where. */
export interface SpentAt {
  provider: string;
  /** As it was sent. */
  model: string;
  tokens: number;
}

export interface Spent {
  modelAsked: string;
  at: readonly SpentAt[];
  /** By us, before anybody was called: then nothing was taken. */
  isRefused: boolean;
}

export interface Limiting {
  /**
   * Before it is decided whom the call goes to. A promise only where a limit concerns it; rejects with a GatewayError of kind `rate_limited`.
   * `isPart`: of a session that has its place among those at once.
   */
  admit(wanted: () => Wanted, isPart?: boolean): Promise<void> | undefined;
  /** For each of several calls that are made at once, one. */
  openHand(): LimitingHand;
  /** For the answer; null where no limit concerns the call. */
  headers(): Record<string, string> | null;
  /** The call is over; what it used is read only where a limit may concern it. */
  settle(read: () => Spent): void;
}

export interface LimitingHand {
  /** The next call goes there: what it takes of the limits that depend on that. As `admit`. */
  move(target: LimitTarget, bound: () => number): Promise<void> | undefined;
  /** The call of the last `move` is not made: as if nothing had been taken for it. */
  undo(): void;
  /** Nothing more is to come of its calls. */
  leave(): void;
}

interface LimitingInit {
  limits: RateLimits;
  caller: LimitCaller;
  /** Of the format that the client speaks. */
  wire: Pick<Wire, "limitHeaders"> | undefined;
}

/** One limit, for as long as the call holds something of it. */
interface Hold {
  found: Found;
  seen: Seen[];
  isShared: boolean;
  /** Hands that are under it. */
  hands: Set<object>;
}

const UNLIMITED: Limiting = Object.freeze({
  admit: () => undefined,
  openHand: () => FREE,
  headers: () => null,
  settle: () => undefined,
});
const FREE: LimitingHand = Object.freeze({ move: () => undefined, undo: () => undefined, leave: () => undefined });

export function openLimiting(init: LimitingInit): Limiting {
  const finder = init.limits.finder();
  return finder.isEmpty ? UNLIMITED : openHolding(init, finder);
}

function openHolding({ limits, caller, wire }: LimitingInit, finder: LimitFinder): Limiting {
  const { counters } = limits;
  const holds = new Map<string, Hold>();
  let asked: { wanted: () => Wanted; isPart: boolean } | null = null;
  /** Of the last refusal. */
  let stoppedBy: readonly Seen[] = [];
  let isAdmitted = false;
  let isOver = false;

  const refuse = (founds: readonly Found[], { seen: all }: Verdict, isOfTarget: boolean): GatewayError | null => {
    const stopped = founds.flatMap((found) =>
      all.filter((seen) => seen.isOver && isOf(found, seen)).map((seen) => ({ found, seen })),
    );
    const [first, ...others] = stopped;
    if (first === undefined) return null;
    stoppedBy = all;
    limits.refused(first.seen.need.limit, first.seen.need.unit);
    return refuseOver([first, ...others], isOfTarget, Date.now());
  };

  const take = async (founds: readonly Found[], needs: readonly Need[], hand: object): Promise<void> => {
    const verdict = await counters.take(needs);
    if (!verdict.isTaken) {
      const failure = refuse(founds, verdict, hand !== ALL);
      if (failure !== null) throw failure;
    }
    stoppedBy = [];
    for (const found of founds) {
      const seen = verdict.seen.filter((each) => isOf(found, each));
      const own = { found, seen, isShared: verdict.isShared, hands: new Set([hand]) };
      const before = holds.get(found.id);
      // Another hand was a moment earlier, or its row was written while we asked.
      if (before !== undefined || isOver) giveUp(own, "all");
      if (before === undefined && !isOver) holds.set(found.id, own);
      else before?.hands.add(hand);
    }
  };

  const giveUp = (own: Hold, what: "all" | "rest", spent = 0): void => {
    for (const seen of own.seen) {
      const { unit, amount } = seen.need;
      if (unit === "slots") counters.leave(seen.need);
      else if (unit === "tokens") counters.adjust(seen, spent - amount, own.isShared);
      else if (what === "all") counters.adjust(seen, -amount, own.isShared);
    }
  };

  const listNeeds = (founds: readonly Found[], isOfTarget: boolean): Need[] => {
    const { wanted, isPart } = asked ?? NOTHING_ASKED;
    return founds.flatMap((found) => {
      const { limit, subject } = found;
      const { name, requests, tokens, slots } = limit;
      const needs: Need[] = [];
      if (slots !== null && !isPart) needs.push({ limit: name, subject, unit: "slots", amount: 1, most: slots });
      if (requests !== null) needs.push({ limit: name, subject, unit: "requests", amount: 1, most: requests });
      if (tokens !== null) {
        const { inputTokens } = wanted();
        if (inputTokens > tokens) {
          limits.refused(name, "tokens");
          throw refuseTooLarge(found, inputTokens, isOfTarget);
        }
        needs.push({ limit: name, subject, unit: "tokens", amount: reckon(wanted(), tokens), most: tokens });
      }
      return needs;
    });
  };

  const free = (id: string, what: "all" | "rest", spent = 0): void => {
    const own = holds.get(id);
    if (own === undefined) return;
    holds.delete(id);
    giveUp(own, what, spent);
  };

  const openHand = (): LimitingHand => {
    const hand = {};
    let fresh: readonly string[] = [];
    const drop = (ids: Iterable<string>, what: "all" | "rest"): void => {
      for (const id of ids) {
        const own = holds.get(id);
        if (own?.hands.delete(hand) === true && own.hands.size === 0) free(id, what);
      }
    };
    const listOwn = (): string[] => [...holds].flatMap(([id, { hands }]) => (hands.has(hand) ? [id] : []));
    return {
      move(target, bound) {
        const founds = finder.ofTarget(caller, target);
        const names = new Set(founds.map(({ id }) => id));
        drop(
          listOwn().filter((id) => !names.has(id)),
          "rest",
        );
        for (const { id } of founds) holds.get(id)?.hands.add(hand);
        const missing = founds.filter(({ id }) => !holds.has(id));
        fresh = missing.map(({ id }) => id);
        if (missing.length === 0) return undefined;
        // A call that nobody waits for is under no other limits than these.
        asked ??= { wanted: once(() => ({ ...NO_TOKENS, inputTokens: bound() })), isPart: false };
        return take(missing, listNeeds(missing, true), hand);
      },
      undo: () => drop(fresh, "all"),
      leave: () => drop(listOwn(), "rest"),
    };
  };

  /** With the truth; what was used at one that gave way to another is charged there, too. */
  const settle: Limiting["settle"] = (read) => {
    const { modelAsked, at, isRefused } = read();
    isOver = true;
    const spent = new Map<string, { found: Found; tokens: number }>();
    for (const { provider, model, tokens } of at) {
      const target = { provider, modelAsked, modelSent: model };
      for (const found of [...(isAdmitted ? finder.ofCaller(caller) : []), ...finder.ofTarget(caller, target)]) {
        if (found.limit.tokens === null) continue;
        const known = spent.get(found.id);
        if (known === undefined) spent.set(found.id, { found, tokens });
        else known.tokens += tokens;
      }
    }
    const held = [...holds.values()].flatMap(({ seen }) => seen);
    lastSeen = held.map((seen) => grow(seen, spent.get(nameOf(seen))?.tokens ?? 0, isRefused)).concat(stoppedBy);
    for (const [id, { found, tokens }] of spent) {
      if (holds.has(id) || tokens <= 0) continue;
      const { limit, subject } = found;
      const need = { limit: limit.name, subject, unit: "tokens", amount: 0, most: limit.tokens ?? 0 } as const;
      counters.adjust({ need, used: 0, endsMs: null, isOver: false }, tokens, true);
    }
    for (const id of holds.keys()) free(id, isRefused ? "all" : "rest", spent.get(id)?.tokens ?? 0);
  };

  let lastSeen: readonly Seen[] = [];
  const listSeen = (): readonly Seen[] => [...[...holds.values()].flatMap(({ seen }) => seen), ...stoppedBy];

  return {
    admit(wanted, isPart = false) {
      isAdmitted = true;
      asked = { wanted: once(wanted), isPart };
      const founds = finder.ofCaller(caller);
      return founds.length === 0 ? undefined : take(founds, listNeeds(founds, false), ALL);
    },
    openHand,
    headers() {
      const seen = isOver ? lastSeen : listSeen();
      if (seen.length === 0) return null;
      return (wire?.limitHeaders ?? encodeLimitHeaders)(findFigures(seen));
    },
    settle,
  };
}

/** Stands for the call as a whole. */
const ALL = Object.freeze({});

/** What costs no tokens. */
export const NO_TOKENS: Wanted = Object.freeze({ inputTokens: 0, outputTokens: 0, usualOutputTokens: 0 });

const NOTHING_ASKED = { wanted: () => NO_TOKENS, isPart: false };

/** What is wanted is reckoned from a whole body: only where a limit asks for it, and then once. */
function once(work: () => Wanted): () => Wanted {
  let known: Wanted | null = null;
  return () => (known ??= work());
}

/** Where no limit of output is said, one call is to leave room for others; where it is, it is taken at its word as far as there is room at all. */
function reckon({ inputTokens, outputTokens, usualOutputTokens }: Wanted, most: number): number {
  const output = outputTokens ?? Math.min(usualOutputTokens, Math.ceil(most / 10));
  return Math.min(most, Math.ceil(inputTokens + output));
}

function isOf({ limit, subject }: Found, { need }: Seen): boolean {
  return need.limit === limit.name && need.subject === subject;
}

function nameOf({ need: { limit, subject } }: Seen): string {
  return subject === "" ? limit : `${limit} ${subject}`;
}

/** As it is once its tokens are settled. */
function grow(seen: Seen, tokens: number, isRefused: boolean): Seen {
  const { need, used } = seen;
  if (isRefused) return { ...seen, used: used - need.amount };
  return need.unit === "tokens" ? { ...seen, used: used - need.amount + tokens } : seen;
}

/** Of several limits, the one of which the least is left. */
function findFigures(all: readonly Seen[]): LimitFigures {
  const nowMs = Date.now();
  const find = (unit: "requests" | "tokens"): LimitFigures["requests"] => {
    let tightest: LimitFigures["requests"] = null;
    for (const { need, used, endsMs } of all) {
      if (need.unit !== unit) continue;
      const remaining = Math.max(0, need.most - used);
      if (tightest !== null && tightest.remaining <= remaining) continue;
      tightest = { limit: need.most, remaining, resetMs: Math.max(0, (endsMs ?? nowMs) - nowMs) };
    }
    return tightest;
  };
  return { requests: find("requests"), tokens: find("tokens"), nowMs };
}
