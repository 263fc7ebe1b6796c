// What the gateway needs of a database to keep answers for their owners. Fulfilled by store/; knows no SQL and no format.

/** An answer that a client may refer to later. What it says is the owner's alone: no log, error or ledger row holds any of it. */
export interface KeptAnswer {
  /** As the client knows it. */
  id: string;
  userId: string;
  provider: string;
  model: string;
  /** The answer that this one went on from. */
  previousId: string | null;
  /** True where the provider keeps it, too, under the same id. */
  isUpstream: boolean;
  /** JSON text of a list: the new input items of its request. */
  input: string;
  /** JSON text of the answer as the client has it. */
  body: string;
  /** Set while it is being made in the background: its maker is dead if it does not say otherwise by then. */
  leaseUntil: Date | null;
  createdAt: Date;
  expiresAt: Date;
}

/** Whatever has expired, or belongs to another, is not there. All failures are GatewayErrors. */
export interface AnswerStore {
  /**
   * Writes all or none; an answer that its owner has already is replaced, an id that another has is left to him. `items` are the ids of
   * the answer's parts.
   */
  put(answers: readonly (KeptAnswer & { items: readonly string[] })[]): Promise<void>;
  find(id: string, userId: string, now: Date): Promise<KeptAnswer | null>;
  /** The answer and those that it went on from, newest first, up to one that is missing, and no more than `limits` say. */
  chain(
    id: string,
    userId: string,
    options: { now: Date; limits: { count: number; bytes: number } },
  ): Promise<KeptAnswer[]>;
  /** The answers in which these items are. */
  findHolders(items: readonly string[], userId: string, now: Date): Promise<KeptAnswer[]>;
  /** Sets the end of an answer that is being made; false where it is no longer being made, or gone. */
  finish(answer: Pick<KeptAnswer, "id" | "userId" | "body"> & { items: readonly string[] }): Promise<boolean>;
  /** Says that it is still being made, and how that looks now; false where it has ended otherwise, or is gone. */
  renew(answer: Pick<KeptAnswer, "id" | "userId" | "body">, until: Date): Promise<boolean>;
  remove(id: string, userId: string): Promise<boolean>;
  /** How much is kept: for one owner, or for all. */
  tally(userId: string | null): Promise<{ count: number; bytes: number }>;
  /** Leaves an owner no more than this; the oldest go first. */
  trimOwner(userId: string, limits: { count: number; bytes: number }): Promise<void>;
  /** Likewise for all owners together. */
  trimAll(bytes: number): Promise<void>;
  /** Removes for good what has expired, and what owners who are gone left behind. */
  sweep(now: Date): Promise<void>;
}
