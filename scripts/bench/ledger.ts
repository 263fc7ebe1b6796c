// `bun scripts/bench/ledger.ts [--seconds N] [--rounds N] [--json]`: what the books cost a request, with and without them in one run: the same gateway
// several times, whose writer puts nothing anywhere, or into its journal as durable as `process` and `disk` say. Told are the CPU time of the thread
// that serves and of the whole process, and how long one client and many of them wait. The provider is in the gateway's own process and answers at
// once, the clients are in another. The rounds take turns, and differences are those within a round, so that whatever else the machine does hits all.

import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { makeRig } from "../../test/rig.ts";
import { forgetRows } from "./forget.ts";
import { aChoice, aCount, aSwitch, anAmount, readFlags } from "../flag.ts";

/**
 * `none`: nothing is waited for. `tick`: everything is, until the end of the event loop's turn, as with the books; so whatever the turn's
 * answers gain from going out together is in it, and the rest is sealing and writing.
 */
const MODES = ["none", "tick", "process", "disk"] as const;
type Mode = (typeof MODES)[number];

/** Where nobody waits for another; where calls come at a steady rate that leaves the machine half idle; where all that can be served is asked. */
const LOADS: readonly Load[] = [
  { name: "1 client", clients: 1 },
  { name: "1,000 a second", perSecond: 1_000 },
  { name: "32 clients", clients: 32 },
];
type Load = { name: string } & ({ clients: number } | { perSecond: number });

/** For rows that are on their way into the books. */
const SETTLE_MS = 50;

/** `--gateway` is how it starts itself as one of them. */
const values = readFlags({ gateway: aChoice(MODES), json: aSwitch, rounds: aCount(15), seconds: anAmount(0.7) });
if (values.gateway === undefined) await runBench(values.seconds, values.rounds);
else await runGateway(values.gateway);

interface Round {
  /** Of a request: the thread that serves, and all threads. Microseconds. */
  loopUs: number;
  cpuUs: number;
  p50Ms: number;
  perSecond: number;
}

type Rounds = ReadonlyMap<Mode, Round[]>;

async function runBench(seconds: number, rounds: number): Promise<void> {
  const gateways = await Promise.all(MODES.map(startGateway));
  const results = new Map<Load, Rounds>();
  try {
    for (const load of LOADS) {
      const measured = new Map<Mode, Round[]>(MODES.map((mode) => [mode, []]));
      for (let round = -1; round < rounds; round++) {
        for (const gateway of gateways) {
          const result = await measure(gateway, { seconds, load });
          // The first is for warming up.
          if (round >= 0) measured.get(gateway.mode)?.push(result);
        }
      }
      results.set(load, measured);
    }
  } finally {
    for (const { stop } of gateways) await stop();
  }
  report(results);
}

async function startGateway(mode: Mode) {
  const child = Bun.spawn([process.execPath, import.meta.path, "--gateway", mode], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  const { url, token } = JSON.parse(new TextDecoder().decode(value));
  return {
    mode,
    url: String(url),
    token: String(token),
    async stop() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

async function measure(
  { url, token }: Pick<Awaited<ReturnType<typeof startGateway>>, "token" | "url">,
  { seconds, load }: { seconds: number; load: Load },
): Promise<Round> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({
    model: "gpt-4o",
    messages: [{ role: "user", content: "Say something short, please." }],
  });
  const durations: number[] = [];
  const readCpu = async (): Promise<Cpu> => (await (await fetch(`${url}/cpu`)).json()) as Cpu;
  const before = await readCpu();
  const until = performance.now() + seconds * 1000;
  const ask = async (): Promise<void> => {
    const started = performance.now();
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    durations.push(performance.now() - started);
  };
  if ("perSecond" in load) await askSteadily(ask, load.perSecond, seconds);
  else {
    const askOn = async (): Promise<void> => {
      while (performance.now() < until) await ask();
    };
    await Promise.all(Array.from({ length: load.clients }, askOn));
  }
  // What the books still do for these requests is theirs, too.
  await Bun.sleep(SETTLE_MS);
  const after = await readCpu();
  return {
    loopUs: (after.loopUs - before.loopUs) / durations.length,
    cpuUs: (after.cpuUs - before.cpuUs) / durations.length,
    p50Ms: median(durations),
    perSecond: durations.length / seconds,
  };
}

/** Each call when its time has come, whether or not those before it were answered. */
async function askSteadily(ask: () => Promise<void>, perSecond: number, seconds: number): Promise<void> {
  const started = performance.now();
  const calls: Promise<void>[] = [];
  const total = Math.round(perSecond * seconds);
  while (calls.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * perSecond));
    while (calls.length < due) calls.push(ask());
    await Bun.sleep(1);
  }
  await Promise.all(calls);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function report(results: ReadonlyMap<Load, Rounds>): void {
  const rows = [...results].flatMap(([load, rounds]) => MODES.map((mode) => describe(load.name, rounds, mode)));
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, bun: Bun.version };
  if (values.json) console.log(JSON.stringify({ machine, rows }));
  else {
    console.log(Bun.inspect.table(rows));
    console.log(
      `${machine.cores} × ${machine.cpu}, shared by gateway and clients; bun ${machine.bun}; medians of all rounds, and of the differences within each`,
    );
  }
}

function describe(load: string, rounds: Rounds, mode: Mode) {
  const of = (field: keyof Round): number => round(median((rounds.get(mode) ?? []).map((each) => each[field])));
  const over = (field: keyof Round): number => {
    const base = rounds.get("tick") ?? [];
    const own = rounds.get(mode) ?? [];
    return round(median(own.map((each, index) => each[field] - (base[index]?.[field] ?? Number.NaN))));
  };
  return {
    load,
    ledger: mode,
    requests_per_second: Math.round(of("perSecond")),
    loop_us: of("loopUs"),
    loop_us_over_tick: over("loopUs"),
    cpu_us: of("cpuUs"),
    cpu_us_over_tick: over("cpuUs"),
    p50_ms: of("p50Ms"),
    p50_ms_over_tick: over("p50Ms"),
  };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

/** Serves until its standard input ends. */
async function runGateway(mode: Mode): Promise<void> {
  const answer = JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o-2024-08-06",
    choices: [{ index: 0, message: { role: "assistant", content: "word ".repeat(50) }, finish_reason: "stop" }],
    usage: { prompt_tokens: 12, completion_tokens: 50, total_tokens: 62 },
  });
  const rig = await makeRig({
    upstream: () => new Response(answer, { headers: { "content-type": "application/json" } }),
    // As the daemon opens it: checkpoints are a thread's.
    config: (config) =>
      Object.assign(config, {
        environment: "bench",
        durability: mode === "disk" ? "disk" : "process",
        isServer: true,
      }),
    ...(mode === "none" || mode === "tick" ? { ledger: (writer) => forgetRows(writer, mode === "tick") } : {}),
  });
  const { token } = await rig.issue();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      if (!request.url.endsWith("/cpu")) return rig.app.fetch(request);
      return Response.json(readOwnCpu());
    },
  });
  console.log(JSON.stringify({ url: server.url.href.replace(/\/$/u, ""), token }));
  for await (const _ of Bun.stdin.stream());
  await server.stop(true);
  await rig.close();
  process.exit(0);
}

interface Cpu {
  loopUs: number;
  cpuUs: number;
}

/** Of the thread that serves, the system tells on Linux; elsewhere of all threads only. */
function readOwnCpu(): Cpu {
  const { user, system } = process.cpuUsage();
  const cpuUs = user + system;
  if (process.platform !== "linux") return { loopUs: Number.NaN, cpuUs };
  // Nanoseconds on a processor come first. https://docs.kernel.org/scheduler/sched-stats.html
  const [ns = ""] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
  return { loopUs: Number(ns) / 1_000, cpuUs };
}
