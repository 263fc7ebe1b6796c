// The models that the providers list, kept in memory and read again in the background: a dead provider delays nobody.
// Knows no vendor; each provider brings its own address and decoder.

import { isJsonObject } from "../ir/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { ListedModel, Provider } from "../provider/index.ts";
import type { Fetch } from "./send.ts";

export interface Catalog {
  /** What each provider lists, as far as it is known now. */
  list(): readonly { provider: string; model: ListedModel }[];
  /** The first provider, in order of declaration, that lists this model (lower case). */
  findLister(model: string): string | undefined;
  /** Resolves once the first reading is over, or after `limitMs`, whichever is sooner. */
  firstReading(limitMs: number): Promise<void>;
  /** Reads all lists again. Never rejects. */
  refresh(): Promise<void>;
  stop(): void;
}

interface CatalogInit {
  providers: readonly Provider[];
  fetch: Fetch;
  clock: Clock;
  refreshMs: number;
  /** After a list has changed. */
  onChange: () => void;
  onError: (provider: string, error: Error) => void;
}

const READ_TIMEOUT_MS = 10_000;

export function createCatalog(init: CatalogInit): Catalog {
  const lists = new Map<string, readonly ListedModel[]>();
  let merged: readonly { provider: string; model: ListedModel }[] = [];
  let listers = new Map<string, string>();
  let cancelNext: (() => void) | null = null;
  let stopped = false;

  const merge = (): void => {
    merged = init.providers.flatMap((provider) =>
      (lists.get(provider.name) ?? provider.knownModels).map((model) => ({ provider: provider.name, model })),
    );
    listers = new Map(merged.toReversed().map((entry) => [entry.model.id.toLowerCase(), entry.provider]));
  };

  const readOne = async (provider: Provider): Promise<void> => {
    if (provider.listing === null || provider.missing !== null) return;
    try {
      lists.set(provider.name, await readListing(provider, provider.listing, init.fetch, init.clock));
      merge();
      init.onChange();
    } catch (error) {
      // The last list that was read stays in force.
      init.onError(provider.name, error instanceof Error ? error : new Error(String(error)));
    }
  };

  const refresh = async (): Promise<void> => {
    cancelNext?.();
    await Promise.all(init.providers.map(readOne));
    if (!stopped) cancelNext = init.clock.after(init.refreshMs, () => void refresh());
  };

  merge();
  const first = refresh();
  return {
    list: () => merged,
    findLister: (model) => listers.get(model),
    async firstReading(limitMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = init.clock.after(limitMs, resolve);
      await Promise.race([first, promise]);
      cancel();
    },
    refresh,
    stop() {
      stopped = true;
      cancelNext?.();
    },
  };
}

async function readListing(
  provider: Provider,
  listing: NonNullable<Provider["listing"]>,
  fetch: Fetch,
  clock: Clock,
): Promise<ListedModel[]> {
  const controller = new AbortController();
  const cancel = clock.after(READ_TIMEOUT_MS, () => controller.abort(new Error("no answer within 10 s")));
  try {
    const response = await fetch(listing.url, {
      method: "GET",
      headers: { ...provider.headers, accept: "application/json" },
      redirect: "manual",
      signal: controller.signal,
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const body: unknown = await response.json();
    if (!isJsonObject(body)) throw new Error("the answer is not a JSON object");
    return listing.decode(body);
  } finally {
    cancel();
  }
}
