// A rule for a provider that is not there concerns no call: most often its name is mistyped, and a limit would be relied on that limits nothing. Knows no rule.

import { printWord, say } from "../../output.ts";
import type { Place } from "../../place.ts";
import { openDesk } from "./desk.ts";

/** False where that cannot be told. */
export async function isUnheard(place: Place, provider: string | undefined): Promise<boolean> {
  if (provider === undefined) return false;
  const known = await openDesk(place)
    .list()
    .catch(() => null);
  return known?.every(({ name }) => name !== provider) === true;
}

export function sayUnheard(provider: string | undefined): void {
  say(
    `note: no provider here is called ${printWord(provider ?? "")}; until one is, this concerns no call. Their names: tokligence admin providers list`,
  );
}
