// `bun scripts/bench/ledger.ts [--seconds N] [--rounds N] [--json]`: what the books cost a request, with and without them in one run: the same gateway
// several times, whose writer puts nothing anywhere, or into its file as durable as `process` and `disk` say. The provider is in the gateway's own
// process and answers at once, the clients are in another. The rounds take turns, so that whatever else the machine does hits all.

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { LedgerWriter, Ticket } from "../../src/ledger/index.ts";
import { makeRig } from "../../test/rig.ts";

/**
 * `none`: nothing is waited for. `tick`: everything is, until the end of the event loop's turn, as with the books; so whatever the turn's
 * answers gain from going out together is in it, and the rest is sealing and writing.
 */
const MODES = ["none", "tick", "process", "disk"] as const;
type Mode = (typeof MODES)[number];

const CLIENTS = 32;

const { values } = parseArgs({
  options: {
    gateway: { type: "string" },
    seconds: { type: "string", default: "1.5" },
    rounds: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
if (values.gateway === undefined) await runBench(Number(values.seconds), Number(values.rounds));
else await runGateway(values.gateway as Mode);

interface Round {
  cpuUs: number;
  p50Ms: number;
  perSecond: number;
}

async function runBench(seconds: number, rounds: number): Promise<void> {
  const gateways = await Promise.all(MODES.map(startGateway));
  const results = new Map<Mode, Round[]>(MODES.map((mode) => [mode, []]));
  try {
    for (let round = -1; round < rounds; round++) {
      for (const gateway of gateways) {
        const measured = await measure(gateway, seconds);
        // The first is for warming up.
        if (round >= 0) results.get(gateway.mode)?.push(measured);
      }
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
  seconds: number,
): Promise<Round> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({
    model: "gpt-4o",
    messages: [{ role: "user", content: "Say something short, please." }],
  });
  const durations: number[] = [];
  const readCpu = async (): Promise<number> => Number(await (await fetch(`${url}/cpu`)).text());
  const before = await readCpu();
  const until = performance.now() + seconds * 1000;
  const ask = async (): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now();
      const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      durations.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, ask));
  const cpuUs = ((await readCpu()) - before) / durations.length;
  return { cpuUs, p50Ms: median(durations), perSecond: durations.length / seconds };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function report(results: ReadonlyMap<Mode, readonly Round[]>): void {
  const of = (mode: Mode, field: keyof Round): number => median((results.get(mode) ?? []).map((round) => round[field]));
  const rows = MODES.map((mode) => ({
    ledger: mode,
    requests_per_second: Math.round(of(mode, "perSecond")),
    cpu_us: round(of(mode, "cpuUs")),
    cpu_us_over_none: round(of(mode, "cpuUs") - of("none", "cpuUs")),
    cpu_us_over_tick: round(of(mode, "cpuUs") - of("tick", "cpuUs")),
    p50_ms: round(of(mode, "p50Ms")),
    p50_ms_over_none: round(of(mode, "p50Ms") - of("none", "p50Ms")),
    p50_ms_over_tick: round(of(mode, "p50Ms") - of("tick", "p50Ms")),
  }));
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, bun: Bun.version };
  if (values.json) console.log(JSON.stringify({ machine, clients: CLIENTS, rows }));
  else {
    console.log(Bun.inspect.table(rows));
    console.log(
      `${machine.cores} × ${machine.cpu}, shared by gateway and ${CLIENTS} clients; bun ${machine.bun}; medians of all rounds`,
    );
  }
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
    ...(mode === "none" || mode === "tick" ? { ledger: (writer) => forget(writer, mode === "tick") } : {}),
  });
  const { token } = await rig.issue();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      if (!request.url.endsWith("/cpu")) return rig.app.fetch(request);
      const { user, system } = process.cpuUsage();
      return new Response(String(user + system));
    },
  });
  console.log(JSON.stringify({ url: server.url.href.replace(/\/$/u, ""), token }));
  for await (const _ of Bun.stdin.stream());
  await server.stop(true);
  await rig.close();
  process.exit(0);
}

/** Says of everything that it is durable, and writes nothing. */
function forget(writer: LedgerWriter, waits: boolean): LedgerWriter {
  const ticket: Ticket = { number: 0, isOver: false };
  const atOnce = Promise.resolve();
  let turn: Promise<void> | null = null;
  const durable = (): Promise<void> => {
    if (!waits) return atOnce;
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = null;
        resolve();
      });
    });
    return turn;
  };
  return { ...writer, intend: () => ({ ticket, durable: durable() }), add: durable, withdraw: () => undefined };
}
