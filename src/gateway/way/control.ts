// What an operator took out of service, by name: a provider, or one of its models or keys. Nothing new is asked of it; what runs ends as it would.
// Knows no database: whoever keeps it longer than the process is given.

import type { Change, Origin } from "../../lib/change.ts";
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
  put(control: Control, by?: Origin): Promise<void>;
  /** `told`: what is recorded of it, also where there was nothing to be removed. */
  remove(names: readonly PlaceName[], told?: { by?: Origin | undefined; change: Change }): Promise<void>;
}

export interface Controls {
  isEmpty(): boolean;
  /** What holds for the place, by whatever name; null where nothing does. */
  find(place: PlaceName): Control | null;
  list(): Control[];
  /** Resolves once it is kept, where it is to be. */
  put(control: Control, by?: Origin): Promise<void>;
  /** Takes away all that the name covers; answers what that was. */
  lift(name: PlaceName, by?: Origin): Promise<Control[]>;
  /** Looks at what is kept, as others may have changed it; answers what is new and what is gone. */
  refresh(): Promise<{ put: Control[]; gone: Control[] }>;
  /** What another gateway was told: nothing is kept here. */
  adopt(change: { put: Control } | { lift: PlaceName }): void;
}

/** An operator, too, may write a loop. */
const MOST = 10_000;
/** Whose own changes come in between as often looks again at the next change. */
const MOST_LOOKS = 10;

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
  const merge = (kept: readonly Control[]): { put: Control[]; gone: Control[] } => {
    const names = new Set(kept.map(print));
    const put = kept.filter((control) => controls.get(print(control))?.action !== control.action);
    const gone = [...controls.values()].filter((each) => each.action === "disable" && !names.has(print(each)));
    for (const control of kept) set(control);
    for (const control of gone) controls.delete(print(control));
    return { put, gone };
  };
  /** Begun and ended changes of our own: what was read across one of them may be older than what is in memory. */
  let steps = 0;
  const write = async (work: Promise<void>): Promise<void> => {
    steps++;
    await work.finally(() => steps++);
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
    async put(control, by) {
      const before = controls.get(print(control)) ?? null;
      set(control);
      if (control.action === "disable") return write(store.put(control, by));
      // It is a word that takes the place of the other.
      const change: Change = { ...about(control), action: "provider.drain", before, after: control };
      return write(store.remove([control], { by, change }));
    },
    async lift(name, by) {
      // Others may have taken it out a moment ago, of which nobody has heard here.
      const kept = (await store.list()).filter((each) => covers(name, each));
      const own = drop(name);
      const names = new Set(own.map(print));
      const gone = [...own, ...kept.filter((each) => !names.has(print(each)))];
      const change: Change = { ...about(name), action: "provider.enable", before: { controls: gone }, after: null };
      const lasting = gone.filter(({ action }) => action === "disable");
      await write(store.remove(lasting, { by, change }));
      return gone;
    },
    async refresh() {
      for (let tries = 0; tries < MOST_LOOKS; tries++) {
        const before = steps;
        const kept = await store.list();
        if (before === steps) return merge(kept);
      }
      return { put: [], gone: [] };
    },
    adopt(change) {
      if ("put" in change) set(change.put);
      else drop(change.lift);
    },
  };
}

function about({ provider, account, model }: PlaceName): Pick<Change, "subjectId" | "subjectKind"> {
  return { subjectKind: "provider", subjectId: [provider, account, model].filter((word) => word !== null).join("/") };
}

function print({ provider, account, model }: PlaceName): string {
  return JSON.stringify([provider, account, model]);
}
