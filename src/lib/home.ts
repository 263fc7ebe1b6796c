// The folder of the user that this process runs as. Knows no setting.

import { homedir } from "node:os";

/** Null where there is none: neither HOME nor the system's list of users names one. */
export function findHomedir(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}
