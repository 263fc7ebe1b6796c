// What a session asked for and has not begun, in the order in which it was asked for. Knows no books and no answer.

/** Of answers that were asked for and have not begun, the latest. */
const MAX_WAITING = 16;

export interface Waiting<Asked> {
  /** Returns the oldest, where there are too many. */
  add(asked: Asked): Asked | undefined;
  /** The first of the model that answers, where that is told, and those before it, which never begin. */
  take(served: string | null): { found: Asked | undefined; passed: Asked[] };
  /** The first, which is refused. */
  drop(): Asked | undefined;
  clear(): Asked[];
  size(): number;
}

/** @param modelOf as the provider knows it */
export function openWaiting<Asked>(modelOf: (asked: Asked) => string): Waiting<Asked> {
  const waiting: Asked[] = [];
  return {
    add: (asked) => (waiting.push(asked) > MAX_WAITING ? waiting.shift() : undefined),
    take(served) {
      // A model answers under its own name or a longer one, which begins like others', too.
      const alike = waiting.map(modelOf).map((model) => (served?.startsWith(model) === true ? model.length : 0));
      const at = alike.indexOf(Math.max(0, ...alike));
      const passed = waiting.splice(0, Math.max(0, at) + 1);
      const found = passed.pop();
      return { found, passed };
    },
    drop: () => waiting.shift(),
    clear: () => waiting.splice(0),
    size: () => waiting.length,
  };
}
