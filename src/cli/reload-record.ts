// What is recorded of files that were read again while the gateway runs: settings that say something else, secrets masked, and prices.

import type { Loaded } from "../config/index.ts";
import type { PriceLayer } from "../ledger/index.ts";
import { type Change, byProgram } from "../lib/change.ts";
import type { ChangeStore } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";

type Values = Pick<Loaded, "effective">;

interface Reloaded {
  before: Values;
  after: Values;
  /** What differs by name, secrets too, whose texts are not told. */
  changed: readonly string[];
}

interface Place {
  changes: Pick<ChangeStore, "tell">;
  log: Log;
}

/** It is in force already: that it could not be recorded is said, and takes nothing back. */
export async function recordReload(reloaded: Reloaded, { changes, log }: Place): Promise<void> {
  const change = tellReload(reloaded);
  if (change === null) return;
  try {
    await changes.tell(byProgram("configuration"), change);
  } catch (error) {
    log.error("That the configuration changed could not be recorded", { error });
  }
}

function tellReload({ before, after, changed }: Reloaded): Change | null {
  const [was, is] = [listValues(before), listValues(after)];
  const names = [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name)).toSorted();
  if (names.length === 0 && changed.length === 0) return null;
  const pick = (values: ReadonlyMap<string, string | null>) =>
    Object.fromEntries(names.map((name) => [name, values.get(name) ?? null]));
  return {
    action: "settings.reload",
    subjectKind: "settings",
    subjectId: null,
    before: { values: pick(was) },
    after: { values: pick(is), changed: changed.toSorted() },
  };
}

/** Settings of one name may stand several times, such as routes. */
function listValues({ effective }: Values): Map<string, string | null> {
  const values = new Map<string, string | null>();
  for (const { key, value } of effective) {
    const known = values.get(key);
    values.set(key, known === undefined || known === null ? value : `${known}; ${value ?? ""}`);
  }
  return values;
}

/** They are in force already: that they could not be recorded is said, and takes none away. */
export function recordPrices(layers: readonly PriceLayer[], { changes, log }: Place): void {
  const after = { layers: layers.map(({ name }) => name) };
  const change: Change = { action: "prices.adopt", subjectKind: "prices", subjectId: null, before: null, after };
  changes.tell(byProgram("gateway"), change).catch((error: unknown) => {
    log.error("That prices changed could not be recorded", { error });
  });
}
