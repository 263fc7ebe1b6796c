// The processes of a soak: providers and clients, each of its own, and the gateway between them. Knows no verdict.

import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../../src/store/index.ts";
import { fill, makeToken } from "../crowd.ts";
import { type Talker, startTalker } from "../http/talk.ts";
import type { LoadResult } from "../load/type.ts";
import type { Script } from "../mock/script.ts";
import { makeTokligence } from "../peer/tokligence.ts";
import type { RunningPeer } from "../peer/type.ts";
import { buildGateway } from "../run/build.ts";
import { type Cores, pin } from "../run/core.ts";
import {
  GAP_MS,
  MIX,
  type Part,
  type PartName,
  PIECES,
  type Upstream,
  findPart,
  makeAim,
  printSections,
} from "./mix.ts";

const BENCH = join(import.meta.dir, "..");
const KEYS = 1_000;
/** For each part: what a stall of a second may keep busy. */
const MOST_CONNECTIONS = 256;

const ANSWERS = {
  broken: { kind: "failure" },
  streams: { kind: "stream", pieces: PIECES, gapMs: GAP_MS },
  whole: { kind: "whole", bytes: 600 },
} as const satisfies Record<Upstream, Script["answer"]>;

export type PartResults = Readonly<Record<PartName, LoadResult>>;

export interface Crew {
  gateway: RunningPeer;
  /** All parts at once, at so many requests a second together. */
  ask(perSecond: number, seconds: number): Promise<PartResults>;
  /** Rows of each part, and the requests they are of, so far. */
  countRows(): Record<PartName, { rows: number; requests: number }>;
  stop(): Promise<void>;
}

export async function startCrew(folder: string, cores: Cores | null): Promise<Crew> {
  const started: { stop(): Promise<void> }[] = [];
  const start = (role: keyof Cores, file: string): Talker => {
    const talker = startTalker(pin(cores, role, [process.execPath, join(BENCH, file)]));
    started.push(talker);
    return talker;
  };
  const ports: Record<Upstream, number> = { broken: 0, streams: 0, whole: 0 };
  for (const [name, answer] of Object.entries(ANSWERS)) {
    const script: Script = { model: MIX.plain.model, delayMs: 0, answer };
    const { port } = await start("upstream", "mock/main.ts").ask<{ port: number }>({ script });
    ports[name as Upstream] = port;
  }
  const home = join(folder, "home");
  mkdirSync(home);
  const peer = makeTokligence({
    about: "as installed",
    executable: buildGateway,
    settings: [],
    engine: "sqlite",
    keepsBooks: true,
    sections: printSections(ports),
    seed: seedKeys,
  });
  const gateway = await peer.start({ folder: home, upstreamPort: ports.whole, cores });
  started.push(gateway);
  const address = gateway.address({ client: "openai-chat", upstream: "openai-chat" });
  const loads = listParts().map(([name, part]) => ({
    name,
    part,
    load: start("load", "load/main.ts"),
    aim: makeAim(part, address),
  }));
  const db = new Database(join(home, "ledger.db"), { readonly: true });
  return {
    gateway,
    async ask(perSecond, seconds) {
      const asked = loads.map(async ({ name, part, load, aim }) => {
        const connections = Math.max(8, Math.min(MOST_CONNECTIONS, Math.ceil(perSecond * part.share)));
        const pattern = { kind: "rate", connections, perSecond: perSecond * part.share };
        await load.ask({ open: { aim, pattern } });
        const result = await load.ask<LoadResult>({ measure: { seconds } });
        await load.ask({ close: true });
        return [name, result] as const;
      });
      return Object.fromEntries(await Promise.all(asked)) as PartResults;
    },
    countRows: () => countRows(db),
    async stop() {
      db.close();
      for (const each of started.toReversed()) await each.stop();
    },
  };
}

export function listParts(): [PartName, Part][] {
  return Object.entries(MIX) as [PartName, Part][];
}

async function seedKeys(paths: { identityPath: string; ledgerPath: string }): Promise<string[]> {
  const database = { maxConnections: 1, maxIdleMs: 60_000, maxLifetimeMs: 600_000 };
  await (await openStore({ ...paths, database })).close();
  await fill({ engine: "sqlite", location: paths.identityPath, users: KEYS / 2, keys: KEYS });
  return Array.from({ length: KEYS }, (_, index) => makeToken(index));
}

const COUNT = `select model_asked as model, count(*) as rows, count(distinct request_id) as requests
  from ledger_entries where kind = 'call' group by model_asked`;

function countRows(db: Database): Record<PartName, { rows: number; requests: number }> {
  const sums = Object.fromEntries(listParts().map(([name]) => [name, { rows: 0, requests: 0 }])) as Record<
    PartName,
    { rows: number; requests: number }
  >;
  for (const { model, rows, requests } of db
    .query<{ model: string; rows: number; requests: number }, []>(COUNT)
    .all()) {
    const name = findPart(model);
    if (name === null) throw new Error(`Nobody asked for ${model}, and it has a row.`);
    sums[name].rows += rows;
    sums[name].requests += requests;
  }
  return sums;
}
