// `bun run bench [--seconds N] [--json]`: what the built executable adds to a call, against an upstream on this machine: chat plain and
// streamed, one call at a time and many, direct and through the gateway, with a key and the ledger as in real life.
// The three processes share this machine's cores, so figures are to be compared with each other, not with other machines'.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { DIST, ROOT } from "./compile.ts";

const MANY = 32;
const START_MS = 5000;
const STREAM_CHUNKS = 50;
const BODY = { model: "mock-model", messages: [{ role: "user", content: "Say something short, please." }] };
const USAGE = { prompt_tokens: 12, completion_tokens: STREAM_CHUNKS, total_tokens: 12 + STREAM_CHUNKS };

interface Result {
  call: string;
  path: string;
  at_once: number;
  per_second: number;
  p50_ms: number;
  p99_ms: number;
  /** Until the first byte of the body. */
  first_p50_ms: number;
}

if (Bun.argv.includes("--upstream")) await runUpstream();
else await runBench(readSeconds());

async function runBench(seconds: number): Promise<void> {
  const binary = join(DIST, process.platform === "win32" ? "tokligence.exe" : "tokligence");
  const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
    stdout: "ignore",
    stderr: "inherit",
  });
  if (!build.success) process.exit(1);
  const folder = mkdtempSync(join(tmpdir(), "tokligence-bench-"));
  const upstream = Bun.spawn([process.execPath, import.meta.path, "--upstream"], { stdout: "pipe", stderr: "inherit" });
  let gateway: Awaited<ReturnType<typeof startGateway>> | null = null;
  try {
    const upstreamUrl = await readFirstLine(upstream.stdout);
    gateway = await startGateway(binary, folder, upstreamUrl);
    const results: Result[] = [];
    let calls = 0;
    for (const stream of [false, true]) {
      for (const atOnce of [1, MANY]) {
        for (const [path, url] of [
          ["direct", upstreamUrl],
          ["gateway", gateway.url],
        ] as const) {
          const load = { url, key: gateway.key, stream, atOnce };
          const warmUp = await measure({ ...load, seconds: 0.5 });
          const measured = await measure({ ...load, seconds });
          if (path === "gateway") calls += warmUp.length + measured.length;
          results.push(summarize({ path, stream, atOnce, seconds, measured }));
        }
      }
    }
    const rows = await gateway.countRows();
    report(results, { calls, rows });
    if (rows !== calls) process.exitCode = 1;
  } finally {
    await gateway?.stop();
    upstream.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function readSeconds(): number {
  const at = Bun.argv.indexOf("--seconds");
  const seconds = at === -1 ? 3 : Number(Bun.argv[at + 1]);
  if (!(seconds > 0)) throw new Error("--seconds needs a number above 0");
  return seconds;
}

async function startGateway(binary: string, folder: string, upstreamUrl: string) {
  const port = findFreePort();
  mkdirSync(join(folder, "config"));
  const config = [
    `http_address = 127.0.0.1:${port}`,
    "log_level = warn",
    "[provider.mock]",
    `base_url = ${upstreamUrl}/v1`,
    "[routes]",
    "mock* = mock",
  ];
  writeFileSync(join(folder, "config/setting.ini"), config.join("\n"));
  const place = { cwd: folder, env: { ...process.env, TOKLIGENCE_HOME: join(folder, "home") } };
  const run = (...words: string[]) => JSON.parse(Bun.spawnSync([binary, ...words, "--json"], place).stdout.toString());
  run("admin", "users", "create", "--email", "bench@example.com");
  const { token } = run("admin", "api-keys", "create", "--user", "bench@example.com");
  const child = Bun.spawn([binary, "serve"], { ...place, stdout: "ignore", stderr: "inherit" });
  const url = `http://127.0.0.1:${port}`;
  const isUp = async (): Promise<boolean> => (await fetch(`${url}/health`).catch(() => null))?.ok === true;
  const deadline = performance.now() + START_MS;
  while (!(await isUp())) {
    if (child.exitCode === null && performance.now() < deadline) {
      await Bun.sleep(10);
      continue;
    }
    child.kill();
    throw new Error("The executable did not answer.");
  }
  return {
    url,
    key: String(token),
    countRows: async (): Promise<number> => run("usage", "summary").requests,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

function findFreePort(): number {
  const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = holder;
  holder.stop(true);
  return port;
}

interface Load {
  url: string;
  key: string;
  stream: boolean;
  atOnce: number;
  seconds: number;
}

interface Sample {
  firstMs: number;
  totalMs: number;
}

/** Each of `atOnce` callers sends its next call when the one before has ended. */
async function measure({ url, key, stream, atOnce, seconds }: Load): Promise<Sample[]> {
  const until = performance.now() + seconds * 1000;
  const samples: Sample[] = [];
  const init = {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ ...BODY, stream }),
  };
  const call = async (): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now();
      const answer = await fetch(`${url}/v1/chat/completions`, init);
      if (!answer.ok || answer.body === null) throw new Error(`${answer.status}: ${await answer.text()}`);
      let firstMs = 0;
      for await (const _ of answer.body) firstMs ||= performance.now() - started;
      samples.push({ firstMs, totalMs: performance.now() - started });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, call));
  return samples;
}

interface Measured {
  path: string;
  stream: boolean;
  atOnce: number;
  seconds: number;
  measured: readonly Sample[];
}

function summarize({ path, stream, atOnce, seconds, measured }: Measured): Result {
  const totals = measured.map(({ totalMs }) => totalMs).toSorted((left, right) => left - right);
  const firsts = measured.map(({ firstMs }) => firstMs).toSorted((left, right) => left - right);
  return {
    call: stream ? `chat, ${STREAM_CHUNKS} chunks` : "chat",
    path,
    at_once: atOnce,
    per_second: Math.round(measured.length / seconds),
    p50_ms: pick(totals, 0.5),
    p99_ms: pick(totals, 0.99),
    first_p50_ms: pick(firsts, 0.5),
  };
}

function pick(sorted: readonly number[], share: number): number {
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(3));
}

function report(results: readonly Result[], { calls, rows }: { calls: number; rows: number }): void {
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, bun: Bun.version };
  if (Bun.argv.includes("--json")) {
    console.log(JSON.stringify({ machine, results, calls, ledger_rows: rows }));
    return;
  }
  console.log(Bun.inspect.table(results));
  console.log(`${machine.cores} × ${machine.cpu}, shared by upstream, gateway and load; bun ${machine.bun}`);
  console.log(`${calls} calls through the gateway, ${rows} rows in the ledger`);
}

async function readFirstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The upstream did not start.");
    text += value;
  }
  return text.trim();
}

/** An OpenAI-compatible server that answers at once, always the same. */
async function runUpstream(): Promise<void> {
  const base = { id: "chatcmpl-mock", created: 1_700_000_000, model: BODY.model };
  const text = "word ".repeat(STREAM_CHUNKS);
  const choice = { index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" };
  const whole = JSON.stringify({ ...base, object: "chat.completion", choices: [choice], usage: USAGE });
  const frame = (fields: object): string =>
    `data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", ...fields })}\n\n`;
  const piece = frame({ choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] });
  const end = `${frame({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}${frame({ choices: [], usage: USAGE })}data: [DONE]\n\n`;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      if (request.method === "GET")
        return Response.json({ object: "list", data: [{ id: BODY.model, object: "model" }] });
      const { stream } = (await request.json()) as { stream?: boolean };
      if (stream !== true) return new Response(whole, { headers: { "content-type": "application/json" } });
      async function* frames() {
        for (let index = 0; index < STREAM_CHUNKS; index++) yield piece;
        yield end;
      }
      return new Response(frames(), { headers: { "content-type": "text/event-stream" } });
    },
  });
  console.log(server.url.href.replace(/\/$/u, ""));
}
