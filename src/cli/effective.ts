// The configuration as it is in force at the gateways of a database: with the providers that were declared while they run above it. Where these cannot be
// read, a command goes on without them and says so.

import { existsSync } from "node:fs";
import type { Config } from "../config/index.ts";
import { type ProviderBook, createProviderBook } from "../gateway/index.ts";
import type { Store } from "../store/index.ts";
import { say } from "./output.ts";
import { openSecretKeys } from "./secret-key.ts";

/** `declared`: as it was read from files. */
export async function mergeDeclared(declared: Config, store: Pick<Store, "providers">): Promise<Config> {
  try {
    if ((await store.providers.list()).length === 0) return declared;
    const book = await openProviderBook(declared, store);
    const { mergeProviders } = await import("../server/index.ts");
    return mergeProviders(declared, await book.open()).config;
  } catch (error) {
    complain(error);
    return declared;
  }
}

/** For a command that needs no database: of the one that the configuration names, where it is there already. */
export async function readEffective(declared: Config): Promise<Config> {
  const { identityPath } = declared;
  if (!identityPath.includes("://") && !existsSync(identityPath)) return declared;
  try {
    const { openStore } = await import("../store/index.ts");
    const store = await openStore(declared);
    try {
      return await mergeDeclared(declared, store);
    } finally {
      await store.close();
    }
  } catch (error) {
    complain(error);
    return declared;
  }
}

export async function openProviderBook(declared: Config, store: Pick<Store, "providers">): Promise<ProviderBook> {
  const { isSecretText, judgeProvider } = await import("../server/index.ts");
  return createProviderBook({
    store: store.providers,
    keys: openSecretKeys(() => declared),
    judge: (...said) => judgeProvider(declared, ...said),
    isSecret: (text) => isSecretText(declared, text),
    now: Date.now,
    newId: () => Bun.randomUUIDv7(),
  });
}

function complain(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  say(`warning: providers that were declared while the gateway runs cannot be read: ${reason}`);
}
