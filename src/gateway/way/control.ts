// What an operator took out of service, by name: a provider, or one of its models or keys. Nothing new is asked of it; what runs ends as it would.
// Knows no store; whoever keeps it longer than the process says so.

import type { PlaceName } from "./place.ts";

/** `drain`: until this process ends, or it is enabled again. `disable`: until it is enabled again. */
export type Action = "disable" | "drain";

export interface Control extends PlaceName {
  action: Action;
  sinceMs: number;
}

export interface Controls {
  isEmpty(): boolean;
  isOut(place: PlaceName): boolean;
  find(place: PlaceName): Control | null;
  list(): Control[];
  put(control: Control): void;
  /** Takes away what holds for exactly that name; true where there was something. */
  remove(name: PlaceName): boolean;
}

/** An operator, too, may write a loop. */
const MOST = 10_000;

export function createControls(): Controls {
  const controls = new Map<string, Control>();
  const find = ({ provider, account, model }: PlaceName): Control | null =>
    controls.get(print({ provider, account: null, model: null })) ??
    controls.get(print({ provider, account: null, model })) ??
    controls.get(print({ provider, account, model: null })) ??
    controls.get(print({ provider, account, model })) ??
    null;
  return {
    isEmpty: () => controls.size === 0,
    isOut: (place) => find(place) !== null,
    find,
    list: () => [...controls.values()],
    put(control) {
      const key = print(control);
      if (controls.size < MOST || controls.has(key)) controls.set(key, control);
    },
    remove: (name) => controls.delete(print(name)),
  };
}

function print({ provider, account, model }: PlaceName): string {
  return JSON.stringify([provider, account, model]);
}
