// What an operator says about routing: patterns and aliases, as plain values. Knows no file.

/** `pattern` is exact, `x*`, `*x`, `*x*` or `*`; matching ignores case. */
export interface RouteRule {
  pattern: string;
  provider: string;
  /** The provider's name for the model; missing where it is the one that was asked for. */
  model?: string;
  /** Who is asked, in this order, where the provider cannot answer; each may serve the model under a name of its own. */
  fallbacks?: readonly RouteTarget[];
  /** Where it was declared, for `explain`: `config/setting.ini:12`, `default`, `TOKLIGENCE_ROUTES`. */
  origin: string;
  /** What to set, in a sentence, where nobody declared the provider: built-in routes lead to many that are not there. */
  missing?: string;
}

export interface RouteTarget {
  provider: string;
  /** Null: as it was asked for. */
  model: string | null;
}

export interface AliasRule {
  pattern: string;
  /** A model's name, or `provider/model`. */
  target: string;
  origin: string;
}
