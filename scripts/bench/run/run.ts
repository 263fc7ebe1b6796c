// A whole run: who takes part is started, scenarios are measured one after the other, and in each of them all who take part by turns, again and again,
// so that whatever else the machine does falls on all alike. Knows no table.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Talker, startTalker } from "../http/talk.ts";
import { buildGateway, buildLedgerless } from "./build.ts";
import type { Peer, RunningPeer } from "../peer/type.ts";
import { rotate } from "../report/statistic.ts";
import { type Scenario, listPeers } from "../scenario/type.ts";
import { type Cores, pin } from "./core.ts";
import { listGroup, readRssBytes } from "./proc.ts";
import { type Round, measureRound, settle, tryOnce, warm } from "./round.ts";

export interface Plan {
  scenarios: ReadonlyMap<string, Scenario>;
  /** Of all scenarios together, without the provider itself, which is always asked. */
  peers: ReadonlyMap<string, Peer>;
  /** Who takes part in a scenario that does not say. */
  usual: readonly string[];
  /** How one is asked in a scenario, where that is not as all are. */
  adapt?: (name: string, scenario: Scenario) => Scenario;
  rounds: number;
  seconds: number;
  /** At a fixed rate it goes on until there are so many: of fewer, the slowest say nothing. */
  leastRequests: number;
  /**
   * How long each is asked before anything is measured, or how often: a runtime that compiles as it goes takes some ten thousand requests to be as
   * quick as it gets.
   */
  warmUp: { seconds: number; requests?: number };
  /** How often each is started, for the time that it takes. */
  starts: number;
  /** 0: any. */
  upstreamPort: number;
  cores: Cores | null;
  /** How long the last rows of a round may take to be in the books. */
  settleMs: number;
  onProgress: (line: string) => void;
}

/** By scenario, and in it by who took part; `direct` is the provider itself. */
export interface Outcome {
  rounds: ReadonlyMap<string, ReadonlyMap<string, readonly Round[]>>;
  /** Why somebody does not appear in a scenario. */
  absent: ReadonlyMap<string, ReadonlyMap<string, string>>;
  peers: ReadonlyMap<string, PeerFigures>;
}

export interface PeerFigures {
  version: string;
  about: string;
  startMs: readonly number[];
  /** After it has answered once, at most under load, and at the end with nothing to do. */
  rssBytes: { start: number; load: number; after: number };
  /** Rows of its books, at the end, beyond the first of a request. */
  doubleRows: number;
}

export const DIRECT = "direct";
const REST_MS = 3_000;
/** Whoever is asked in a new way for the first time takes a while longer. */
const FIRST_WARM_SECONDS = 0.6;
const WARM_SECONDS = 0.3;

export async function run(plan: Plan): Promise<Outcome> {
  const { cores } = plan;
  const folder = mkdtempSync(join(tmpdir(), "tokligence-bench-"));
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", clean);
  const own = join(import.meta.dir, "..");
  const mock = startTalker(
    pin(cores, "upstream", [process.execPath, join(own, "mock/main.ts"), String(plan.upstreamPort)]),
  );
  const load = startTalker(pin(cores, "load", [process.execPath, join(own, "load/main.ts")]));
  const running = new Map<string, RunningPeer>();
  const peers = new Map<string, PeerFigures>();
  try {
    const { port } = await mock.ask<{ port: number }>({ script: PLAIN });
    running.set(DIRECT, makeDirect(port));
    for (const [name, peer] of plan.peers) {
      plan.onProgress(`starting ${name}`);
      await peer.install?.();
      const started = await startAgain({ name, peer, plan, folder, port, cores });
      running.set(name, started.running);
      peers.set(name, started.figures);
    }
    await warmUp({ plan, running, mock, load });
    const measured = await measureAll({ plan, running, mock, load });
    await rest(running, peers, measured.rounds);
    for (const [name, figures] of peers) figures.doubleRows = (await running.get(name)?.countDoubles?.()) ?? 0;
    return { ...measured, peers };
  } finally {
    for (const peer of running.values()) await peer.stop();
    await Promise.all([mock.stop(), load.stop()]);
    clean();
    process.off("exit", clean);
  }
}

const WARM_UP = {
  about: "warming up",
  client: "openai-chat",
  upstream: "openai-chat",
  model: "gpt-4o-mini",
  bytes: 1_000,
  answer: { kind: "whole", bytes: 600 },
  pattern: { kind: "closed", connections: 32 },
} as const satisfies Scenario;

const PLAIN = { model: "gpt-4o-mini", delayMs: 0, answer: { kind: "whole", bytes: 100 } } as const;

function makeDirect(port: number): RunningPeer {
  return {
    version: "",
    address: () => ({ hostname: "127.0.0.1", port, headers: {} }),
    pid: null,
    startMs: null,
    countRows: null,
    stop: async () => undefined,
  };
}

interface Start {
  name: string;
  peer: Peer;
  plan: Plan;
  folder: string;
  port: number;
  cores: Cores | null;
}

async function startAgain({ name, peer, plan, folder, port, cores }: Start) {
  const startMs: number[] = [];
  for (let left = plan.starts; ; left--) {
    const own = join(folder, `${name}-${left}`);
    mkdirSync(own);
    const running = await peer.start({ folder: own, upstreamPort: port, cores });
    if (running.startMs !== null) startMs.push(running.startMs);
    if (left > 1 && running.startMs !== null) {
      await running.stop();
      continue;
    }
    const pids = running.pid === null ? [] : listGroup(running.pid);
    await settle(pids, plan.settleMs);
    const start = running.pid === null ? Number.NaN : readRssBytes(pids);
    const figures = {
      version: running.version,
      about: peer.about,
      startMs,
      rssBytes: { start, load: start, after: start },
      doubleRows: 0,
    };
    return { running, figures };
  }
}

interface Ground {
  plan: Plan;
  running: ReadonlyMap<string, RunningPeer>;
  mock: Talker;
  load: Talker;
}

/** Each in turn and without a pause, by what all of them can do. */
async function warmUp({ plan, running, mock, load }: Ground): Promise<void> {
  const { settleMs } = plan;
  const { seconds, ...requests } = plan.warmUp;
  const scenario = { ...WARM_UP, pattern: { ...WARM_UP.pattern, ...requests } };
  for (const [name, peer] of running) {
    if (name === DIRECT) continue;
    plan.onProgress(`warming up ${name}`);
    await warm({ load, mock, peer, scenario, seconds, settleMs });
  }
}

async function measureAll(ground: Ground): Promise<Pick<Outcome, "absent" | "rounds">> {
  const rounds = new Map<string, Map<string, Round[]>>();
  const absent = new Map<string, Map<string, string>>();
  for (const [id, scenario] of ground.plan.scenarios) {
    const { takers, reasons } = await findTakers(ground, scenario);
    absent.set(id, reasons);
    rounds.set(id, await measureScenario(ground, { id, scenario, takers }));
  }
  return { rounds, absent };
}

async function findTakers({ plan, running, mock, load }: Ground, scenario: Scenario) {
  const { settleMs } = plan;
  const takers = new Map<string, RunningPeer>();
  const reasons = new Map<string, string>();
  for (const [name, peer] of running) {
    const takes =
      name === DIRECT
        ? scenario.upstream !== "loopback"
        : listPeers(scenario, plan.usual).includes(name) && plan.peers.get(name)?.takes(scenario) === true;
    if (!takes) continue;
    const fault = await tryOnce({ load, mock, peer, scenario: askAs(name, scenario), settleMs });
    if (fault === null) takers.set(name, peer);
    else reasons.set(name, fault);
  }
  return { takers, reasons };
}

interface Turn {
  id: string;
  scenario: Scenario;
  takers: ReadonlyMap<string, RunningPeer>;
}

async function measureScenario({ plan, mock, load }: Ground, { id, scenario, takers }: Turn) {
  const rounds = new Map<string, Round[]>([...takers.keys()].map((name) => [name, []]));
  const { settleMs } = plan;
  const { pattern } = scenario;
  const leastSeconds = pattern.kind === "rate" ? plan.leastRequests / pattern.perSecond : 0;
  const seconds = Math.max(plan.seconds, leastSeconds);
  for (let round = 0; round < plan.rounds; round++) {
    for (const [name, peer] of rotate([...takers], round)) {
      plan.onProgress(`${id}: round ${round + 1} of ${plan.rounds}, ${name}`);
      const warmSeconds = round === 0 ? FIRST_WARM_SECONDS : WARM_SECONDS;
      const adapted = plan.adapt?.(name, scenario) ?? scenario;
      const measured = { scenario: askAs(name, adapted), seconds, warmSeconds, settleMs };
      rounds.get(name)?.push(await measureRound({ load, mock, peer, ...measured }));
    }
  }
  return rounds;
}

/** The provider itself is asked in its own format, whatever the client speaks. */
function askAs(name: string, scenario: Scenario): Scenario {
  return name !== DIRECT || scenario.upstream === "loopback" ? scenario : { ...scenario, client: scenario.upstream };
}

async function rest(
  running: ReadonlyMap<string, RunningPeer>,
  peers: ReadonlyMap<string, PeerFigures>,
  rounds: Outcome["rounds"],
): Promise<void> {
  await Bun.sleep(REST_MS);
  for (const [name, figures] of peers) {
    const pid = running.get(name)?.pid ?? null;
    if (pid === null) continue;
    const most = [...rounds.values()].flatMap((each) => each.get(name) ?? []).map(({ rssBytes }) => rssBytes);
    figures.rssBytes.load = Math.max(figures.rssBytes.start, ...most);
    figures.rssBytes.after = readRssBytes(listGroup(pid));
  }
}

/** Before anything is started, so that nothing is measured while it runs. */
export async function buildExecutables(names: Iterable<string>): Promise<string | null> {
  const ours = [...names].filter((name) => name.startsWith("tokligence"));
  if (ours.length === 0) return null;
  if (ours.includes("tokligence-no-ledger")) await buildLedgerless();
  return buildGateway();
}
