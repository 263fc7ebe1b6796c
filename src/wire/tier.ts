// The tier in which a provider says that it served an answer. Knows no format.

import type { Json, Usage } from "../ir/index.ts";

/** The usage with the tier; the same where the provider named none. `words` gives the shared word for a format's own. */
export function withTier<T extends Usage | null>(
  usage: T,
  tier: Json | undefined,
  words?: ReadonlyMap<string, string>,
): T {
  if (usage === null || typeof tier !== "string" || tier === "") return usage;
  return { ...usage, serviceTier: words?.get(tier) ?? tier };
}
