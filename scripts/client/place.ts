// The place in which clients are tried: the built executable with a key of its own, and strict providers of every format on this machine.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeStrictMessages } from "../../test/upstream/anthropic-messages.ts";
import { makeStrictBedrock } from "../../test/upstream/bedrock.ts";
import { makeStrictGemini } from "../../test/upstream/gemini.ts";
import { makeStrictOpenai } from "../../test/upstream/openai-both.ts";
import { makeStrictChat } from "../../test/upstream/openai-chat.ts";
import { makeStrictResponses } from "../../test/upstream/openai-responses.ts";
import { UPSTREAM_KEY } from "../../test/upstream/openai.ts";
import type { StrictUpstream } from "../../test/upstream/strict.ts";
import { DIST } from "../compile.ts";

interface Strict {
  make: () => StrictUpstream;
  /** `type =`, and what else the provider is told; `URL` stands for its address. */
  settings: readonly string[];
  /** What clients ask for: real names, as clients go by them. */
  model: string;
  /** What is asked of the provider, where that is another name. */
  alias?: string;
  /** Its other models, which some clients ask for small tasks. */
  more?: string;
}

const STRICT = {
  bedrock: {
    make: makeStrictBedrock,
    settings: ["type = bedrock", "base_url = URL", "region = us-east-1"],
    // A colon means something else to some clients, and they go by the generation in a name.
    model: "bedrock-claude-sonnet-5-5",
    alias: "us.anthropic.claude-sonnet-5-5-v1:0",
  },
  // A server of one format, which is told nothing of what it serves.
  chat: { make: makeStrictChat, settings: ["type = github", "base_url = URL/v1"], model: "gpt-oss-120b" },
  gemini: {
    make: makeStrictGemini,
    settings: ["type = gemini", "base_url = URL"],
    model: "gemini-3-pro-preview",
    more: "gemini-*",
  },
  messages: {
    make: makeStrictMessages,
    settings: ["type = anthropic", "base_url = URL"],
    model: "claude-sonnet-5-5",
    more: "claude-*",
  },
  openai: { make: makeStrictOpenai, settings: ["type = openai", "base_url = URL/v1"], model: "gpt-5.2" },
  // Served in this format alone, so that every other one is translated to it.
  responses: { make: makeStrictResponses, settings: ["type = openai", "base_url = URL/v1"], model: "gpt-5.3-codex" },
} as const satisfies Record<string, Strict>;

export const UPSTREAMS = ["loopback", ...Object.keys(STRICT)] as const;

export interface Place {
  url: string;
  key: string;
  /** The name under which an upstream's model is asked for. */
  nameModel(upstream: string): string;
  /** Sentences of the upstream's refusals, since the last time they were taken. */
  takeRefusals(upstream: string): string[];
  stop(): Promise<void>;
}

/** With these upstreams alone. */
export async function openPlace(wanted: readonly string[]): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-place-"));
  const chosen = Object.entries<Strict>(STRICT).filter(([name]) => wanted.includes(name));
  const upstreams = chosen.map(([name, { make, settings, model, alias, more }]) => {
    const strict = make();
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: (request) => strict.fetch(request),
    });
    const section = [
      `[provider.strict-${name}]`,
      ...settings,
      `api_key = ${UPSTREAM_KEY}`,
      `models = ${more ?? model}`,
    ];
    const url = `http://127.0.0.1:${server.port}`;
    const renaming = alias === undefined ? [] : [`${model} = strict-${name}/${alias}`];
    return { name, model, strict, server, section: section.join("\n").replaceAll("URL", url), renaming };
  });
  const port = findFreePort();
  mkdirSync(join(folder, "config"));
  const lines = [
    `http_address = 127.0.0.1:${port}`,
    "log_level = debug",
    ...upstreams.map(({ section }) => section),
    "[aliases]",
    ...upstreams.flatMap(({ renaming }) => renaming),
  ];
  writeFileSync(join(folder, "config/setting.ini"), lines.join("\n"));
  const gateway = await startGateway(folder, `http://127.0.0.1:${port}`);
  return {
    ...gateway,
    nameModel: (upstream) => upstreams.find(({ name }) => name === upstream)?.model ?? "loopback",
    takeRefusals: (upstream) => upstreams.find(({ name }) => name === upstream)?.strict.refusals.splice(0) ?? [],
    async stop() {
      await gateway.stop();
      await Promise.all(upstreams.map(({ server }) => server.stop(true)));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startGateway(folder: string, url: string) {
  const binary = join(DIST, process.platform === "win32" ? "tokligence.exe" : "tokligence");
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, TOKLIGENCE_HOME: join(folder, "home") };
  const run = (...words: string[]): { token: string } => {
    const { stdout, stderr, success } = Bun.spawnSync([binary, ...words, "--json"], { cwd: folder, env });
    if (!success) throw new Error(stderr.toString());
    return JSON.parse(stdout.toString());
  };
  run("admin", "users", "create", "--email", "clients@example.com");
  const { token } = run("admin", "api-keys", "create", "--user", "clients@example.com");
  const child = Bun.spawn([binary, "serve"], {
    cwd: folder,
    env,
    stdout: "ignore",
    stderr: Bun.file(join(tmpdir(), "tokligence-clients.log")),
  });
  const deadline = performance.now() + 10_000;
  while ((await fetch(`${url}/health`).catch(() => null))?.ok !== true) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error("The executable did not start.");
    await Bun.sleep(20);
  }
  return {
    url,
    key: token,
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
