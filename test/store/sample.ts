// Users, keys and ledger rows to store, and the place to store them. Knows no engine.

import type { User } from "../../src/identity/model.ts";
import type { KeyRecord } from "../../src/identity/store.ts";
import { BLANK_ENTRY, type SealedEntry } from "../../src/ledger/entry.ts";
import { openStore, type Store } from "../../src/store/index.ts";

export interface Place {
  engine: "postgres" | "sqlite";
  /** A new, empty database: its path or DSN. */
  create(): Promise<string>;
  /** Runs a statement on it behind the store's back. */
  run(location: string, statement: string): Promise<void>;
}

const DATABASE = { maxConnections: 4, maxIdleMs: 60_000, maxLifetimeMs: 3_600_000 };
export const AT = new Date("2026-05-04T03:02:01.987Z");
export const LATER = new Date(AT.getTime() + 60_000);

export function open(location: string): Promise<Store> {
  return openStore({ identityPath: location, ledgerPath: location, database: DATABASE });
}

let serial = 0;

export function makeUser(change: Partial<User> = {}): User {
  const id = Bun.randomUUIDv7();
  const email = `user${++serial}@example.com`;
  return {
    id,
    email,
    role: "gateway_user",
    displayName: null,
    status: "active",
    createdAt: AT,
    updatedAt: AT,
    ...change,
  };
}

export function makeKey(userId: string, change: Partial<KeyRecord["key"]> = {}): KeyRecord {
  const hash = new Bun.CryptoHasher("sha256").update(String(++serial)).digest("hex");
  const key = {
    id: Bun.randomUUIDv7(),
    userId,
    name: null,
    prefix: "tok_abcdefgh",
    scopes: [],
    strict: false,
    allowedModels: [],
    allowedProviders: [],
    allowedIps: [],
    tags: [],
    former: [],
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
  };
  return { hash, key: { ...key, createdAt: AT, updatedAt: AT, ...change } };
}

export function makeEntry(change: Partial<SealedEntry> = {}): SealedEntry {
  return {
    ...BLANK_ENTRY,
    chain: null,
    seq: null,
    hash: null,
    id: Bun.randomUUIDv7(),
    requestId: "req_1",
    createdAt: AT,
    userId: "user-1",
    apiKeyId: "key-1",
    endpoint: "chat.completions",
    modelAsked: "gpt-4o",
    modelServed: "gpt-4o-2024-08-06",
    provider: "openai",
    direction: "consume",
    freshInputTokens: 10,
    cacheReadTokens: 20,
    cacheWriteTokens: 30,
    outputTokens: 40,
    reasoningTokens: 5,
    units: null,
    usageSource: "provider",
    status: 200,
    errorKind: null,
    latencyMs: 12.5,
    ttftMs: 3.25,
    streamed: true,
    costNanos: 1000,
    priceSource: "genai-prices@0.1.8 openai/gpt-4o",
    dropped: [],
    attempts: [],
    ...change,
  };
}

/** The kind of the GatewayError that `work` ends in. */
export async function kindOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as { kind?: string }).kind ?? String(error);
  }
  return "no error";
}
