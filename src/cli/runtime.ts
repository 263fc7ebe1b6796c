// What was set above the files while gateways ran, read from the database as it lies there: nothing of it is made or changed. Knows no setting.

import type { Config } from "../config/index.ts";
import { type Glance, glance } from "../store/glance.ts";
import { createSettingStore } from "../store/setting.ts";
import { say } from "./output.ts";

type Runtime = Readonly<Record<string, string>>;

/** Null where nothing was, or it cannot be read: of another version, its tables may not be what they are here. */
export async function readRuntime(glanced: Glance | null): Promise<Runtime | null> {
  if (glanced === null || glanced.schema.pending > 0) return null;
  const [row] = await createSettingStore(glanced.engine)
    .list()
    .catch(() => []);
  return row === undefined || Object.keys(row.fields).length === 0 ? null : row.fields;
}

/** Likewise, of the database that the configuration names; where it does not answer, somebody is told. */
export async function lookForRuntime({ identityPath, database }: Config): Promise<Runtime | null> {
  try {
    const glanced = await glance({ location: identityPath, database });
    try {
      return await readRuntime(glanced);
    } finally {
      await glanced?.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`warning: what was set while gateways ran is left out, as it cannot be read: ${reason}`);
    return null;
  }
}
