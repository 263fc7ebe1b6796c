// What sets scenarios apart for those who take part. Knows no peer.

import type { Scenario } from "../scenario/type.ts";

/** The provider is asked in the very format that the client speaks. */
export function isForwarded({ client, upstream }: Scenario): boolean {
  return client === upstream;
}
