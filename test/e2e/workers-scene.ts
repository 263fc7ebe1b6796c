// A gateway with several workers, as tests look at it from outside: which processes there are, and which of them answered.

import { readFileSync } from "node:fs";
import { expect } from "bun:test";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Ended, type Served, expectOk, issueKey, serve, waitUntil } from "./binary.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** Where the ledger may lie, as variables of the gateway's environment. */
export const ENGINES: [name: string, env: () => Promise<Record<string, string>>][] = [
  ["SQLite", async () => ({})],
  ...(hasPostgres
    ? [
        ["PostgreSQL", async () => ({ TOKLIGENCE_LEDGER_PATH: await createDatabase() })] satisfies [
          string,
          () => Promise<Record<string, string>>,
        ],
      ]
    : []),
];

/** One chain, and nothing wrong with it. */
export async function expectSound({ run }: Pick<Served, "run">): Promise<void> {
  const { chains } = JSON.parse(await expectOk(run(["ledger", "verify", "--json"])));
  expect(chains).toHaveLength(1);
}

const USAGE = { prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 };

export function makeAnswer(model = "m"): Response {
  return Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model,
    choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
    usage: USAGE,
  });
}

export interface CrewScene {
  gateway: Served;
  upstream: Upstream;
  /** Process ids of the workers that there are. */
  workers(): number[];
  close(): Promise<void>;
}

interface SceneInit {
  workers?: number | "auto";
  config?: string;
  env?: Record<string, string>;
  folder?: string;
  answer?: Parameters<typeof startUpstream>[0];
}

export async function openCrew({
  workers = 2,
  config = "",
  answer = () => makeAnswer(),
  ...init
}: SceneInit = {}): Promise<CrewScene> {
  const upstream = startUpstream(answer);
  const settings = `workers = ${workers}\nlog_level = debug\nmetrics_public = yes\n`;
  const provider = `[provider.local]\nbase_url = ${upstream.url}/v1\n`;
  const gateway = await serve({ ...init, config: `${settings}${config}\n${provider}` });
  // One of them may answer while another one still begins.
  await waitUntil(() => gateway.log().includes("Tokligence Gateway is listening"), "all workers to serve");
  return {
    gateway,
    upstream,
    workers: () => listChildren(gateway.pid),
    async close() {
      await gateway.stop();
      await upstream.stop();
    },
  };
}

export function listChildren(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export interface Asked {
  status: number;
  text: string;
  headers: Headers;
  id: string;
}

/** Over a connection of its own, so that any worker may get it; status 0 where the connection was lost. */
export async function ask(
  { url }: Served,
  token: string,
  more: { body?: object; headers?: Record<string, string>; path?: string } = {},
): Promise<Asked> {
  const id = `r-${Bun.randomUUIDv7()}`;
  try {
    const response = await fetch(`${url}${more.path ?? "/v1/chat/completions"}`, {
      method: "POST",
      keepalive: false,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "x-request-id": id,
        ...more.headers,
      },
      body: JSON.stringify({ model: "local/m", messages: [{ role: "user", content: "Hi" }], ...more.body }),
    });
    return { status: response.status, text: await response.text(), headers: response.headers, id };
  } catch {
    return { status: 0, text: "", headers: new Headers(), id };
  }
}

/** Which workers answered these requests, by their own word in the log. */
export function findWorkers({ log }: Served, ids: readonly string[]): Set<number> {
  const wanted = new Set(ids);
  const lines = log()
    .split("\n")
    .filter((line) => line.includes('"Answered"') || line.includes('"request_id"'));
  const found = new Set<number>();
  for (const line of lines) {
    const { worker, request_id: id } = JSON.parse(line) as { worker?: number; request_id?: string };
    if (worker !== undefined && id !== undefined && wanted.has(id)) found.add(worker);
  }
  return found;
}

export async function readMetric({ url }: Served, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { keepalive: false })).text();
  let sum = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

export interface LoggedRow {
  request_id: string;
  status: number;
  error_kind: string | null;
}

export async function readRows(run: Served["run"]): Promise<LoggedRow[]> {
  const rows: LoggedRow[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Ended = await run([
      "usage",
      "logs",
      "--json",
      "--limit",
      "1000",
      ...(cursor === null ? [] : ["--cursor", cursor]),
    ]);
    if (page.code !== 0) throw new Error(page.err);
    const { entries, next_cursor: next } = JSON.parse(page.out) as { entries: LoggedRow[]; next_cursor: string | null };
    rows.push(...entries);
    if (next === null || next === undefined) return rows;
    cursor = next;
  }
}

/** Answers that wait until they are let go. */
export function openGate() {
  const waiting: (() => void)[] = [];
  return {
    answer: () => new Promise<Response>((resolve) => void waiting.push(() => resolve(makeAnswer()))),
    count: () => waiting.length,
    letGo: () => waiting.splice(0).forEach((finish) => finish()),
  };
}

/** Asks until each worker has answered; what it answered last. */
export async function askAll(
  scene: CrewScene,
  count: number,
  askOnce: () => Promise<Asked>,
): Promise<Map<number, Asked>> {
  const byWorker = new Map<number, Asked>();
  await waitUntil(async () => {
    const answer = await askOnce();
    for (const worker of findWorkers(scene.gateway, [answer.id])) byWorker.set(worker, answer);
    return byWorker.size === count;
  }, "all workers to answer");
  return byWorker;
}

export async function manage(
  { url }: Served,
  token: string,
  path: string,
  method = "POST",
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, {
    method,
    keepalive: false,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(method === "POST" ? { body: "{}" } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

export async function withCrew(
  init: Parameters<typeof openCrew>[0],
  work: (scene: CrewScene) => Promise<void>,
): Promise<void> {
  const scene = await openCrew(init);
  try {
    await work(scene);
  } finally {
    await scene.close();
  }
}

export async function adminKey(gateway: Served): Promise<string> {
  return (await issueKey(gateway, "root_admin").catch(() => issueKey(gateway, "gateway_admin"))).token;
}
