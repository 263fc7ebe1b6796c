// The rows of the table of settings that are about leaving alone what fails, for all providers and for one. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

const NONE = { zeroMs: syntax.LONGEST_MS };
const MOST = 1_000_000;

/** Each may be said in a provider's section, too, for that one alone. */
const ROWS = {
  breaker_alone: {
    about:
      "What becomes of a request none of whose targets may be asked at present: try (they are asked after all) or refuse (503, with Retry-After)",
    type: syntax.defineChoice(["try", "refuse"]),
    fallback: "try",
  },
  breaker_error_percent: {
    about: "A target is left alone where so many percent of the calls in the window failed; 0: however many fail",
    type: syntax.defineInteger(0, 100),
    fallback: "50",
  },
  breaker_failures: {
    about: "Or where so many calls in a row failed; 0: however many do",
    type: syntax.defineInteger(0, MOST),
    fallback: "5",
  },
  breaker_min_calls: {
    about: "Percentages count from so many calls in the window on",
    type: syntax.defineInteger(1, MOST),
    fallback: "20",
  },
  breaker_open: {
    about: "How long it is left alone; doubled each time that a trial fails",
    type: syntax.defineDuration(),
    fallback: "15s",
  },
  breaker_open_max: {
    about: "What that grows to",
    type: syntax.defineDuration(),
    fallback: "2m",
  },
  breaker_slow: {
    about: "A first output that takes longer is slow; 0: none is",
    type: syntax.defineDuration(NONE),
    fallback: "0",
  },
  breaker_slow_percent: {
    about: "A target is left alone where so many percent of the calls in the window were slow",
    type: syntax.defineInteger(1, 100),
    fallback: "80",
  },
  breaker_trials: {
    about: "Calls at a time that find out whether it is well again",
    type: syntax.defineInteger(1, 1_000),
    fallback: "2",
  },
  breaker_window: {
    about: "Length of the window in which calls are counted",
    type: syntax.defineDuration(),
    fallback: "30s",
  },
  key_park_max: {
    about: "What the time for which a key is not used grows to, doubled each time that it is refused again",
    type: syntax.defineDuration(),
    fallback: "6h",
  },
  key_park_quota: {
    about:
      "How long a provider's key without quota is not used, where the provider does not say when there is some again",
    type: syntax.defineDuration(),
    fallback: "1m",
  },
  key_park_revoked: {
    about: "How long a provider's key that is refused is not used",
    type: syntax.defineDuration(),
    fallback: "30m",
  },
  probe: {
    about:
      "Whether a provider is asked without a request, to find out whether it is well again: off, models (its list of models, which costs nothing) or call (one token, on the books). Only what is left alone or was not asked of late",
    type: syntax.defineChoice(["off", "models", "call"]),
    fallback: "off",
  },
  probe_calls_per_day: {
    about: "Most such calls to one provider a day",
    type: syntax.defineInteger(0, MOST),
    fallback: "100",
  },
  probe_interval: {
    about: "Time between two such questions",
    type: syntax.defineDuration({ zeroMs: 1_000 }),
    fallback: "1m",
  },
} as const satisfies Record<string, Omit<Key, "group">>;

type RowName = keyof typeof ROWS;

/** For all providers. */
export const HEALTH_KEYS = inGroup(ROWS);

/** For one: what is not said there is as it is for all. */
export const HEALTH_FIELDS = asFields(ROWS);

function inGroup<Rows extends Record<string, object>>(rows: Rows) {
  const entries = Object.entries(rows).map(([name, row]) => [name, { ...row, group: "health" }]);
  // The same rows, in a group.
  return Object.fromEntries(entries) as { [Name in keyof Rows]: Rows[Name] & { group: "health" } };
}

function asFields(rows: typeof ROWS) {
  const entries = Object.entries(rows).map(([name, { about, type, fallback }]) => [
    name,
    { about: `${about}; unless said, as for all`, type, example: fallback },
  ]);
  return Object.fromEntries(entries) as {
    [Name in RowName]: { about: string; type: (typeof ROWS)[Name]["type"]; example: string };
  };
}
