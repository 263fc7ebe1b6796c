// Where the writer of the books puts them: one local file, written in the same tick. Fulfilled by store/; knows no file and no SQL.

export interface Journal {
  /** The chain that the rows of this process become part of. */
  chain: string;
  /** Whether an append costs no call of the system, but for one in dozens: then nothing is gained by waiting for more that could go with it. */
  readonly isCheap: boolean;
  /**
   * Writes all of the lines or none, as durable as the operator asked for when it returns. Throws what the system throws; then nothing of them
   * will ever be found there, but where the process dies in the same moment. `open`: lines of the intents that were open before.
   */
  append(lines: readonly string[], open: () => Iterable<string>): void;
  /** Gives up the space that is set aside for rows of calls that run; false where it was given up before. */
  relieve(): boolean;
  /** Sets that space aside again; false where there is none. */
  restore(): boolean;
}
