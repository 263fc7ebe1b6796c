// The models that the providers list, kept in memory and read again in the background: a dead provider delays nobody.
// Knows no vendor; each provider brings its own address and decoder.

import { type JsonObject, isJsonObject } from "../ir/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import type { Clock } from "../lib/clock.ts";
import type { ListedModel, Provider } from "../provider/index.ts";
import { type Fetch } from "./send.ts";

export interface Catalog {
  /** What each provider lists, as far as it is known now. */
  list(): readonly { provider: string; model: ListedModel }[];
  /** Providers whose list could not be read when it was last asked for: what they have may be missing. */
  unread(): readonly string[];
  /** The first provider, in order of declaration, that lists this model (lower case). */
  findLister(model: string): string | undefined;
  /** Resolves once the first reading is over, or `limitMs` after the first call, whichever is sooner: one wait for all, and none later. */
  firstReading(limitMs: number): Promise<void>;
  /** Reads all lists again. Never rejects. */
  refresh(): Promise<void>;
  /** When that is done next by itself, by the clock that never stands still. */
  dueMs(): number;
  stop(): void;
}

interface CatalogInit {
  providers: readonly Provider[];
  fetch: Fetch;
  clock: Clock;
  refreshMs: number;
  /** The catalogue before this one: its lists stand until they are read anew, for providers that are still there. */
  before?: Catalog | undefined;
  /** Of these nothing has changed: lists of theirs that there are need not be read before their time. */
  unchanged?: ReadonlySet<string> | undefined;
  /** After a list has changed. */
  onChange: () => void;
  onError: (provider: string, error: Error) => void;
}

const READ_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 5_000;
const MAX_LIST_BYTES = 16 * 1024 * 1024;

export function createCatalog(init: CatalogInit): Catalog {
  const lists = new Map<string, readonly ListedModel[]>();
  let merged: readonly { provider: string; model: ListedModel }[] = [];
  let listers = new Map<string, string>();
  let cancelNext: (() => void) | null = null;
  let stopped = false;
  let dueMs = init.before?.dueMs() ?? init.clock.monotonicMs() + init.refreshMs;
  /** Readings that failed in a row. */
  const failures = new Map<string, number>();
  let firstWait: Promise<void> | null = init.before === undefined ? null : Promise.resolve();
  const closing = new AbortController();

  const merge = (): void => {
    merged = init.providers.flatMap((provider) =>
      (lists.get(provider.name) ?? provider.knownModels).map((model) => ({ provider: provider.name, model })),
    );
    listers = new Map(merged.toReversed().map((entry) => [entry.model.id.toLowerCase(), entry.provider]));
  };

  const readOne = async (provider: Provider): Promise<void> => {
    if (provider.listing === null || provider.missing !== null) return;
    try {
      lists.set(provider.name, await readByAnyKey(provider, provider.listing, init, closing.signal));
      failures.delete(provider.name);
      merge();
      init.onChange();
    } catch (error) {
      if (stopped) return;
      // The last list that was read stays in force.
      const failed = (failures.get(provider.name) ?? 0) + 1;
      failures.set(provider.name, failed);
      // Told once; a provider that starts later than we do is found soon, one that stays away is asked ever more seldom.
      if (failed === 1) init.onError(provider.name, error instanceof Error ? error : new Error(String(error)));
      const againMs = FIRST_RETRY_MS * 3 ** (failed - 1);
      if (againMs < init.refreshMs) init.clock.after(againMs, () => void (stopped || readOne(provider)));
    }
  };

  const plan = (inMs: number): void => {
    if (stopped) return;
    dueMs = init.clock.monotonicMs() + inMs;
    cancelNext = init.clock.after(inMs, () => void refresh());
  };

  const refresh = async (): Promise<void> => {
    cancelNext?.();
    await Promise.all(init.providers.map(readOne));
    plan(init.refreshMs);
  };

  /** Those that are new, and those of which nothing is known. */
  const begin = async (unchanged: ReadonlySet<string>): Promise<void> => {
    const stale = init.providers.filter(({ name }) => !unchanged.has(name) || !lists.has(name));
    await Promise.all(stale.map(readOne));
    plan(Math.max(0, Math.min(init.refreshMs, dueMs - init.clock.monotonicMs())));
  };

  for (const provider of init.providers) {
    const known = (init.before?.list() ?? []).filter((entry) => entry.provider === provider.name);
    if (known.length > 0)
      lists.set(
        provider.name,
        known.map((entry) => entry.model),
      );
  }
  merge();
  const first = init.unchanged === undefined ? refresh() : begin(init.unchanged);
  return {
    list: () => merged,
    unread: () => [...failures.keys()],
    findLister: (model) => listers.get(model),
    firstReading(limitMs) {
      if (firstWait !== null) return firstWait;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = init.clock.after(limitMs, resolve);
      firstWait = Promise.race([first, promise]).then(cancel);
      return firstWait;
    },
    refresh,
    dueMs: () => dueMs,
    stop() {
      stopped = true;
      cancelNext?.();
      closing.abort();
    },
  };
}

/** By each of its keys until one is taken; what the first was told is the reason where none is. */
async function readByAnyKey(provider: Provider, ...rest: Tail<Parameters<typeof readListing>>): Promise<ListedModel[]> {
  let first: unknown = null;
  for (const { provider: each } of provider.pool ?? [{ provider }]) {
    try {
      return await readListing(each, ...rest);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

type Tail<List extends unknown[]> = List extends [unknown, ...infer Others] ? Others : never;

/** All that the provider lists to this key. Rejects with what it says instead. */
export async function readListing(
  provider: Provider,
  listing: NonNullable<Provider["listing"]>,
  { fetch, clock }: Pick<CatalogInit, "fetch"> & { clock: Pick<Clock, "after"> },
  closing: AbortSignal,
): Promise<ListedModel[]> {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  closing.addEventListener("abort", end, { once: true });
  const headers = { ...provider.headers, accept: "application/json" };
  const cancel = clock.after(READ_TIMEOUT_MS, () => controller.abort(new Error("no answer within 10 s")));
  try {
    const models: ListedModel[] = [];
    for (const url of [listing.url, ...(listing.more ?? [])]) {
      const response = await fetch(url, {
        method: "GET",
        headers: { ...headers, ...(await provider.authorize?.({ method: "GET", url, headers, body: null })) },
        redirect: "manual",
        timeout: false,
        signal: controller.signal,
      });
      models.push(...listing.decode(await readList(response)));
    }
    return models;
  } finally {
    cancel();
    closing.removeEventListener("abort", end);
    // An answer that was not read to its end gives its connection back.
    controller.abort();
  }
}

async function readList(response: Response): Promise<JsonObject> {
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const text = await readCapped(response, MAX_LIST_BYTES);
  if (text === null) throw new Error("the list is too long");
  const parsed: unknown = JSON.parse(text);
  // Some give the bare list.
  const body: unknown = Array.isArray(parsed) ? { data: parsed } : parsed;
  if (!isJsonObject(body)) throw new Error("the answer is not a JSON object");
  return body;
}
