// What an operator says about routing: patterns, targets, conditions and aliases, as plain values. Knows no file.

import type { Json } from "../ir/index.ts";
import type { HourSpan } from "../lib/week-hours.ts";
import type { Strategy } from "./way/choose.ts";
import type { UnknownPrice } from "./unknown-price.ts";
import type { OwnDeadlines } from "./way/deadline.ts";

/** `pattern` is exact, `x*`, `*x`, `*x*` or `*`; matching ignores case. */
export interface RouteRule {
  pattern: string;
  /** As they were declared. */
  targets: readonly [RouteTarget, ...RouteTarget[]];
  /** Which of them is asked first; missing: in their order. */
  strategy?: Strategy;
  /** How long its calls may take, over what their providers say. */
  deadlines?: OwnDeadlines;
  /** What becomes of its calls whose price nobody knows, over what their providers say. */
  onUnknownPrice?: UnknownPrice;
  /** Where it was declared, for `explain`: `config/setting.ini:12`, `default`, `TOKLIGENCE_ROUTES`. */
  origin: string;
  /** What to set, in a sentence, where nobody declared the provider: built-in routes lead to many that are not there. */
  missing?: string;
  /** Of the section that it stands in; one with several patterns makes a rule of each. */
  name?: string;
  /** Which requests it is for; missing: all that match. */
  when?: Conditions;
  policy?: RoutePolicy;
}

export interface RouteTarget {
  provider: string;
  /** The provider's name for the model; null where it is the one that was asked for. */
  model: string | null;
  /** Labels of the provider's keys that may be used; missing: all of them. */
  keys?: readonly string[];
  /** Its share where the strategy draws lots; missing: 1. */
  weight?: number;
  set?: Overrides;
}

/** Fields put into the body that the target is sent, in its own format; dots lead into objects. */
export type Overrides = Readonly<Record<string, Json>>;

/** All that is said must hold. Lists are patterns: one without `!` must match where there are such, and none with `!` may. */
export interface Conditions {
  /** Estimated tokens of what is asked. */
  context?: { least: number; most: number };
  endpoint?: readonly string[];
  /** By name, in lower case. */
  headers?: Readonly<Record<string, readonly string[]>>;
  images?: boolean;
  /** Ids of API keys. */
  key?: readonly string[];
  stream?: boolean;
  tag?: readonly string[];
  time?: { spans: readonly HourSpan[]; zone: string };
  tools?: boolean;
  /** E-mail addresses or ids. */
  user?: readonly string[];
}

export interface RoutePolicy {
  /** How long its answers are given again, and to whom; 0: never. Missing: as everywhere. */
  cacheTtlMs?: number;
  cacheScope?: "global" | "key" | "user";
  /** That share of the requests is asked of it first. */
  canary?: RouteShare;
  /** That share of the requests is sent to it too, and nobody sees what it answers. */
  shadow?: readonly RouteShare[];
  /** Whether a second target is asked beside one that is silent for too long, and the first answer is given. */
  hedge?: HedgeRule;
  /** Who is asked where a prompt is too long for the one that was asked. */
  onContextLength?: readonly RouteTarget[];
  /** Who is asked where one would not answer for what the request or its answer is about. */
  onRefusal?: readonly RouteTarget[];
  /** What the strategy `sticky` goes by; missing: the key. */
  stickBy?: StickBy;
  maxAttempts?: number;
  retryWindowMs?: number;
}

/** `afterMs`: how long that is; null: what 95 of 100 of the target's answers take to begin. */
export interface HedgeRule {
  afterMs: number | null;
}

export type StickBy = "key" | "prompt" | "user";

export interface RouteShare {
  target: RouteTarget;
  /** In (0, 100]. */
  percent: number;
}

export interface AliasRule {
  pattern: string;
  /** A model's name, or `provider/model`. */
  target: string;
  origin: string;
}
