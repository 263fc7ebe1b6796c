// `bun scripts/bench/hang.ts [--seconds N] [--hanging N] [--json]`: what requests that hang at one provider do to those of another, through the built
// executable: by turns without and with N (300) of them, so that what else happens on this machine falls on both. Ends with 1 where the p99 with them
// is more than 10 % above that without.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIST } from "../compile.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aCount, aSwitch, anAmount, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const MOST = 1.1;
const ROUNDS = 10;
/** One at a time: several would wait for each other. */
const AT_ONCE = 1;
const CALM_SECONDS = 0.5;
const START_MS = 10_000;
const MESSAGES = [{ role: "user", content: "Say something short, please." }];
const ANSWER = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
};

const { hanging, json, seconds } = readFlags({ hanging: aCount(300), json: aSwitch, seconds: anAmount(2) });
stopAllOnSignal();

let held = 0;
const slow = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch: ({ method, signal }) => {
    if (method === "GET") return Response.json({ data: [] });
    held++;
    return new Promise<Response>((resolve) =>
      signal.addEventListener("abort", () => {
        held--;
        resolve(new Response());
      }),
    );
  },
});
const quick = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: ({ method }) => Response.json(method === "GET" ? { data: [] } : ANSWER),
});

const folder = makeScratch("hang");
const gateway = await startGateway();
try {
  await measure(1);
  const without: Summary[] = [];
  const beside: Summary[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Each comes first as often as the other.
    if (round % 2 === 0) without.push(summarize(await measureCalm()));
    const letGo = await hang();
    beside.push(summarize(await measureCalm()));
    await letGo();
    if (round % 2 === 1) without.push(summarize(await measureCalm()));
  }
  report(without, beside);
} finally {
  gateway.child.kill();
  await gateway.child.exited;
  await Promise.all([slow.stop(true), quick.stop(true)]);
}

async function startGateway() {
  const binary = join(DIST, process.platform === "win32" ? "tokligence.exe" : "tokligence");
  const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = holder;
  holder.stop(true);
  mkdirSync(join(folder, "config"));
  const config = [
    `http_address = 127.0.0.1:${port}`,
    "log_level = error",
    "[provider.slow]",
    `base_url = http://127.0.0.1:${slow.port}/v1`,
    "[provider.quick]",
    `base_url = http://127.0.0.1:${quick.port}/v1`,
  ];
  writeFileSync(join(folder, "config/setting.ini"), config.join("\n"));
  const place = { cwd: folder, env: { ...process.env, TOKLIGENCE_HOME: join(folder, "home") } };
  const run = (...words: string[]) => JSON.parse(Bun.spawnSync([binary, ...words, "--json"], place).stdout.toString());
  run("admin", "users", "create", "--email", "bench@example.com");
  const { token } = run("admin", "api-keys", "create", "--user", "bench@example.com");
  const child = Bun.spawn([binary, "serve"], { ...place, stdout: "ignore", stderr: "inherit" });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/health`).catch(() => null))?.ok === true, "the executable to answer");
  return { url, port, key: String(token), child };
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await Bun.sleep(10);
  }
}

/** Over plain sockets: this process may not have as many requests waiting as hang. */
async function hang(): Promise<() => Promise<void>> {
  const body = JSON.stringify({ model: "slow/m", messages: MESSAGES });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${gateway.key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const sockets = await Promise.all(
    Array.from({ length: hanging }, () =>
      Bun.connect({ hostname: "127.0.0.1", port: gateway.port, socket: { data: () => undefined } }),
    ),
  );
  for (const socket of sockets) socket.write(head + body);
  await until(() => held === hanging, "all to hang");
  return async () => {
    for (const socket of sockets) socket.terminate();
    await until(() => held === 0, "all to be let go");
  };
}

/** Once what coming and going costs is over. */
async function measureCalm(): Promise<number[]> {
  await measure(CALM_SECONDS);
  return measure(seconds);
}

/** Milliseconds of each call to the quick provider. */
async function measure(forSeconds: number): Promise<number[]> {
  const endMs = performance.now() + forSeconds * 1000;
  const took: number[] = [];
  const init = {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "quick/m", messages: MESSAGES }),
  };
  const call = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const startedMs = performance.now();
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, init);
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
      took.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, call));
  return took;
}

interface Summary {
  calls: number;
  p50_ms: number;
  p99_ms: number;
}

function summarize(took: readonly number[]): Summary {
  const sorted = took.toSorted((left, right) => left - right);
  const pick = (share: number): number =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(3));
  return { calls: took.length, p50_ms: pick(0.5), p99_ms: pick(0.99) };
}

/** Of each round for itself, and of these the one in the middle: what falls on one round alone says nothing. */
function report(without: readonly Summary[], beside: readonly Summary[]): void {
  const middle = (rounds: readonly Summary[]): Summary => ({
    calls: rounds.reduce((sum, { calls }) => sum + calls, 0),
    p50_ms: findMedian(rounds.map(({ p50_ms: ms }) => ms)),
    p99_ms: findMedian(rounds.map(({ p99_ms: ms }) => ms)),
  });
  const compare = (pick: (summary: Summary) => number): number =>
    findMedian(beside.map((each, index) => pick(each) / pick(without[index] ?? each)));
  const ratio = { p50: compare(({ p50_ms: ms }) => ms), p99: compare(({ p99_ms: ms }) => ms) };
  const [calm, busy] = [middle(without), middle(beside)];
  if (json) console.log(JSON.stringify({ hanging, without: calm, beside: busy, ratio, most: MOST }));
  else {
    console.log(
      Bun.inspect.table([
        { beside: "nothing", ...calm },
        { beside: `${hanging} that hang`, ...busy },
      ]),
    );
    console.log(`ratio of p50 ${ratio.p50}, of p99 ${ratio.p99}; at most ${MOST} is promised`);
  }
  if (ratio.p99 > MOST) process.exitCode = 1;
}

function findMedian(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const [low = 0, high = low] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ];
  return Number(((low + high) / 2).toFixed(3));
}
