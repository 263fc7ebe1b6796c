// Providers of run time as commands change and list them: here on the opened database, where no server need run, or at a gateway elsewhere. A server that
// runs takes a change up within a second. Prints nothing.

import { type ProviderBook, type ProviderChange, openControls } from "../../../gateway/index.ts";
import type { JsonObject } from "../../../ir/index.ts";
import { type StandingProvider, mergeProviders, printProvider, printProviderVersion } from "../../../server/index.ts";
import { openProviderBook } from "../../effective.ts";
import { CliError, EXIT } from "../../error.ts";
import { type Opened, byOperator } from "../../open.ts";
import type { Here, Place } from "../../place.ts";
import { type Question, type Remote, askAll } from "../../remote/client.ts";
import { ADD_PROVIDER } from "../../remote/failure.ts";
import { matchVersion } from "../../remote/match.ts";
import { askVersioned } from "../../remote/versioned.ts";

type Desk = Pick<Opened, "config" | "declared" | "store">;
type Fields = Readonly<Record<string, string>>;

/** A change, and the provider as it stands now. */
interface Changed {
  version: JsonObject;
  provider: JsonObject;
}

interface Rotated {
  encrypted_with: string;
  resumed: boolean;
  exchanged: number;
  unreadable: string[];
  /** Whether the key of our own lies in a file, and not in the configuration. */
  own_file: boolean;
}

/** Providers as they are printed. */
export interface ProviderDesk {
  /** Each with whether it is disabled. */
  list(): Promise<JsonObject[]>;
  /** Throws what is missing. */
  show(name: string): Promise<JsonObject>;
  /** What a provider of run time says. Throws where there is none. */
  fields(name: string): Promise<Fields>;
  history(name: string): Promise<JsonObject[]>;
  set(change: ProviderChange, fields: Fields, secrets: Fields): Promise<Changed>;
  setSecrets(change: ProviderChange, secrets: Readonly<Record<string, string | null>>): Promise<Changed>;
  delete(change: ProviderChange): Promise<JsonObject>;
  rollback(change: ProviderChange, to: number): Promise<JsonObject>;
  rotate(progressed: (done: number, total: number) => void): Promise<Rotated>;
  act(name: string, action: "disable" | "enable"): Promise<void>;
}

export function openDesk(place: Place): ProviderDesk {
  return place.remote === null ? makeDesk(place) : makeRemoteDesk(place.remote);
}

function openBook({ declared, store }: Desk): Promise<ProviderBook> {
  return openProviderBook(declared, store);
}

async function listStanding(opened: Desk): Promise<StandingProvider[]> {
  const book = await openBook(opened);
  return mergeProviders(opened.declared, await book.open()).standing;
}

/** Throws what is missing. */
export async function findStanding(opened: Desk, name: string): Promise<StandingProvider> {
  const all = await listStanding(opened);
  const found = all.find((each) => each.name === name);
  if (found !== undefined) return found;
  const known = opened.config.providers.map((each) => each.name).join(", ");
  throw new CliError(`There is no provider "${name.slice(0, 100)}" here: ${known}.`, {
    exitCode: EXIT.notFound,
    code: "unknown_provider",
    hint: ADD_PROVIDER,
  });
}

function makeDesk(here: Here): ProviderDesk {
  const { store, config } = here;
  const book = (): Promise<ProviderBook> => openBook(here);
  const changed = async (name: string, version: Awaited<ReturnType<ProviderBook["set"]>>): Promise<Changed> => ({
    version: printProviderVersion(version),
    provider: printProvider(await findStanding(here, name)),
  });
  return {
    async list() {
      const controls = await store.controls.list();
      const whole = controls.filter(({ account, model }) => account === null && model === null);
      const disabled = new Set(whole.map(({ provider }) => provider));
      return (await listStanding(here)).map((each) => ({ ...printProvider(each), disabled: disabled.has(each.name) }));
    },
    show: async (name) => printProvider(await findStanding(here, name)),
    fields: async (name) => (await (await book()).get(name)).fields ?? {},
    history: async (name) => (await (await book()).history(name)).map(printProviderVersion),
    set: async (change, fields, secrets) => changed(change.name, await (await book()).set(change, fields, secrets)),
    setSecrets: async (change, secrets) => changed(change.name, await (await book()).setSecrets(change, secrets)),
    delete: async (change) => printProviderVersion(await (await book()).delete(change)),
    rollback: async (change, to) => printProviderVersion(await (await book()).rollback(change, to)),
    async rotate(progressed) {
      const { keyId, resumed, exchanged, unreadable } = await (await book()).rotate(byOperator(), progressed);
      const own = config.secretKeys.length === 0;
      return { encrypted_with: keyId, resumed, exchanged, unreadable: [...unreadable], own_file: own };
    },
    async act(written, action) {
      const { name } = await findStanding(here, written.toLowerCase());
      const place = { provider: name, account: null, model: null };
      const controls = await openControls(store.controls);
      if (action === "enable") await controls.lift(place, byOperator());
      else await controls.put({ ...place, action, sinceMs: Date.now(), by: "operator" }, byOperator());
    },
  };
}

const PATH = "/api/v1/admin/providers";

function makeRemoteDesk(remote: Remote): ProviderDesk {
  const { at, history, fields, ...there } = askVersioned(remote, { path: PATH, what: "provider" });
  const change = async (question: Question): Promise<Changed> => {
    const { change: version, provider } = await remote.ask<{ change: JsonObject; provider: JsonObject }>(
      question,
      "change",
    );
    return { version, provider: withoutHealth(provider) };
  };
  return {
    list: async () => (await askAll<JsonObject>(remote, { method: "GET", path: PATH }, "providers")).map(withoutHealth),
    async show(name) {
      const { provider } = await remote.ask<{ provider: JsonObject }>({ method: "GET", path: at(name) }, "provider");
      const { disabled: _disabled, ...printed } = withoutHealth(provider);
      return printed;
    },
    fields,
    history,
    set: (wanted, said, secrets) => change(there.set(wanted, { fields: { ...said, ...secrets } })),
    setSecrets: ({ name, comment, expected }, secrets) => {
      const body = { fields: secrets, comment };
      return change({ method: "PUT", path: at(name, "/keys"), body, headers: matchVersion(expected) });
    },
    delete: async (wanted) => (await remote.ask<{ provider: JsonObject }>(there.remove(wanted), "provider")).provider,
    rollback: async (wanted, to) => (await change(there.rollback(wanted, to))).version,
    rotate: () => remote.ask({ method: "POST", path: `${PATH}/rotate-secret`, body: {} }),
    act: (name, action) => remote.ask({ method: "POST", path: at(name, `/${action}`), body: {} }),
  };
}

/** What a gateway alone knows, `admin health list` tells. */
function withoutHealth({ health: _health, state: _state, ...provider }: JsonObject): JsonObject {
  return provider;
}
