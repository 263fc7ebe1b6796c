// How every provider is doing, with each of its models and keys, for people and programs. There is nothing secret in it: keys are told by their labels.
// Knows no address and no way of printing.

import type { Control, Controls, Fleet, PlaceState, Scene } from "../gateway/index.ts";
import type { JsonObject } from "../ir/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Provider } from "../provider/index.ts";

interface ReportParts {
  fleet: Pick<Fleet, "list" | "listKeys">;
  controls: Pick<Controls, "find">;
  clock: Pick<Clock, "monotonicMs" | "wallMs">;
  scene: Scene;
}

/** One that nobody asked yet is well as far as anyone knows. */
export function reportHealth(parts: ReportParts): JsonObject[] {
  const byProvider = Map.groupBy(parts.fleet.list(), ({ provider }) => provider);
  return [...parts.scene.providers.values()].map((provider) =>
    reportProvider(provider, byProvider.get(provider.name) ?? [], parts),
  );
}

export function reportProvider(provider: Provider, all: readonly PlaceState[], parts: ReportParts): JsonObject {
  const { name, missing } = provider;
  const accounts = provider.pool?.map((each) => each.provider.account ?? null) ?? [null];
  // Of a key that is no longer there, nothing is of use.
  const places = all.filter(({ account }) => accounts.includes(account));
  const nowMs = parts.clock.monotonicMs();
  const control = parts.controls.find({ provider: name, account: null, model: null });
  const able = places.filter((place) => isAble(place, parts, nowMs));
  const keys = parts.fleet.listKeys().filter((key) => key.provider === name && accounts.includes(key.account));
  const parked = keys.filter((key) => isLeft(key.parked, nowMs));
  // A key of which nothing bad is known is there to be asked.
  const hasFresh = accounts.some(
    (account) => ![...places, ...parked].some((each) => each.account === account) && !isTakenOut(name, account, parts),
  );
  const isDown = !hasFresh && (parked.length === accounts.length || (places.length > 0 && able.length === 0));
  const isWell = parked.length === 0 && able.length === places.length;
  const state = control === null ? (isDown ? "down" : isWell ? "ok" : "degraded") : NAMES[control.action];
  return {
    provider: name,
    ready: missing === null,
    ...(missing === null ? {} : { missing }),
    state,
    ...reportControl(control),
    keys: accounts.map((account) => reportKey(name, account, parts)),
    models: places.map((place) => reportPlace(place, parts, nowMs)),
  };
}

const NAMES = { disable: "disabled", drain: "drained" } as const;

function isTakenOut(provider: string, account: string | null, { controls }: ReportParts): boolean {
  return controls.find({ provider, account, model: null }) !== null;
}

function isAble(place: PlaceState, { controls }: ReportParts, nowMs: number): boolean {
  const isParked = [place.parked, place.keyParked].some((parked) => isLeft(parked, nowMs));
  return place.state !== "open" && !isParked && controls.find(place) === null;
}

/** A pause that is over keeps nobody from asking, also where nobody has asked since. */
function isLeft(parked: PlaceState["parked"], nowMs: number): boolean {
  return parked !== null && nowMs < parked.untilMs;
}

function reportKey(provider: string, account: string | null, { fleet, controls, clock }: ReportParts): JsonObject {
  const known = fleet.listKeys().find((key) => key.provider === provider && key.account === account);
  const parked = known?.parked ?? null;
  const own = isLeft(parked, clock.monotonicMs()) ? parked : null;
  const control = controls.find({ provider, account, model: null });
  return {
    key: account,
    state: control === null ? (own === null ? "ok" : "parked") : NAMES[control.action],
    ...reportControl(control),
    reason: own?.reason ?? null,
    since: own === null ? null : printTime(own.sinceMs, clock),
    parked_until: own === null ? null : printTime(own.untilMs, clock),
  };
}

function reportPlace(place: PlaceState, { controls, clock }: ReportParts, nowMs: number): JsonObject {
  const { figures, parked, keyParked, lastFailure } = place;
  const { calls, failures, slow, openSinceMs, openUntilMs } = figures;
  const own = [parked, keyParked].find((each) => isLeft(each, nowMs)) ?? null;
  const control = controls.find(place);
  return {
    model: place.model,
    key: place.account,
    state: place.state,
    ...reportControl(control),
    since: openSinceMs === null ? null : printTime(openSinceMs, clock),
    open_until: openUntilMs === null ? null : printTime(openUntilMs, clock),
    parked: own === null ? null : own.reason,
    parked_until: own === null ? null : printTime(own.untilMs, clock),
    calls,
    failures,
    slow,
    error_rate: calls === 0 ? null : Number((failures / calls).toFixed(4)),
    latency_ms: place.latencyMs === 0 ? null : Math.round(place.latencyMs),
    in_flight: place.inFlight,
    last_failure:
      lastFailure === null
        ? null
        : {
            reason: lastFailure.reason,
            at: printTime(lastFailure.atMs, clock),
            seconds_ago: (nowMs - lastFailure.atMs) / 1000,
          },
  };
}

function reportControl(control: Control | null): JsonObject {
  if (control === null) return {};
  return { action: control.action, action_since: new Date(control.sinceMs).toISOString(), action_by: control.by };
}

/** From the clock that never stands still to the one on the wall. */
function printTime(atMs: number, { monotonicMs, wallMs }: ReportParts["clock"]): string {
  return new Date(wallMs() + Math.round(atMs - monotonicMs())).toISOString();
}
