// Work that nobody waits for: one piece after the other, each name once. Knows nothing of what is done.

export interface Errands {
  /** `work` says whether it is done for good; else the next who asks makes it be tried again. What it throws means that it is not. */
  run(name: string, work: () => Promise<boolean>): void;
}

const MAX_REMEMBERED = 10_000;

export function createErrands(): Errands {
  const known = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  return {
    run(name, work) {
      if (known.has(name)) return;
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.add(name);
      last = last
        .then(work)
        .catch(() => false)
        .then((isDone) => {
          if (!isDone) known.delete(name);
        });
    },
  };
}
