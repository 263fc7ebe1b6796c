// When providers are asked without a request: those of whose configuration it is said, for what is left alone or was not asked of late, and at a
// price only so often a day. Knows no format beyond the address at which it is spoken.

import type { Config } from "../config/value.ts";
import { type Fleet, type GatewayTools, type PlaceState, askForToken, lookAtModels } from "../gateway/index.ts";
import type { Caller, Directory } from "../identity/index.ts";
import type { HealthSettings, Provider } from "../provider/index.ts";
import { guessWireAt } from "../wire/index.ts";

interface ProbeInit {
  config: () => Config;
  tools: GatewayTools;
  fleet: Fleet;
  controls: { find(name: { provider: string; account: string | null; model: string | null }): unknown };
  directory: Pick<Directory, "findRoot">;
  newId: () => string;
}

const DAY_MS = 86_400_000;
/** How often it is looked who is due. */
const TICK_MS = 1_000;
/** Of one provider at a time: models that nobody asks for any more are many. */
const MOST_CALLS_AT_ONCE = 10;

interface Due {
  provider: Provider;
  rules: HealthSettings;
}

interface Probes {
  /** After a change of the configuration. */
  reload(): void;
  stop(): void;
}

export function startProbes(init: ProbeInit): Probes {
  const { tools, config } = init;
  const nextMs = new Map<string, number>();
  const spent = new Map<string, { day: number; calls: number }>();
  let cancel: (() => void) | null = null;

  const listDue = (nowMs: number): Due[] =>
    config().providers.flatMap(({ name, health }) => {
      const rules = { ...config().health, ...health };
      const provider = tools.scene().providers.get(name);
      if (rules.probe === "off" || provider?.missing !== null || provider.answer !== null) return [];
      const atMs = nextMs.get(name) ?? nowMs + rules.probeIntervalMs;
      nextMs.set(name, atMs > nowMs ? Math.min(atMs, nowMs + rules.probeIntervalMs) : nowMs + rules.probeIntervalMs);
      return atMs > nowMs ? [] : [{ provider, rules }];
    });

  const mayCall = (name: string, most: number): boolean => {
    const day = Math.floor(tools.clock.wallMs() / DAY_MS);
    const known = spent.get(name);
    const calls = known?.day === day ? known.calls : 0;
    if (calls >= most) return false;
    spent.set(name, { day, calls: calls + 1 });
    return true;
  };

  const tick = (): void => {
    for (const due of listDue(tools.clock.monotonicMs())) void probe(due, init, mayCall);
    cancel = tools.clock.after(TICK_MS, tick);
  };
  const stop = (): void => {
    cancel?.();
    cancel = null;
  };
  const reload = (): void => {
    stop();
    const { health, providers } = config();
    // Where nobody is asked, nobody need look.
    if (providers.some((each) => (each.health?.probe ?? health.probe) !== "off")) tick();
  };

  reload();
  return { reload, stop };
}

async function probe(
  { provider, rules }: Due,
  init: ProbeInit,
  mayCall: (name: string, most: number) => boolean,
): Promise<void> {
  const accounts = provider.pool?.map((each) => each.provider) ?? [provider];
  const nowMs = init.tools.clock.monotonicMs();
  const all = init.fleet.list().filter((place) => place.provider === provider.name);
  await Promise.all(
    accounts.map(async (account) => {
      const label = account.account ?? null;
      // What an operator took out of service is asked nothing at all.
      if (init.controls.find({ provider: provider.name, account: label, model: null }) !== null) return;
      const places = all.filter((place) => place.account === label);
      const wanted = places.filter((place) => isWanted(place, nowMs, rules) && init.controls.find(place) === null);
      if (places.length > 0 && wanted.length === 0) return;
      if (rules.probe === "call" && wanted.length > 0) return askEach(account, wanted, { init, rules, mayCall });
      const failure = await lookAtModels(account, init.tools, findWire());
      init.fleet.looked({ provider: provider.name, account: label }, failure);
    }),
  );
}

/** What is left alone, and what answered once and was not asked of late. */
function isWanted(place: PlaceState, nowMs: number, rules: HealthSettings): boolean {
  if (place.state !== "closed" || place.parked !== null || place.keyParked !== null) return true;
  return nowMs - place.askedMs >= rules.probeIntervalMs;
}

async function askEach(
  account: Provider,
  places: readonly PlaceState[],
  {
    init,
    rules,
    mayCall,
  }: { init: ProbeInit; rules: HealthSettings; mayCall: (name: string, most: number) => boolean },
): Promise<void> {
  const caller = await findCaller(init.directory);
  if (caller === null) return;
  const speaks = (model: string): boolean => account.speaks(model).length > 0;
  // Names that were only asked for are not called: they came from outside.
  const known = places.filter(({ hasAnswered, model }) => hasAnswered && model !== null && speaks(model));
  for (const { model } of known.slice(0, MOST_CALLS_AT_ONCE)) {
    if (model === null || !mayCall(account.name, rules.probeCallsPerDay)) return;
    await askForToken(account, model, { tools: init.tools, wire: findWire(), caller, id: init.newId() });
  }
}

/** Whoever runs the gateway pays for it. */
async function findCaller(directory: ProbeInit["directory"]): Promise<Caller | null> {
  const root = await directory.findRoot();
  if (root === null) return null;
  const { id: userId, email, displayName, role } = root;
  return {
    userId,
    email,
    displayName,
    role,
    keyId: "",
    sessionId: null,
    scopes: [],
    isStrict: false,
    limits: null,
    tags: null,
  };
}

function findWire() {
  return guessWireAt("/v1/chat/completions", new Headers());
}
