// Whether somebody has set the gateway up, and what becomes of the link for it meanwhile. The link itself is never shown.

import { statSync } from "node:fs";
import { join } from "node:path";
import { createSessionStore } from "../../store/session.ts";
import { type Check, note, ok } from "./finding.ts";
import { judgeRights } from "./right.ts";

const LINK_MS = 30 * 60_000;

export const checkSetup: Check = async (exam) => {
  const { glance } = await exam.identity();
  const path = join(exam.config.home, "setup-link");
  const stat = statSync(path, { throwIfNoEntry: false });
  if (glance === null || glance.schema.pending > 0) return [];
  const isSetUp = await createSessionStore(glance.engine).hasSignedIn("root_admin");
  if (isSetUp) return [ok("set-up", "an administrator has signed in")];
  const isFresh = stat !== undefined && Date.now() - stat.mtimeMs < LINK_MS;
  return [
    ...judgeRights(path, "a link that makes whoever opens it the administrator", true),
    note("set-up", {
      found: `no root administrator has signed in yet${isFresh ? `; the link for it lies in ${path}` : ""}`,
      why: "Until then the gateway has nobody at its pages who may change anything.",
      remedy: isFresh
        ? "Open the link within 30 minutes of the start."
        : '"tokligence admin login-link" prints a new one.',
    }),
  ];
};
