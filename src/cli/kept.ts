// What lies in the database of a gateway beside its providers, for commands that need none. Knows no command.

import { existsSync } from "node:fs";
import type { Config } from "../config/index.ts";
import type { Control, RouteVersion } from "../gateway/index.ts";
import type { ApiKey } from "../identity/index.ts";
import { say } from "./output.ts";

/** What was declared while the gateway runs, where its database is there already. */
export async function readKept(
  config: Config,
  keyId: string | null,
): Promise<{ routes: RouteVersion[]; controls: Control[]; key: ApiKey | null }> {
  const none = { routes: [], controls: [], key: null };
  const { identityPath } = config;
  if (!identityPath.includes("://") && !existsSync(identityPath)) return none;
  try {
    const { openStore } = await import("../store/index.ts");
    const store = await openStore(config);
    try {
      const key = keyId === null ? null : await store.identity.findKey(keyId);
      return { routes: await store.routes.list(), controls: await store.controls.list(), key };
    } finally {
      await store.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`warning: routes that were declared while the gateway runs cannot be read: ${reason}`);
    return none;
  }
}
