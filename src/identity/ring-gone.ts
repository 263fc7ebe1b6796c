// Keys that are over and users that were deleted, until it is time to forget them. Knows no key and no store.

/** So long they are told why their key opens nothing any more. */
const GONE_MS = 15 * 60_000;

/** `Entry`: of a key. */
export function createGone<Entry extends object>() {
  let fresh: (Entry | string)[] = [];
  let waiting: { since: number; all: (Entry | string)[] }[] = [];
  return {
    add: (each: Entry | string) => void fresh.push(each),
    take(at: number): { entries: Entry[]; users: string[] } {
      if (fresh.length > 0) waiting.push({ since: at, all: fresh });
      fresh = [];
      const due = waiting.filter(({ since }) => at - since >= GONE_MS).flatMap(({ all }) => all);
      if (due.length > 0) waiting = waiting.filter(({ since }) => at - since < GONE_MS);
      return {
        entries: due.filter((each) => typeof each === "object"),
        users: due.filter((each) => typeof each === "string"),
      };
    },
  };
}
