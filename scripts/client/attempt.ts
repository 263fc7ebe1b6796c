// One client in one conversation: a home of its own that is thrown away, the printed lines, a time limit, and what must have been said.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Api, type Gateway, type Guide, PROMPT, type Setup } from "../../src/cli/connect/guide.ts";
import type { ClientName } from "../../src/cli/connect/index.ts";
import { findFolder, listCommandFolders } from "./install.ts";
import { endLeftovers } from "./leftover.ts";
import { writeLoop } from "./loop.ts";
import { TRIALS } from "./trial.ts";

const MARKER = "marker-4711";
/** What only a tool that was really run can have said. */
const SUM = "4712";
const LOOP_SECONDS = 60;

export interface Attempt {
  client: ClientName;
  api: Api;
  guide: Guide;
  gateway: Gateway;
  /** What every answer of the upstream holds, and no question. */
  sign: string;
}

export type Conversation = "echo" | "tool";

/** What can be said with it: a client without tools of its own, such as curl, is only asked for an echo; a program does both at once. */
export function listConversations(client: ClientName): Conversation[] {
  const trial = TRIALS[client];
  if (trial === undefined) return ["tool"];
  return trial.callTool === null ? ["echo"] : ["echo", "tool"];
}

/** Null where all was well; else what was not. */
export async function attempt(
  { client, api, guide, gateway, sign }: Attempt,
  conversation: Conversation,
): Promise<string | null> {
  const setup = guide.apis[api]?.(gateway);
  if (setup === undefined) return `it does not speak ${api}`;
  const home = mkdtempSync(join(tmpdir(), "tokligence-client-"));
  try {
    const program = setup.program === undefined ? null : writeLoop(client, api, setup.program.setup);
    if (program !== null) return await runProgram({ client, gateway, home, sign }, setup, program);
    return await runCommand({ client, gateway, home, sign }, setup, conversation);
  } finally {
    endLeftovers(home);
    rmSync(home, { recursive: true, force: true });
  }
}

interface Run {
  client: ClientName;
  gateway: Gateway;
  home: string;
  sign: string;
}

async function runProgram({ client, gateway, home, sign }: Run, setup: Setup, program: string): Promise<string | null> {
  // Beside the packages that it imports.
  const file = join(
    findFolder(client),
    `try-${process.pid}-${Bun.hash(home)}.${setup.program?.file.split(".").at(-1)}`,
  );
  writeFileSync(file, program);
  try {
    const prompts = JSON.stringify([MARKER, 'call:add {"a":4711,"b":1}']);
    const command = [setup.command[0] ?? "", file, gateway.model, prompts];
    const ended = await run(command, { client, home, env: setup.env ?? {}, seconds: LOOP_SECONDS });
    const lines = [MARKER, SUM].map((word) => ended.out.split(word).length - 1);
    const isComplete = lines.every((count) => count === 2) && ended.out.split(sign).length - 1 === 4;
    return judge(ended, isComplete);
  } finally {
    rmSync(file, { force: true });
  }
}

async function runCommand(
  { client, home, sign }: Run,
  setup: Setup,
  conversation: Conversation,
): Promise<string | null> {
  const trial = TRIALS[client];
  if (trial === undefined) return "it has neither a trial nor a program";
  const prompt =
    conversation === "tool" && trial.callTool !== null ? trial.callTool("expr 4711 + 1") : `Please repeat ${MARKER}.`;
  const fill = (text: string): string =>
    text.replaceAll(JSON.stringify(PROMPT), JSON.stringify(prompt)).replaceAll(PROMPT, prompt);
  for (const [path, text] of Object.entries({ ...setup.files, ...trial.files })) {
    const place = path.startsWith("~/") ? join(home, path.slice(2)) : join(home, "work", path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, fill(text));
  }
  const place = { client, home, env: { ...setup.env, ...trial.env }, seconds: trial.seconds };
  for (const command of setup.before ?? []) {
    const ended = await run(command, place);
    if (ended.code !== 0) return judge(ended, false);
  }
  const ended = await run([...setup.command.map(fill), ...(trial.args ?? [])], place);
  const result = join(home, "work/out.json");
  if (await Bun.file(result).exists()) ended.out += await Bun.file(result).text();
  const heard = conversation === "tool" ? SUM : MARKER;
  return judge(ended, ended.out.includes(heard) && ended.out.includes(sign));
}

interface Ended {
  /** Null where it was ended for taking too long. */
  code: number | null;
  out: string;
  err: string;
}

async function run(
  command: readonly string[],
  {
    client,
    home,
    env,
    seconds,
  }: { client: ClientName; home: string; env: Readonly<Record<string, string>>; seconds: number },
): Promise<Ended> {
  const work = join(home, "work");
  mkdirSync(work, { recursive: true });
  const path = [...listCommandFolders(client), process.env["PATH"] ?? ""].join(":");
  const child = Bun.spawn(["setsid", ...command], {
    cwd: work,
    env: { HOME: home, PATH: path, TERM: "dumb", LANG: "C.UTF-8", NO_COLOR: "1", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    endGroup(child.pid);
  }, seconds * 1000);
  try {
    const code = await child.exited;
    // What a client left running must not hold its output open.
    endGroup(child.pid);
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: isLate ? null : code, out, err };
  } finally {
    clearTimeout(timer);
  }
}

/** The client and all that it started. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of it is left.
  }
}

function judge({ code, out, err }: Ended, isComplete: boolean): string | null {
  if (code === 0 && isComplete) return null;
  const end = code === null ? "took too long" : `exit code ${code}`;
  const tail = (text: string): string => Bun.stripANSI(text).replaceAll(/\s+/gu, " ").trim().slice(-1500);
  return `${end}; out: ${tail(out)}; err: ${tail(err)}`;
}
