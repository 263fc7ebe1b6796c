// What this process knows of every place that can be asked, a provider with one of its models by one of its keys: who comes first, and who is
// to be left alone for a while. Knows no format; what is known is lost with the process, but for what an operator said.

import type { GatewayError } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { HealthSettings, KeyStrategy } from "../../provider/index.ts";
import type { BreakerState } from "./breaker.ts";
import { type Candidate, type Dice, type Strategy, orderCandidates } from "./choose.ts";
import type { Controls } from "./control.ts";
import { nameObstacle, resting, takenOut } from "./obstacle.ts";
import type { Park, Parked } from "./park.ts";
import {
  type Finding,
  type Known,
  type PlaceName,
  type PlaceState,
  type Visit,
  covers,
  describeKnown,
  judgeLook,
  mayBeAsked,
  visit,
} from "./place.ts";
import { createRoster, nameKey } from "./roster.ts";

export type { Finding, PlaceName, PlaceState, Visit } from "./place.ts";

/** A place, as far as it is chosen by. */
export interface Place {
  provider: { name: string; account?: string };
  /** As the provider calls it. */
  model: string;
  weight: number;
}

/** The same place by each of several keys, and which comes first; the strategy is missing where nobody says it. */
export interface KeyChoice<Each> {
  places: readonly [Each, ...Each[]];
  strategy?: KeyStrategy;
}

export interface Choice<Each extends Place> {
  /** What led there: each of them takes turns of its own. */
  route: string;
  places: readonly [Each, ...Each[]];
  strategy: Strategy;
  stickTo: Dice["stickTo"];
  /** What this request would cost there, in nano-dollars; null where nobody knows. */
  costOf: (place: Each) => number | null;
  /** Null where the provider has one key; where missing, all have. */
  keysOf?: (place: Each) => KeyChoice<Each> | null;
}

export interface Fleet {
  /**
   * In the order in which they are to be asked; those that are left alone at present are left out. Where that would leave nobody, all of
   * them: one that fails is no worse than none. Throws `overloaded` where an operator took all of them out, or wants it rather than that.
   */
  order<Each extends Place>(choice: Choice<Each>): [Each, ...Each[]];
  /**
   * For whoever got nothing from all of those: they and what they leave out, for it failed too often or asked for a pause, and in how many
   * milliseconds that is over. Not what an operator took out, nor keys that are void; nobody at all where an operator wants it so.
   */
  listSpare<Each extends Place>(choice: Choice<Each>): { place: Each; inMs: number }[];
  /** As they stand, whatever is known of them. */
  takeAll<Each extends Place>(choice: Choice<Each>): [Each, ...Each[]];
  visit(place: Place): Visit;
  /** All that is known, for people. */
  list(): PlaceState[];
  /** All keys that were ever used, or looked at. */
  listKeys(): KeyState[];
  /** What others found out. */
  adopt(finding: Finding): void;
  /** What a look at a provider's list of models says of a key: null where it gave it. */
  looked(name: Omit<PlaceName, "model">, failure: GatewayError | null): void;
  /** All that is so named is as if it had never failed. */
  reset(name: PlaceName): void;
  /** What `order` goes by, in the order that it would have: nothing is counted, and those that may not be asked come last. */
  survey<Each extends Place>(choice: Choice<Each>): FleetView<Each>[];
}

/** What is known of a place. */
export interface FleetView<Each extends Place> {
  place: Each;
  /** Peak EWMA; 0 where nothing is known. */
  latencyMs: number;
  inFlight: number;
  state: BreakerState;
  /** Why it is not asked at present; null where it may be. */
  obstacle: string | null;
}

/** A key, whatever the model. */
export interface KeyState extends Omit<PlaceName, "model"> {
  parked: Parked | null;
}

/** Models' names come from outside: whoever sends many of them does not fill the memory. */
const MAX_TURNS = 4_096;
const MAX_MODEL_LENGTH = 200;

interface FleetInit {
  clock: Pick<Clock, "monotonicMs">;
  /** In [0, 1). */
  random: Dice["random"];
  /** The same object from call to call, until it is another. */
  healthOf: (provider: string) => HealthSettings;
  controls: Pick<Controls, "find" | "isEmpty">;
  /** Told of what a call found out. */
  note: (finding: Finding) => void;
}

export function createFleet({ clock, random, healthOf, controls, note }: FleetInit): Fleet {
  const roster = createRoster({ clock, healthOf });
  const { rulesOf } = roster;
  const turns = new Map<string, number>();

  const nextTurn = (route: string): number => {
    const turn = turns.get(route) ?? 0;
    if (turns.size >= MAX_TURNS) turns.clear();
    turns.set(route, (turn + 1) % Number.MAX_SAFE_INTEGER);
    return turn;
  };

  const find = (place: Place): Known => roster.find(nameOf(place));

  /** Those of a place's keys that may be asked, in their order; where none may, all that nobody took out. */
  const orderKeys = <Each extends Place>(choice: Choice<Each>, place: Each, nowMs: number): Standing<Each> => {
    const keys = choice.keysOf?.(place) ?? null;
    const all = (keys?.places ?? [place]).map((each) => ({ place: each, known: find(each) }));
    const inService = controls.isEmpty() ? all : all.filter((each) => controls.find(each.known.name) === null);
    const open = inService.filter((each) => mayBeAsked(each.known, nowMs));
    const left = open.length > 0 ? open : inService;
    const isOpen = open.length > 0;
    if (keys === null || left.length < 2) return { place, keys: left, isOpen };
    const isWeighted = keys.places.some(({ weight }) => weight !== keys.places[0].weight);
    const usual = choice.strategy === "sticky" ? "sticky" : isWeighted ? "weighted" : "round-robin";
    const dice = { random, turn: nextTurn(`${nameKey(nameOf(place))}/`), stickTo: choice.stickTo };
    const candidates = left.map((each) => ({ ...each, ...describe(each, nowMs), costNanos: null }));
    return { place, keys: orderCandidates(keys.strategy ?? usual, candidates, dice), isOpen };
  };

  return {
    order(choice) {
      const { route, places, strategy, stickTo, costOf, keysOf } = choice;
      const [only] = places;
      const isAlone = places.length === 1 && (keysOf?.(only) ?? null) === null;
      // The usual case is not made to pay for the others.
      if (isAlone && controls.isEmpty() && rulesOf(only.provider.name).whenAlone === "try") return [only];
      const nowMs = clock.monotonicMs();
      const standings = places.map((place) => orderKeys(choice, place, nowMs)).filter(({ keys }) => keys.length > 0);
      if (standings.length === 0)
        throw takenOut(places.map((place) => controls.find(nameOf(place)) ?? { ...nameOf(place), model: null }));
      const open = standings.filter(({ isOpen }) => isOpen);
      if (open.length === 0 && rulesOf(only.provider.name).whenAlone === "refuse")
        throw resting(
          standings.flatMap(({ keys }) => keys.map(({ known }) => known)),
          nowMs,
        );
      const candidates = (open.length > 0 ? open : standings).map((each) => ({
        ...each,
        ...sumUp(each, nowMs),
        costNanos: costOf(each.place),
      }));
      const dice = { random, turn: nextTurn(route), stickTo };
      const ordered = orderCandidates(strategy, candidates, dice).flatMap(({ keys }) => keys.map(({ place }) => place));
      const [first = only, ...others] = ordered;
      return [first, ...others];
    },
    survey(choice) {
      const nowMs = clock.monotonicMs();
      const { route, places, strategy, stickTo, costOf, keysOf } = choice;
      const views = places.map((place) => {
        const keys = (keysOf?.(place)?.places ?? [place]).map((each) => ({ place: each, known: find(each) }));
        const usable = keys.filter(({ known: each }) => controls.find(each.name) === null && mayBeAsked(each, nowMs));
        const [{ known: first } = { known: find(place) }] = usable.length > 0 ? usable : keys;
        return {
          ...sumUp({ place, keys: usable.length > 0 ? usable : keys, isOpen: usable.length > 0 }, nowMs),
          place,
          costNanos: costOf(place),
          state: first.breaker.state(nowMs),
          obstacle: usable.length > 0 ? null : nameObstacle(first, controls.find(first.name) !== null),
        };
      });
      const dice = { random, turn: turns.get(route) ?? 0, stickTo };
      const open = views.filter(({ obstacle }) => obstacle === null);
      return [...orderCandidates(strategy, open, dice), ...views.filter(({ obstacle }) => obstacle !== null)];
    },
    listSpare({ places, keysOf }) {
      const nowMs = clock.monotonicMs();
      if (rulesOf(places[0].provider.name).whenAlone === "refuse") return [];
      return places
        .flatMap((place) => keysOf?.(place)?.places ?? [place])
        .flatMap((place) => {
          const { name, park, keyPark } = find(place);
          if (!controls.isEmpty() && controls.find(name) !== null) return [];
          const inMs = Math.max(waitFor(park, nowMs), waitFor(keyPark, nowMs));
          return Number.isFinite(inMs) ? [{ place, inMs }] : [];
        });
    },
    takeAll: ({ places: [first, ...others] }) => [first, ...others],
    visit: (place) => visit(find(place), { clock, note }),
    list() {
      const nowMs = clock.monotonicMs();
      return roster.places().map((each) => describeKnown(each, nowMs));
    },
    listKeys: () =>
      roster.keys().map(({ name: { provider, account }, park }) => ({ provider, account, parked: park.parked() })),
    adopt(finding) {
      const nowMs = clock.monotonicMs();
      const { kind, forMs, reason, provider, account, model } = finding;
      const isKey = model === null;
      const { breaker, park } = isKey
        ? { breaker: null, park: roster.findKey(finding) }
        : roster.find({ provider, account, model: model.slice(0, MAX_MODEL_LENGTH) });
      if (kind === "breaker" && forMs === null) breaker?.reset();
      else if (kind === "breaker") breaker?.openUntil(nowMs, nowMs + (forMs ?? 0));
      else if (forMs === null) park.reset();
      else park.parkUntil(nowMs, { reason: readReason(reason), untilMs: nowMs + forMs });
    },
    looked({ provider, account }, failure) {
      const nowMs = clock.monotonicMs();
      const name = { provider, account, model: null };
      const own = roster.places().filter((each) => covers(name, each.name));
      judgeLook({ name, keyPark: roster.findKey(name), places: own, failure, nowMs, note });
    },
    reset(name) {
      for (const each of roster.places()) {
        if (!covers(name, each.name)) continue;
        each.breaker.reset();
        each.park.reset();
        each.lastFailure = null;
      }
      if (name.model !== null) return;
      for (const { name: own, park } of roster.keys()) if (covers(name, own)) park.reset();
    },
  };
}

interface Standing<Each> {
  place: Each;
  keys: readonly { place: Each; known: Known }[];
  isOpen: boolean;
}

/** Milliseconds until it may be asked again; Infinity where nobody knows. */
function waitFor(park: Park, nowMs: number): number {
  if (park.allows(nowMs)) return 0;
  const parked = park.parked();
  return parked?.reason === "rate-limited" ? Math.max(1, parked.untilMs - nowMs) : Number.POSITIVE_INFINITY;
}

function nameOf({ provider, model }: Place): PlaceName {
  return { provider: provider.name, account: provider.account ?? null, model: model.slice(0, MAX_MODEL_LENGTH) };
}

function describe({ place, known }: { place: Place; known: Known }, nowMs: number): Omit<Candidate, "costNanos"> {
  const { load, name } = known;
  return {
    name: `${nameKey(name)}/${name.model}`,
    weight: place.weight,
    latencyMs: load.rankMs(nowMs),
    inFlight: load.inFlight(),
  };
}

/** A place by all of its keys that may be asked: it is as fast as the first of them, in their order, of which that is known. */
function sumUp<Each extends Place>({ place, keys }: Standing<Each>, nowMs: number): Omit<Candidate, "costNanos"> {
  const loads = keys.map(({ known }) => known.load);
  return {
    name: `${place.provider.name}/${place.model}`,
    weight: place.weight,
    latencyMs: loads.map((load) => load.rankMs(nowMs)).find((ms) => ms > 0) ?? 0,
    inFlight: loads.reduce((sum, load) => sum + load.inFlight(), 0),
  };
}

const REASONS = ["daily-limit", "no-access", "out-of-quota", "rate-limited"] as const;

function readReason(text: string): "revoked" | (typeof REASONS)[number] {
  return REASONS.find((reason) => reason === text) ?? "revoked";
}
