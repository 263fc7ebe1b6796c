// The words after `bun run bench`. Knows nothing of how they are carried out.

import { parseArgs } from "node:util";
import { PEERS } from "../peer/index.ts";
import { makeOutside } from "../peer/outside.ts";
import type { Peer } from "../peer/type.ts";
import { QUICK, SCENARIOS, USUAL, USUAL_PEERS, findScenarios } from "../scenario/index.ts";
import { type Scenario, listPeers } from "../scenario/type.ts";
import { readAmount, readCount, splitList } from "../../flag.ts";

export interface Options {
  scenarios: ReadonlyMap<string, Scenario>;
  peers: ReadonlyMap<string, Peer>;
  usual: readonly string[];
  rounds: number;
  seconds: number;
  starts: number;
  warmUp: { seconds: number };
  upstreamPort: number;
  /** Where to write all of it as JSON. */
  json: string | null;
  /** One table for README instead of all of them. */
  isReadme: boolean;
  isHelp: boolean;
}

export const HELP = `bun run bench [options]: this gateway beside others in front of a provider on this machine, by turns.

  --quick                 the scenarios that show most, in two or three minutes
  --scenario A,B          only these; a name's beginning is enough: chat-1k, sse, ledger
  --only A,B              only these who take part: ${Object.keys(PEERS).join(", ")}
  --rounds N              how often each is measured in each scenario (5; quick: 3)
  --seconds S             how long each time (1; quick: 0.5)
  --starts N              how often each is started (5; quick: 3)
  --json FILE             write all that was measured
  --readme                print what README shows, in place of all tables
  --peer NAME=URL         one more, which answers there and calls the provider at --upstream-port
  --peer-key NAME=KEY     its key
  --peer-command NAME=... how it is started; {upstream} stands for the provider's address, {upstream_port} for its port.
                          Without it, it runs already, and what it takes of the machine is not measured
  --upstream-port PORT    of the provider (any)

Scenarios: ${Object.keys(SCENARIOS).join(", ")}`;

export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      help: { type: "boolean", default: false },
      json: { type: "string" },
      only: { type: "string" },
      peer: { type: "string", multiple: true, default: [] },
      "peer-command": { type: "string", multiple: true, default: [] },
      "peer-key": { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      readme: { type: "boolean", default: false },
      rounds: { type: "string" },
      scenario: { type: "string" },
      seconds: { type: "string" },
      starts: { type: "string" },
      "upstream-port": { type: "string" },
    },
  });
  const outside = readOutside(values.peer, values["peer-key"], values["peer-command"]);
  const named = values.scenario === undefined ? null : findScenarios(readList("scenario", values.scenario));
  const asked = new Map<string, Scenario>(
    (named ?? (values.quick ? QUICK : USUAL)).map((name) => [name, SCENARIOS[name]]),
  );
  const only = values.only === undefined ? null : readList("only", values.only);
  const usual = only ?? [...USUAL_PEERS, ...outside.keys()];
  const peers = choosePeers({ ...PEERS, ...Object.fromEntries(outside) }, { only, usual, scenarios: asked });
  const scenarios = chooseScenarios(asked, { peers, usual, isNamed: named !== null });
  return {
    scenarios,
    peers,
    usual,
    rounds: read("rounds", values.rounds, readCount) ?? (values.quick ? 3 : 5),
    seconds: read("seconds", values.seconds, (text) => readAmount(text)) ?? (values.quick ? 0.5 : 1),
    starts: read("starts", values.starts, readCount) ?? (values.quick ? 3 : 5),
    upstreamPort: read("upstream-port", values["upstream-port"], (text) => readCount(text, { most: 65_535 })) ?? 0,
    warmUp: { seconds: values.quick ? 4 : 10 },
    json: values.json ?? null,
    isReadme: values.readme,
    isHelp: values.help,
  };
}

interface Choice {
  only: readonly string[] | null;
  usual: readonly string[];
  scenarios: ReadonlyMap<string, Scenario>;
}

/** Nobody is started who takes part in nothing. */
function choosePeers(all: Readonly<Record<string, Peer>>, { only, usual, scenarios }: Choice): Map<string, Peer> {
  for (const name of only ?? []) {
    if (!Object.hasOwn(all, name))
      throw new Error(`Nobody here is called ${name}. There are: ${Object.keys(all).join(", ")}`);
  }
  const asked = new Set(
    [...scenarios.values()]
      .flatMap((scenario) => listPeers(scenario, usual))
      .filter((name) => only?.includes(name) ?? true),
  );
  const isNeeded = ([name, peer]: [string, Peer]): boolean =>
    asked.has(name) && [...scenarios.values()].some((each) => peer.takes(each));
  return new Map(Object.entries(all).filter(isNeeded));
}

interface Asked {
  peers: ReadonlyMap<string, Peer>;
  usual: readonly string[];
  isNamed: boolean;
}

/** In which nobody takes part says nothing: asked for by name it is a mistake. */
function chooseScenarios(all: ReadonlyMap<string, Scenario>, { peers, usual, isNamed }: Asked): Map<string, Scenario> {
  const hasTakers = (scenario: Scenario): boolean =>
    listPeers(scenario, usual).some((name) => peers.get(name)?.takes(scenario) === true);
  const idle = [...all].filter(([, scenario]) => !hasTakers(scenario)).map(([id]) => id);
  if (idle.length > 0 && (isNamed || idle.length === all.size))
    throw new Error(`Nobody of --only takes part in ${idle.join(", ")}.`);
  return new Map([...all].filter(([id]) => !idle.includes(id)));
}

function readOutside(urls: readonly string[], keys: readonly string[], commands: readonly string[]): Map<string, Peer> {
  const [peers, key, command] = [
    readPairs("peer", urls),
    readPairs("peer-key", keys),
    readPairs("peer-command", commands),
  ];
  for (const name of [...key.keys(), ...command.keys()]) {
    if (!peers.has(name)) throw new Error(`There is no --peer ${name}=URL for its key or command.`);
  }
  return new Map(
    [...peers].map(([name, url]) => {
      if (Object.hasOwn(PEERS, name)) throw new Error(`--peer ${name} has the name of one that is here already.`);
      if (URL.parse(url)?.protocol !== "http:")
        throw new Error(`--peer ${name} needs an address: ${name}=http://127.0.0.1:4000`);
      return [name, makeOutside({ url, key: key.get(name), command: command.get(name) })];
    }),
  );
}

function readPairs(flag: string, given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new Error(`--${flag} is NAME=VALUE, not ${pair}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function read<Value>(flag: string, given: string | undefined, parse: (text: string) => Value): Value | undefined {
  try {
    return given === undefined ? undefined : parse(given);
  } catch (error) {
    throw new Error(`--${flag} ${(error as Error).message}.`, { cause: error });
  }
}

function readList(flag: string, given: string): string[] {
  const names = splitList(given);
  if (names.length === 0) throw new Error(`--${flag} names nobody and nothing: ${given}`);
  return names;
}
