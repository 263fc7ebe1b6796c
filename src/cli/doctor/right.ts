// Who may read a file of ours, as far as its mode tells. Knows nothing of what is in it.

import { statSync } from "node:fs";
import { type Finding, failure, warning } from "./finding.ts";

/** Nothing where it is for its owner alone, is not there, or where files have no modes. */
export function judgeRights(path: string, what: string, isSecret = false): Finding[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || process.platform === "win32") return [];
  const others = stat.mode & 0o077;
  if (others === 0) return [];
  const say = isSecret ? failure : warning;
  return [
    say(path, {
      found: `other users of this machine have rights to it (mode ${(stat.mode & 0o777).toString(8).padStart(4, "0")})`,
      why: `It holds ${what}.`,
      remedy: `chmod 600 "${path}"`,
    }),
  ];
}
