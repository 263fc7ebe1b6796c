// The compiled executable as a program of its own: run to its end, or served on a free port with a folder of its own.
// Knows nothing of what it answers.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Built by `bun run test` before the tests run. */
export const BINARY = join(
  import.meta.dir,
  "../../dist",
  process.platform === "win32" ? "tokligence.exe" : "tokligence",
);

export interface Ended {
  code: number;
  out: string;
  err: string;
}

interface RunInit {
  /** In place of the executable, a link or a copy of it. */
  file?: string;
  /** The name by which it is called, where that is not the file's own. */
  argv0?: string;
  /** Nothing of this process's environment gets through. */
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string;
}

/** Runs to the end. */
export async function run(args: readonly string[], init: RunInit = {}): Promise<Ended> {
  const child = Bun.spawn([init.file ?? BINARY, ...args], {
    env: makeEnvironment(init.env),
    stdin: new TextEncoder().encode(init.stdin ?? ""),
    stdout: "pipe",
    stderr: "pipe",
    ...(init.argv0 === undefined ? {} : { argv0: init.argv0 }),
    ...(init.cwd === undefined ? {} : { cwd: init.cwd }),
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, out, err };
}

export interface Served {
  /** Without a slash at the end. */
  url: string;
  pid: number;
  /** The working folder; ours alone. */
  folder: string;
  /** Runs another command on the same folder and databases. */
  run(args: readonly string[], init?: RunInit): Promise<Ended>;
  /** Everything on stderr so far. */
  log(): string;
  /** Likewise on stdout. */
  out(): string;
  signal(signal: NodeJS.Signals): void;
  /** The exit code; null where a signal ended it. */
  exited: Promise<number | null>;
  /** SIGTERM, then waits, then removes the folder. */
  stop(): Promise<void>;
}

interface ServeInit {
  /** `config/setting.ini`, beside the address. */
  config?: string;
  env?: Record<string, string>;
  /** As in RunInit. */
  file?: string;
  /** In place of a new one; left in place at the end. */
  folder?: string;
}

/** Starts `serve` on a free port of this machine and waits until it answers. */
export async function serve(init: ServeInit = {}): Promise<Served> {
  const folder = init.folder ?? makeFolder();
  const port = await findFreePort();
  mkdirSync(join(folder, "config"), { recursive: true });
  writeFileSync(join(folder, "config/setting.ini"), `http_address = 127.0.0.1:${port}\n${init.config ?? ""}`);
  const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home"), ...init.env };
  const child = Bun.spawn([init.file ?? BINARY, "serve"], {
    cwd: folder,
    env: makeEnvironment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = { out: "", log: "" };
  const read = async (stream: ReadableStream<Uint8Array>, into: keyof typeof said): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) said[into] += decoder.decode(chunk, { stream: true });
  };
  const reading = Promise.all([read(child.stdout, "out"), read(child.stderr, "log")]);
  const exited = child.exited.then(() => child.exitCode);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
    await reading;
    if (init.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitUntilUp(url, () => child.exitCode !== null || child.signalCode !== null);
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}\n${said.log}`, { cause: error });
  }
  return {
    url,
    pid: child.pid,
    folder,
    run: (args, more = {}) => run(args, { cwd: folder, ...more, env: { ...env, ...more.env } }),
    log: () => said.log,
    out: () => said.out,
    signal: (signal) => child.kill(signal),
    exited,
    stop,
  };
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "tokligence-e2e-"));
}

/** Enough to start a program with. */
function makeEnvironment(more: Record<string, string> = {}): Record<string, string> {
  const kept = ["PATH", "SystemRoot", "TMPDIR"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(kept), ...more };
}

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Returns once the executable answers. */
export async function waitUntilUp(url: string, hasEnded: () => boolean = () => false): Promise<void> {
  const isUp = async (): Promise<boolean> => (await fetch(`${url}/health`).catch(() => null))?.ok === true;
  await waitUntil(async () => hasEnded() || (await isUp()), "the executable to answer");
  if (hasEnded()) throw new Error("The executable ended before it answered.");
}

const LOOK_EVERY_MS = 5;
const PATIENCE_MS = 20_000;

/** The one place that waits by the clock: another program does not say when it is done. Fails loudly where that never comes. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/** A new user of that role with a key, made by the command line and known to the running server. */
export async function issueKey(
  served: Served,
  role = "gateway_user",
): Promise<{ token: string; email: string; keyId: string }> {
  const email = `${role}-${Bun.randomUUIDv7()}@example.com`;
  await expectOk(served.run(["admin", "users", "create", "--email", email, "--role", role]));
  const made = JSON.parse(await expectOk(served.run(["admin", "api-keys", "create", "--user", email, "--json"])));
  const token: string = made.token;
  const headers = { authorization: `Bearer ${token}` };
  await waitUntil(
    async () => (await fetch(`${served.url}/v1/models`, { headers })).status === 200,
    "the key to be known",
  );
  return { token, email, keyId: made.api_key.id };
}

/** What it printed; throws with its words where it failed. */
export async function expectOk(ended: Promise<Ended>): Promise<string> {
  const { code, out, err } = await ended;
  if (code !== 0) throw new Error(`exit code ${code}: ${err}`);
  return out;
}
