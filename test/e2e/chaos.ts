// A gateway under load whose providers fail at random, and clients that leave at random: what each client had, what the providers saw and what the
// books say are held against each other, and what is left behind is counted. Everything random comes from one seed.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Served, issueKey, makeFolder, serve, waitUntil } from "./binary.ts";
import { type Faulty, type Fate, type Fates, SAID, drawFates, startFaulty, unit } from "./chaos-upstream.ts";
import { findOpen, readRows, verify } from "./kill.ts";
import { rm } from "node:fs/promises";

export interface ChaosPlan {
  seed: number;
  seconds: number;
  clients: number;
  onProgress?: (done: number, failed: number) => void;
}

export interface ChaosReport {
  seed: number;
  seconds: number;
  requests: number;
  /** What clients had. */
  outcomes: Record<Outcome, number>;
  /** Fates that calls met at providers. */
  fates: Partial<Record<Fate, number>>;
  calls: number;
  hedged: number;
  rows: number;
  rssMb: { first: number; last: number };
  files: { before: number; after: number };
  /** What was not to be; empty where all is well. */
  violations: string[];
}

/** `served`: whole; `told`: broken off late, and the client was told so; `left`: the client did not wait for it. */
type Outcome = "left" | "lost" | "served" | "silent" | "told";

interface Asked {
  id: string;
  outcome: Outcome;
  /** For whoever looks into it. */
  why: string;
}

const PROVIDERS = ["alpha", "beta", "gamma"];
const ROUTES = ["chaos-priority", "chaos-turns", "chaos-fast"];

/** Times are short, so that much happens in a run; the rules are those of every gateway. */
function writeConfig(providers: readonly Faulty[]): string {
  const targets = PROVIDERS.map((name) => `${name}/chaos`).join(", ");
  return [
    "log_level = error",
    "max_attempts = 8",
    "retry_backoff = 20ms",
    "retry_backoff_max = 200ms",
    "upstream_header_timeout = 900ms",
    "upstream_idle_timeout = 900ms",
    "breaker_open = 500ms",
    "breaker_open_max = 1s",
    ...providers.flatMap(({ name, url }) => [`[provider.${name}]`, `base_url = ${url}`]),
    "[route.chaos-priority]",
    `targets = ${targets}`,
    "[route.chaos-turns]",
    `targets = ${targets}`,
    "strategy = round-robin",
    "hedge = 150ms",
    "[route.chaos-fast]",
    `targets = ${targets}`,
    "strategy = least-latency",
    "hedge = yes",
    "",
  ].join("\n");
}

export async function runChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const fates = drawFates(plan.seed, PROVIDERS);
  const providers = await Promise.all(PROVIDERS.map((name) => startFaulty(name, fates)));
  const folder = makeFolder();
  const gateway = await serve({ folder, config: writeConfig(providers) });
  try {
    const keys = { user: (await issueKey(gateway)).token, admin: (await issueKey(gateway, "root_admin")).token };
    const asked: Asked[] = [];
    const load = { gateway, token: keys.user, plan, asked };
    await drive(load, { seconds: Math.min(2, plan.seconds / 4), tag: "warm" });
    const before = await measure(gateway);
    await withOutages(fates, plan, () => drive(load, { seconds: plan.seconds / 2, tag: "early" }));
    const middle = await measure(gateway);
    await withOutages(fates, plan, () => drive(load, { seconds: plan.seconds / 2, tag: "late" }));
    fates.heal();
    const ill = await recover(load, keys.admin);
    const after = await measure(gateway);
    gateway.signal("SIGTERM");
    const code = await gateway.exited;
    const books = await readBooks(folder);
    const violations = [
      ...ill,
      ...judgeAnswers(asked, fates, books.rows),
      ...judgeBooks(asked, providers, books.rows),
      ...judgeLeft({ before, middle, after }),
      ...(books.open === 0 ? [] : [`${books.open} intents are open after the end`]),
      ...books.broken,
      ...(code === 0 ? [] : [`the gateway ended with code ${code}: ${gateway.log().slice(-2_000)}`]),
    ];
    return {
      seed: plan.seed,
      seconds: plan.seconds,
      requests: asked.length,
      outcomes: countOutcomes(asked),
      fates: countFates(providers),
      calls: sum(providers.flatMap(({ called }) => [...called.values()])),
      hedged: books.rows.filter(({ attempts }) => attempts.some(isBeaten)).length,
      rows: books.rows.length,
      rssMb: { first: before.rssMb, last: after.rssMb },
      files: { before: before.files, after: after.files },
      violations,
    };
  } finally {
    gateway.signal("SIGKILL");
    await gateway.exited;
    for (const provider of providers) provider.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const OUTAGE_EVERY_MS = 3_000;

/** One provider after another is down for a while, never two at once. */
async function withOutages(fates: Fates, { seed }: ChaosPlan, work: () => Promise<void>): Promise<void> {
  let turn = Math.floor(unit(`${seed}/outage`) * PROVIDERS.length);
  const timer = setInterval(() => {
    turn++;
    fates.takeDown(turn % 2 === 0 ? null : (PROVIDERS[turn % PROVIDERS.length] ?? null));
  }, OUTAGE_EVERY_MS / 2);
  try {
    await work();
  } finally {
    clearInterval(timer);
    fates.takeDown(null);
  }
}

interface Load {
  gateway: Served;
  token: string;
  plan: ChaosPlan;
  asked: Asked[];
}

async function drive(load: Load, { seconds, tag }: { seconds: number; tag: string }): Promise<void> {
  const { plan, asked } = load;
  const endMs = performance.now() + seconds * 1_000;
  const run = async (client: number): Promise<void> => {
    for (let turn = 0; performance.now() < endMs; turn++) {
      asked.push(await askOnce(load, `${tag}-${client}-${turn}`));
      plan.onProgress?.(asked.length, asked.filter(({ outcome }) => outcome === "lost" || outcome === "silent").length);
    }
  };
  await Promise.all(Array.from({ length: plan.clients }, (_, client) => run(client)));
}

const LONGEST_MS = 60_000;
const LEAVES = 0.08;

/** One request of a kind that its id decides. */
async function askOnce({ gateway, token, plan }: Load, id: string): Promise<Asked> {
  const dice = (what: string): number => unit(`${plan.seed}/${id}/${what}`);
  const isStream = dice("stream") < 0.6;
  const isMessages = dice("format") < 0.3;
  const presence = new AbortController();
  const isLeaving = !id.startsWith("well") && dice("leaves") < LEAVES;
  const timer = setTimeout(() => presence.abort(), isLeaving ? dice("when") * 250 : LONGEST_MS);
  const path = isMessages ? "/v1/messages" : "/v1/chat/completions";
  try {
    const response = await fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "x-request-id": id },
      body: JSON.stringify({
        model: ROUTES[Math.floor(dice("route") * ROUTES.length)],
        stream: isStream,
        messages: [{ role: "user", content: "x" }],
        ...(isMessages ? { max_tokens: 99, metadata: { user_id: id } } : { user: id }),
      }),
      signal: presence.signal,
    });
    const text = await response.text();
    return { id, ...judgeText(response.status, text, isStream) };
  } catch (error) {
    return { id, outcome: isLeaving && presence.signal.aborted ? "left" : "lost", why: String(error) };
  } finally {
    clearTimeout(timer);
  }
}

function judgeText(status: number, text: string, isStream: boolean): Pick<Asked, "outcome" | "why"> {
  if (status !== 200) return { outcome: "lost", why: `${status} ${text.slice(0, 400)}` };
  const words = text.match(/word /gu)?.length ?? 0;
  const isWhole = isStream ? /data: \[DONE\]\s*$|"message_stop"\}\s*$/u.test(text) : text.endsWith("}");
  if (isWhole && words * "word ".length === SAID.length) return { outcome: "served", why: "" };
  if (/"error"\s*:|event: error/u.test(text)) return { outcome: words === 0 ? "lost" : "told", why: text.slice(-400) };
  return { outcome: "silent", why: text.slice(-400) };
}

/** With providers that are well: until nothing is left alone any more. */
async function recover(load: Load, admin: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${admin}` };
  let ill: string[] = [];
  const look = async (): Promise<boolean> => {
    await drive(load, { seconds: 0.2, tag: `well-${load.asked.length}` });
    const response = await fetch(`${load.gateway.url}/api/v1/admin/health/providers`, { headers });
    const { providers } = (await response.json()) as { providers: Health[] };
    ill = providers.flatMap(findIll);
    return ill.length === 0;
  };
  await waitUntil(look, "breakers to close").catch(() => undefined);
  return ill;
}

interface Health {
  name: string;
  models?: { model: string; state: string; in_flight: number }[];
}

function findIll(health: Health): string[] {
  const text = JSON.stringify(health);
  const isIll = /"state":"(?:half-open|open)"|"in_flight":[1-9]/u.test(text);
  return isIll ? [`after all were well again: ${text.slice(0, 500)}`] : [];
}

interface Measure {
  rssMb: number;
  files: number;
}

/** Once nothing is under way. */
async function measure({ pid }: Served): Promise<Measure> {
  await Bun.sleep(SETTLE_MS);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssMb = Math.round(Number(/VmRSS:\s+(\d+)/u.exec(status)?.[1] ?? 0) / 1024);
  return { rssMb, files: readdirSync(`/proc/${pid}/fd`).length };
}

const SETTLE_MS = 1_500;

interface Rest {
  before: Measure;
  middle: Measure;
  after: Measure;
}

/** Memory that is given back late is no leak: the second half may not take much more than the first had. */
const RSS_SHARE = 1.25;
const RSS_MB = 40;
/** Connections to providers are kept for the next call. */
const KEPT_FILES = 40;

function judgeLeft({ before, middle, after }: Rest): string[] {
  const violations: string[] = [];
  if (after.rssMb > middle.rssMb * RSS_SHARE + RSS_MB)
    violations.push(`memory grew: ${before.rssMb}, ${middle.rssMb}, ${after.rssMb} MB`);
  if (after.files > before.files + KEPT_FILES)
    violations.push(`open files grew: ${before.files}, ${middle.files}, ${after.files}`);
  return violations;
}

function judgeAnswers(asked: readonly Asked[], fates: Fates, rows: readonly Row[]): string[] {
  const bad = asked.filter(({ outcome }) => outcome === "lost" || outcome === "silent");
  const byId = new Map(rows.map((row) => [row.requestId, row]));
  return bad.map(({ id, outcome, why }) => {
    const met = PROVIDERS.map((name) => `${name} ${fates.of(name, id)}`).join(", ");
    const calls =
      byId
        .get(id)
        ?.attempts.map(({ provider }) => provider)
        .join(", ") ?? "none";
    return `${outcome} ${id}: there were ${met}; asked were ${calls}: ${why}`;
  });
}

type Row = Awaited<ReturnType<typeof readRows>>[number];

function isBeaten({ errorKind }: Row["attempts"][number], index: number, all: Row["attempts"]): boolean {
  return errorKind === "cancelled" && all.some((other, at) => at !== index && other.errorKind === null);
}

function judgeBooks(asked: readonly Asked[], providers: readonly Faulty[], rows: readonly Row[]): string[] {
  const byId = Map.groupBy(rows, ({ requestId }) => requestId);
  const violations: string[] = [];
  const count = (id: string): number => sum(providers.map(({ called }) => called.get(id) ?? 0));
  for (const { id, outcome } of asked) {
    const [row, ...more] = byId.get(id) ?? [];
    byId.delete(id);
    const seen = count(id);
    if (more.length > 0) violations.push(`${id} has ${more.length + 1} rows`);
    if (row === undefined) {
      // A client may leave before its request is there.
      if (outcome !== "left" || seen > 0) violations.push(`${outcome} ${id} has no row, and ${seen} calls`);
      continue;
    }
    if (row.errorKind === "interrupted") violations.push(`${id} was never settled`);
    const cut = row.attempts.filter(({ errorKind }) => errorKind === "cancelled").length;
    const recorded = row.attempts.length;
    // What was cut may not have got there.
    if (seen > recorded || seen < recorded - cut) {
      const kinds = row.attempts.map(({ provider, errorKind }) => `${provider} ${errorKind ?? "answered"}`);
      violations.push(`${outcome} ${id}: ${seen} calls came in, ${recorded} are on its row (${kinds.join(", ")})`);
    }
    if (outcome === "served" && row.errorKind !== null)
      violations.push(`${id} was served, its row says ${row.errorKind}`);
  }
  for (const id of byId.keys()) violations.push(`a row for ${id}, which nobody asked`);
  return violations;
}

async function readBooks(folder: string): Promise<{ rows: Row[]; open: number; broken: string[] }> {
  const home = join(folder, "home");
  const ledger = join(home, "ledger.db");
  const rows = await readRows(join(home, "identity.db"), ledger);
  return { rows, open: findOpen(ledger), broken: await verify(folder, null) };
}

function countOutcomes(asked: readonly Asked[]): ChaosReport["outcomes"] {
  const counts = { left: 0, lost: 0, served: 0, silent: 0, told: 0 };
  for (const { outcome } of asked) counts[outcome]++;
  return counts;
}

function countFates(providers: readonly Faulty[]): ChaosReport["fates"] {
  const counts: ChaosReport["fates"] = {};
  for (const { met } of providers) for (const [fate, count] of met) counts[fate] = (counts[fate] ?? 0) + count;
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
