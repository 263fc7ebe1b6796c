// Where a command does its work: on the database here, or at a gateway elsewhere through its API. What it prints is the same. Knows no command.

import type { PlaceFlags } from "./flags.ts";
import { type Opened, runWithStore } from "./open.ts";
import type { Remote } from "./remote/client.ts";
import type { PlaceDirectory } from "./remote/directory.ts";
import { findTarget } from "./remote/target.ts";

export interface Here extends Opened {
  remote: null;
}

export interface There {
  remote: Remote;
  directory: PlaceDirectory;
}

export type Place = Here | There;

/** Elsewhere where `--url` or TOKLIGENCE_URL says so; no configuration is read then, and no database opened. */
export async function runAtPlace<T>(flags: PlaceFlags, work: (place: Place) => Promise<T>): Promise<T> {
  const target = findTarget(flags);
  if (target === null) return runWithStore(flags, (opened) => work({ ...opened, remote: null }));
  const [{ createRemote }, { createRemoteDirectory }] = await Promise.all([
    import("./remote/client.ts"),
    import("./remote/directory.ts"),
  ]);
  const remote = createRemote(target);
  return work({ remote, directory: createRemoteDirectory(remote) });
}
