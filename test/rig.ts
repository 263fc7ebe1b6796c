// A whole gateway in this process, without a port: real store in a temporary folder, scripted upstream, clock in the test's hand.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../src/config/value.ts";
import type { RunningRecounter } from "../src/audit/index.ts";
import {
  type Counters,
  type Dial,
  type Fetch,
  type Memory,
  type OpenSharing,
  createCapture,
  createMemory,
  openControls,
} from "../src/gateway/index.ts";
import {
  type Directory,
  type KeyRing,
  type KeyWish,
  type Role,
  type Tries,
  createAdmission,
  createDirectory,
  createKeyRing,
  createSessionDirectory,
  createSignIn,
} from "../src/identity/index.ts";
import { type Alert, type Budgets, type LedgerEntry, type LedgerWriter, createPriceBook } from "../src/ledger/index.ts";
import { loadBundledPrices } from "../src/ledger/price-list.ts";
import { openLocalPasses } from "../src/cli/local-key.ts";
import { openSecretKeys } from "../src/cli/secret-key.ts";
import { createSpool } from "../src/lib/spool.ts";
import { connectWebSocket } from "../src/lib/web-socket.ts";
import { watchIntents } from "./intent-watch.ts";
import { createRedactor } from "../src/lib/redact.ts";
import type { Mail, Smtp } from "../src/notice/index.ts";
import { type App, type AppParts, createApp, createReader, makePriceRules } from "../src/server/index.ts";
import { type SettingsInit, openSettings } from "./rig-setting.ts";
import { type Store, openStore } from "../src/store/index.ts";
import { createLog } from "../src/telemetry/log.ts";
import { createMetrics } from "../src/telemetry/metric.ts";
import { type TestClock, makeClock } from "./clock.ts";
import { openTestRecounter } from "./recounting.ts";
import { makeReuseConfig, openShelf } from "./reuse-config.ts";
import { bindIn, makeBooks } from "./rig-books.ts";
import { type Upstream, type UpstreamCall, answer } from "./rig-upstream.ts";
import { HEALTH } from "./rig-health.ts";
import { makeProviderSettings } from "./rig-provider.ts";

export { type TestClock, makeClock } from "./clock.ts";
export type { Upstream, UpstreamCall } from "./rig-upstream.ts";
export { makeProviderSettings } from "./rig-provider.ts";
export { makeStream, readJson } from "./stream.ts";

export interface Rig {
  app: App;
  config: Config;
  store: Store;
  directory: Directory;
  ring: KeyRing;
  memory: Memory;
  ledger: LedgerWriter;
  /** Off unless the configuration says otherwise. */
  recounter: RunningRecounter;
  budgets: Budgets;
  /** What was told of budgets. */
  alerts: Alert[];
  clock: TestClock;
  /** Calls that reached an upstream, model lists left out. */
  calls: UpstreamCall[];
  log: string[];
  /** A user of that role with a fresh key. */
  issue(role?: Role, options?: KeyWish): Promise<{ userId: string; email: string; keyId: string; token: string }>;
  /** A request with a key of a gateway user, unless `token` says otherwise (null: none). */
  send(
    path: string,
    init?: {
      method?: string;
      body?: unknown;
      token?: string | null;
      headers?: Record<string, string>;
      signal?: AbortSignal;
    },
  ): Promise<Response>;
  chat(body: Record<string, unknown>, init?: Parameters<Rig["send"]>[1]): Promise<Response>;
  /** The gateway as the `fetch` of an SDK. */
  fetch: typeof fetch;
  rows(): Promise<LedgerEntry[]>;
  /** The only row there is. */
  row(): Promise<LedgerEntry>;
  close(): Promise<void>;
}

interface RigInit extends SettingsInit {
  upstream?: Upstream;
  /** In place of a scripted upstream: calls that go out, piece by piece as they are made. */
  fetch?: Fetch;
  config?: (config: Config) => Config;
  /** In place of one that stands still. */
  clock?: TestClock;
  /** Where several gateways tell each other how the providers are doing. */
  share?: OpenSharing;
  /** Where rate limits are counted, where that is not the gateway alone. */
  counters?: Counters;
  /** Likewise, tries to get in. */
  tries?: Tries;
  /** Other processes of the same gateway. */
  crew?: NonNullable<AppParts["crew"]>;
  /** Where connecting is to be watched. */
  dial?: Dial;
  /** Addresses of hosts, where they are to be looked up. */
  lookup?: (hostname: string) => Promise<readonly string[]>;
  /** Who signs the chain; nobody who could, unless a test says so. */
  key?: (config: Config) => { id: string; publicKey: string };
  /** In place of a mail server. */
  sendMail?: (smtp: Smtp, mail: Mail) => Promise<void>;
  isForeign?: AppParts["isForeign"];
  /** Stands before the writer. */
  ledger?: (writer: LedgerWriter) => LedgerWriter;
  /** Prices above the bundled list. */
  prices?: (config: Config) => Parameters<typeof makePriceRules>[1];
  /** In place of the real books, for faults. */
  append?: (entries: readonly LedgerEntry[]) => unknown;
}

export async function makeRig(init: RigInit = {}): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), "tokligence-test-"));
  const base = makeConfig(folder);
  const config = init.config?.(base) ?? base;
  const store = await openStore(config);
  const clock = init.clock ?? makeClock();
  const directory = createDirectory({ store: store.identity, now: clock.wallMs });
  await directory.ensureRoot("admin@local");
  const ring = createKeyRing({
    store: store.identity,
    now: clock.wallMs,
    onError: (error) => {
      throw error;
    },
  });
  await ring.load();
  const lines: string[] = [];
  let redact = createRedactor(config.secrets);
  const log = createLog({
    level: "debug",
    pretty: false,
    write: (line) => void lines.push(line),
    keep: null,
    redact: (text) => redact(text),
    now: () => new Date(clock.wallMs()),
  });
  const calls: UpstreamCall[] = [];
  const memory = createMemory({
    store: store.answers,
    clock,
    limits: config.answers,
    isShared: config.identityPath.includes("://"),
    onFault: (error) => log.error("memory fault", { error }),
  });
  const { journal, close: closeJournal } = await store.openJournal({
    outboxPath: config.outboxPath,
    durability: config.durability,
    ...bindIn(config),
    key: init.key?.(config) ?? { id: "test", publicKey: "" },
    findHead: () => null,
    now: new Date(clock.wallMs()),
    after: clock.after,
    onTiding: (tiding) => log.error("tiding", { ...tiding }),
  });
  const metrics = createMetrics();
  const parts = { store, journal, clock, config, log, metrics, append: init.append };
  const { ledger, budgets, alerts } = await makeBooks(parts);
  const capture = createCapture({
    isOn: () => config.ledger.capture,
    write: (payloads) => store.ledger.putPayloads(payloads),
    onFault: (error) => log.error("capture fault", { error }),
  });
  const recounter = openTestRecounter(config, {
    store,
    ledger,
    clock,
    log,
    countInput: (question) => app.countInput(question),
  });
  const books = watchIntents(config);
  const settings = await openSettings({ store, folder, clock, log }, init);
  const app = createApp({
    config,
    directory,
    signIn: createSignIn({ store: store.identity, now: clock.wallMs }),
    signedIn: createSessionDirectory({ store: store.identity, now: clock.wallMs, directory }),
    admission: createAdmission({ store: store.identity, now: clock.wallMs }),
    sendMail: init.sendMail ?? (() => Promise.reject(new Error("there is no mail server"))),
    isContainer: false,
    ...(init.isForeign === undefined ? {} : { isForeign: init.isForeign }),
    ...openLocalPasses(config, log),
    ring,
    books: createReader(store),
    capture,
    ledger: init.ledger?.(ledger) ?? ledger,
    recounter,
    prices: createPriceBook(makePriceRules(config, [...(init.prices?.(config) ?? []), await loadBundledPrices()])),
    budgets,
    budgetStore: store.budgets,
    bindings: store.bindings,
    controls: await openControls(store.controls),
    ...(init.share === undefined ? {} : { share: init.share }),
    ...(init.counters === undefined ? {} : { counters: init.counters }),
    ...(init.tries === undefined ? {} : { tries: init.tries }),
    ...(init.crew === undefined ? {} : { crew: init.crew }),
    routeStore: store.routes,
    changes: store.changes,
    providerStore: store.providers,
    secretKeys: openSecretKeys(() => config),
    learn(effective) {
      redact = createRedactor(effective.secrets);
      store.changes.hide(effective.secrets);
    },
    limitStore: store.limits,
    settings,
    openSpool: () => createSpool(folder, SPOOL_MEMORY_BYTES),
    memory,
    shelf: await openShelf(config, { clock, log }),
    ping: store.ping,
    fetch: init.fetch ?? ((url, request) => answer(url, request, { upstream: init.upstream, calls, books })),
    connect: books.watch(connectWebSocket),
    ...(init.dial === undefined ? {} : { dial: init.dial }),
    ...(init.lookup === undefined ? {} : { lookup: init.lookup }),
    clock,
    newId: () => Bun.randomUUIDv7(),
    log,
    metrics,
    version: "0.0.0-test",
    commit: "test",
  });
  const issue: Rig["issue"] = async (role = "gateway_user", options = {}) => {
    const email = `${role}-${Bun.randomUUIDv7()}@example.com`;
    const user = await directory.createUser({ kind: "operator" }, { email, role });
    const key = await directory.createKey({ kind: "operator" }, user.id, options);
    await ring.refresh();
    return { userId: user.id, email, keyId: key.key.id, token: key.token };
  };
  const { token: defaultToken } = await issue();
  const send: Rig["send"] = async (path, options = {}) => {
    const token = options.token === undefined ? defaultToken : options.token;
    const headers = new Headers(options.headers);
    if (token !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
    const body = options.body === undefined ? undefined : printBody(options.body);
    if (typeof body === "string" && !headers.has("content-type")) headers.set("content-type", "application/json");
    return app.fetch(
      new Request(`http://gateway.test${path}`, {
        method: options.method ?? (body === undefined ? "GET" : "POST"),
        headers,
        ...(body === undefined ? {} : { body }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      }),
    );
  };
  const rows = async (): Promise<LedgerEntry[]> => (await store.ledger.page({}, 1_000, null)).entries;
  return {
    app,
    config,
    store,
    directory,
    ring,
    memory,
    ledger,
    recounter,
    budgets,
    alerts,
    clock,
    calls,
    log: lines,
    issue,
    send,
    chat: (body, options) => send("/v1/chat/completions", { ...options, body }),
    fetch: Object.assign(
      async (input: Parameters<typeof fetch>[0], options?: RequestInit) =>
        app.fetch(input instanceof Request ? new Request(input, options) : new Request(String(input), options)),
      { preconnect: () => undefined },
    ),
    rows,
    async row() {
      const found = await rows();
      const [only] = found;
      if (only === undefined || found.length !== 1) throw new Error(`expected one row, found ${found.length}`);
      return only;
    },
    async close() {
      const unannounced = books.close();
      app.close();
      await memory.stop();
      await ring.stop();
      await recounter.stop(0);
      await budgets.stop();
      await closeJournal(0);
      await store.close();
      await rm(folder, { recursive: true, force: true });
      if (unannounced.length > 0) throw new Error(`Called before it was on the books: ${unannounced.join(", ")}`);
    },
  };
}

/** A string goes out as it is, so that a test can send what is not JSON. */
function printBody(body: unknown): string | FormData | ReadableStream {
  if (body instanceof FormData || body instanceof ReadableStream) return body;
  return typeof body === "string" ? body : JSON.stringify(body);
}

/** Small, so that tests get beyond it. */
const SPOOL_MEMORY_BYTES = 1024;

export const OPENAI_KEY = "sk-canary-openai-0123456789";
export const ANTHROPIC_KEY = "sk-ant-canary-0123456789";

export function makeConfig(folder: string): Config {
  return {
    environment: "test",
    home: folder,
    http: { hostname: "127.0.0.1", port: 0, tlsCert: null, tlsKey: null, tlsCertHash: null, maxBodyBytes: 1024 * 1024 },
    adminEmail: "admin@local",
    entry: { trustedProxies: [], badKeysPerMinute: 0 },
    signIn: { publicUrl: null, isLocalRootFree: true },
    oidc: null,
    identityPath: join(folder, "identity.db"),
    ledgerPath: join(folder, "ledger.db"),
    ledger: {
      anchors: [],
      anchorIntervalMs: 3_600_000,
      capture: false,
      keyFile: join(folder, "ledger.key"),
      retention: { capturedMs: 0, payloadHashesMs: 0, rowsMs: 0 },
      signIntervalMs: 60_000,
    },
    metrics: { isPublic: false },
    budgets: { alerts: [], declared: [], defaultOutputTokens: 4_096, whenUnreachable: "allow" },
    smtp: null,
    outboxPath: join(folder, "outbox.db"),
    outbox: { maxBytes: 2 ** 30, whenFull: "refuse" },
    durability: "process",
    database: { maxConnections: 4, maxIdleMs: 60_000, maxLifetimeMs: 600_000 },
    log: { level: "debug", fileDaemon: null, fileCli: null },
    answers: { keepMs: 30 * 86_400_000, countPerUser: 10_000, bytesPerUser: 2 ** 28, bytes: 2 ** 32 },
    ...makeReuseConfig(folder),
    // Tests of other things count their calls.
    travel: { maxAttempts: 1, backoff: { baseMs: 100, capMs: 1_000 }, totalMs: 120_000, hedgeAfterMs: 10_000 },
    health: HEALTH,
    timeouts: {
      keepAliveMs: 0,
      upstream: { connect: 10_000, firstOutput: 120_000, header: 60_000, idle: 30_000, total: 3_600_000 },
      shutdownMs: 1_000,
    },
    caps: { total: 0, perKey: 0, perUser: 0, perProvider: 0, queueLength: 10, queueMs: 5_000, responseBytes: 2 ** 27 },
    prices: { overrides: [], file: null, publicKey: null, marketFile: null, refreshMs: 3_600_000, onUnknown: "allow" },
    recount: {
      isOn: false,
      asksProviders: false,
      tolerancePercent: 3,
      maxRows: 2_000,
      maxBytes: 2 ** 25,
      tokenizers: [],
    },
    modelsRefreshMs: 600_000,
    workMode: "auto",
    workers: 1,
    secretKeys: [],
    allowsPrivateProviders: false,
    providers: [
      makeProviderSettings({ name: "loopback", kind: "loopback" }),
      makeProviderSettings({
        name: "openai",
        kind: "openai",
        baseUrl: "http://openai.test/v1",
        apiKey: OPENAI_KEY,
        needsApiKey: true,
      }),
      makeProviderSettings({
        name: "anthropic",
        kind: "anthropic",
        baseUrl: "http://anthropic.test",
        apiKey: ANTHROPIC_KEY,
        needsApiKey: true,
      }),
      makeProviderSettings({ name: "local", kind: "compatible", baseUrl: "http://local.test/v1" }),
    ],
    routes: [],
    defaultRoutes: [
      { pattern: "loopback", targets: [{ provider: "loopback", model: null }], origin: "default" },
      { pattern: "gpt-*", targets: [{ provider: "openai", model: null }], origin: "default" },
      { pattern: "text-embedding-*", targets: [{ provider: "openai", model: null }], origin: "default" },
      { pattern: "claude*", targets: [{ provider: "anthropic", model: null }], origin: "default" },
    ],
    aliases: [],
    defaultAliases: [],
    secrets: [OPENAI_KEY, ANTHROPIC_KEY],
  };
}
