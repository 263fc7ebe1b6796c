// What an operator took out of service, by name: a provider, or one of its models or keys. Nothing new is asked of it; what runs ends as it would.
// Knows no database: whoever keeps it longer than the process is given.

import { type PlaceName, covers } from "./place.ts";

/** `drain`: until this process ends, or it is enabled again. `disable`: until it is enabled again. */
export type Action = "disable" | "drain";

export interface Control extends PlaceName {
  action: Action;
  /** Epoch milliseconds. */
  sinceMs: number;
  /** Id of the user who said so. */
  by: string;
}

/** Where `disable` outlives the process. */
export interface ControlStore {
  list(): Promise<Control[]>;
  put(control: Control): Promise<void>;
  remove(names: readonly PlaceName[]): Promise<void>;
}

export interface Controls {
  isEmpty(): boolean;
  /** What holds for the place, by whatever name; null where nothing does. */
  find(place: PlaceName): Control | null;
  list(): Control[];
  /** Resolves once it is kept, where it is to be. */
  put(control: Control): Promise<void>;
  /** Takes away all that the name covers; answers what that was. */
  lift(name: PlaceName): Promise<Control[]>;
  /** What another gateway was told: nothing is kept here. */
  adopt(change: { put: Control } | { lift: PlaceName }): void;
}

/** An operator, too, may write a loop. */
const MOST = 10_000;

/** With what was kept. */
export async function openControls(store: ControlStore): Promise<Controls> {
  const controls = createControls(store);
  for (const control of await store.list()) controls.adopt({ put: control });
  return controls;
}

function createControls(store: ControlStore): Controls {
  const controls = new Map<string, Control>();
  const set = (control: Control): void => {
    const key = print(control);
    if (controls.size < MOST || controls.has(key)) controls.set(key, control);
  };
  const drop = (name: PlaceName): Control[] => {
    const gone = [...controls.values()].filter((each) => covers(name, each));
    for (const each of gone) controls.delete(print(each));
    return gone;
  };
  return {
    isEmpty: () => controls.size === 0,
    find: ({ provider, account, model }) =>
      controls.get(print({ provider, account: null, model: null })) ??
      controls.get(print({ provider, account: null, model })) ??
      controls.get(print({ provider, account, model: null })) ??
      controls.get(print({ provider, account, model })) ??
      null,
    list: () => [...controls.values()],
    async put(control) {
      set(control);
      if (control.action === "disable") await store.put(control);
      // It is a word that takes the place of the other.
      else await store.remove([control]);
    },
    async lift(name) {
      const gone = drop(name);
      await store.remove(gone.filter(({ action }) => action === "disable"));
      return gone;
    },
    adopt(change) {
      if ("put" in change) set(change.put);
      else drop(change.lift);
    },
  };
}

function print({ provider, account, model }: PlaceName): string {
  return JSON.stringify([provider, account, model]);
}
