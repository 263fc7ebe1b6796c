// What a session asked for and has not begun, in the order in which it was asked for. Knows no books and no answer.

/** Of answers that were asked for and have not begun, the latest; and as many that others overtook. */
const MAX_WAITING = 16;

export interface Waiting<Asked> {
  add(asked: Asked): Overtaken<Asked>;
  /** The first of the model that answers, where that is told: of those that were overtaken, where it is no other's. */
  take(served: string | null): Overtaken<Asked> & { found: Asked | undefined };
  /** The first, which is refused. */
  drop(): Asked | undefined;
  clear(): Asked[];
  /** Those that were overtaken are not waited for. */
  size(): number;
}

interface Overtaken<Asked> {
  /** Those before it, which hardly ever begin. */
  passed: Asked[];
  /** The oldest that were overtaken, where there are too many: if they begin, nobody knows them. */
  forgotten: Asked[];
}

/** @param modelOf as the provider knows it */
export function openWaiting<Asked>(modelOf: (asked: Asked) => string): Waiting<Asked> {
  const waiting: Asked[] = [];
  const overtaken: Asked[] = [];

  const overtake = (passed: Asked[]): Overtaken<Asked> => {
    overtaken.push(...passed);
    return { passed, forgotten: overtaken.splice(0, Math.max(0, overtaken.length - MAX_WAITING)) };
  };

  return {
    add(asked) {
      waiting.push(asked);
      return overtake(waiting.splice(0, Math.max(0, waiting.length - MAX_WAITING)));
    },
    take(served) {
      // A model answers under its own name or a longer one, which begins like others', too.
      const measure = (asked: Asked): number => {
        const model = modelOf(asked);
        return served?.startsWith(model) === true ? model.length : 0;
      };
      const alike = waiting.map(measure);
      const best = Math.max(0, ...alike);
      const late = best > 0 ? -1 : overtaken.findIndex((asked) => measure(asked) > 0);
      if (late !== -1) return { found: overtaken.splice(late, 1)[0], ...overtake([]) };
      const passed = waiting.splice(0, Math.max(0, alike.indexOf(best)) + 1);
      const found = passed.pop();
      return { found, ...overtake(passed) };
    },
    drop: () => waiting.shift(),
    clear: () => [...overtaken.splice(0), ...waiting.splice(0)],
    size: () => waiting.length,
  };
}
