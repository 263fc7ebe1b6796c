// What an operator says about routing: patterns, targets and aliases, as plain values. Knows no file.

import type { Strategy } from "./way/choose.ts";

/** `pattern` is exact, `x*`, `*x`, `*x*` or `*`; matching ignores case. */
export interface RouteRule {
  pattern: string;
  /** As they were declared. */
  targets: readonly [RouteTarget, ...RouteTarget[]];
  /** Which of them is asked first; missing: in their order. */
  strategy?: Strategy;
  /** Where it was declared, for `explain`: `config/setting.ini:12`, `default`, `TOKLIGENCE_ROUTES`. */
  origin: string;
  /** What to set, in a sentence, where nobody declared the provider: built-in routes lead to many that are not there. */
  missing?: string;
}

export interface RouteTarget {
  provider: string;
  /** The provider's name for the model; null where it is the one that was asked for. */
  model: string | null;
  /** Its share where the strategy draws lots; missing: 1. */
  weight?: number;
}

export interface AliasRule {
  pattern: string;
  /** A model's name, or `provider/model`. */
  target: string;
  origin: string;
}
