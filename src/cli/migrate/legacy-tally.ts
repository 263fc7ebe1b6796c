// What an import of old rows came to. Knows no row.

export interface Counts {
  rows: number;
  /** Written, or to be written. */
  taken: number;
  there: number;
  /** Deleted there, and so not brought here. */
  gone: number;
  refused: number;
}

export interface Tally {
  users: Counts;
  keys: Counts;
  usage: Counts;
  unknownScopes: Set<string>;
  /** Rows of usage whose user or key is not there. */
  orphans: number;
  /** Rows of usage that came before, and are gone by age since. */
  removed: number;
  /** Keys whose user was never there: they opened nothing. */
  orphanKeys: number[];
  inputTokens: number;
  outputTokens: number;
}

export function makeTally(): Tally {
  const none = (): Counts => ({ rows: 0, taken: 0, there: 0, gone: 0, refused: 0 });
  const counts = { users: none(), keys: none(), usage: none() };
  return {
    ...counts,
    unknownScopes: new Set(),
    orphans: 0,
    removed: 0,
    orphanKeys: [],
    inputTokens: 0,
    outputTokens: 0,
  };
}

export function printTally({ users, keys, usage, inputTokens, outputTokens }: Tally) {
  const tokens = { prompt_tokens: inputTokens, completion_tokens: outputTokens };
  return { users: printCounts(users), keys: printCounts(keys), usage: { ...printCounts(usage), ...tokens } };
}

function printCounts({ rows, taken, there, gone, refused }: Counts) {
  return { rows, taken, there_already: there, deleted: gone, refused };
}
