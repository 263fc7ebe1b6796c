// What a scenario of the bench says: who asks what, how, and who takes part. Knows no peer.

import type { DialectId } from "../dialect/index.ts";
import type { Pattern } from "../load/type.ts";
import type { Script } from "../mock/script.ts";

export interface Scenario {
  /** For people, in a line. */
  about: string;
  /** What the client speaks, and the provider; "loopback": nobody is called. */
  client: DialectId;
  upstream: DialectId | "loopback";
  /** By its name it is known who is asked. */
  model: string;
  /** Asked for by turns, in its place; all names are as long as it is. */
  models?: readonly string[];
  /** Of the request's body, about. */
  bytes: number;
  answer: Script["answer"];
  /** Until the provider answers; undefined: at once. */
  delayMs?: number;
  pattern: Pattern;
  /** Who takes part beside the provider itself; undefined: who takes part as a rule, and `also` some more. */
  peers?: readonly string[];
  also?: readonly string[];
}

export function listPeers({ peers, also = [] }: Scenario, usual: readonly string[]): readonly string[] {
  return peers ?? [...usual, ...also];
}
