// What is asked of the load and what it answers. Knows no socket.

/** Whom, and what. */
export interface Aim {
  hostname: string;
  port: number;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Of each streamed answer; 0: it comes in one piece. */
  pieces: number;
  /** Each comes on a connection of its own, and is left as soon as the first piece is there. */
  leaves?: true;
  /** Where requests differ; missing: all are the same. */
  fills?: readonly Fill[];
}

/** Wherever it stands, each request has the next of the values in its place; all are as long as it is. */
export interface Fill {
  blank: string;
  values: readonly string[];
}

export type Pattern =
  /** Each connection asks again once it has been answered; `requests`: until there are so many, however long that takes. */
  | { kind: "closed"; connections: number; requests?: number }
  /**
   * At a fixed rate, whether or not there was an answer: times count from when a request was due. `inTurn`: over the connection that has been free for the
   * longest, and not over the one that was free last, so that processes which share a port all get their part.
   */
  | { kind: "rate"; connections: number; perSecond: number; inTurn?: true }
  /** Each connection asks once; the first and the last begin `rampMs` apart. */
  | { kind: "once"; connections: number; rampMs: number };

export interface Quantiles {
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
}

/** Times in microseconds. */
export interface LoadResult {
  /** Answered with 200, whole. */
  requests: number;
  errors: Readonly<Record<string, number>>;
  /** Due, and not sent by the end: whoever is asked does not keep up with the rate. */
  unsent: number;
  seconds: number;
  latency: Quantiles;
  /** To the first piece of a stream. */
  first: Quantiles | null;
  /** Of each piece, from when it was sent. */
  piece: Quantiles | null;
  pieces: number;
  /** How late requests went out of which the rate says when they are due. */
  late: Quantiles | null;
}
