// A whole gateway with a scripted provider, and the command line on the same books: what was asked is known, so that bills can be written by hand.

import { Database } from "bun:sqlite";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type SigningKey, nameHead } from "../../src/ledger/index.ts";
import { openKey } from "../../src/cli/ledger/key-file.ts";
import { runLine, type Printed } from "../cli/desk.ts";
import { ANTHROPIC_KEY, OPENAI_KEY, makeProviderSettings, makeRig, type Rig } from "../rig.ts";

export interface Usage {
  prompt: number;
  cached?: number;
  completion: number;
  searches?: number;
}

export interface AuditScene {
  rig: Rig;
  folder: string;
  /** Signs the chain of these books. */
  key: SigningKey;
  /** Signs a head at that place and keeps it with the books. */
  sign(seq: number): Promise<void>;
  /** Runs a statement on the ledger behind the gateway's back. */
  tamper(statement: string): Promise<void>;
  /** Calls a model; the provider reports that usage. */
  call(model: string, usage: Usage, served?: string): Promise<void>;
  /** Runs a line on the same books. */
  run(words: readonly string[]): Promise<Printed>;
  write(name: string, text: string): string;
  close(): Promise<void>;
}

export const DAY_MS = 86_400_000;
/** The test clock's first day. */
export const FIRST_DAY = "2023-11-14";
export const SECOND_DAY = "2023-11-15";

/** On SQLite, or on the PostgreSQL database of the DSN. */
export async function makeAuditScene(dsn?: string): Promise<AuditScene> {
  let next: { usage: Usage; model: string } = { usage: { prompt: 1, completion: 1 }, model: "" };
  let number = 0;
  let key: SigningKey | null = null;
  const rig = await makeRig({
    upstream: ({ method }) => {
      if (method === "GET") return Response.json({ object: "list", data: [] });
      const { prompt, cached = 0, completion, searches = 0 } = next.usage;
      number++;
      return Response.json(
        {
          id: `chatcmpl-${number}`,
          object: "chat.completion",
          created: 1,
          model: next.model,
          choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
          usage: {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            prompt_tokens_details: { cached_tokens: cached },
            ...(searches === 0 ? {} : { server_tool_use: { web_search_requests: searches } }),
          },
        },
        { headers: { "x-request-id": `req_upstream_${number}` } },
      );
    },
    key: (config) => (key = openKey(config.ledger.keyFile)),
    config: (config) => ({
      ...config,
      ...(dsn === undefined ? {} : { identityPath: dsn, ledgerPath: dsn }),
      providers: [
        ...config.providers,
        makeProviderSettings({
          name: "openai-eu",
          kind: "openai",
          baseUrl: "http://openai-eu.test/v1",
          apiKey: "sk-canary-openai-eu-wxyz",
          needsApiKey: true,
        }),
        makeProviderSettings({
          name: "openai-pool",
          kind: "openai",
          baseUrl: "http://openai-pool.test/v1",
          apiKey: "sk-canary-pool-aaaa",
          keys: ["aaaa", "bbbb"].map((end) => ({ label: end.charAt(0), apiKey: `sk-canary-pool-${end}`, weight: 1 })),
          needsApiKey: true,
        }),
      ],
      routes: [{ pattern: "eu/*", targets: [{ provider: "openai-eu", model: null }], origin: "test" }],
    }),
  });
  const folder = rig.config.home;
  const config = join(folder, "config");
  mkdirSync(config);
  writeFileSync(
    join(config, "setting.ini"),
    [
      `identity_path = ${rig.config.identityPath}`,
      `ledger_path = ${rig.config.ledgerPath}`,
      `ledger_key_file = ${rig.config.ledger.keyFile}`,
      `openai_api_key = ${OPENAI_KEY}`,
      `anthropic_api_key = ${ANTHROPIC_KEY}`,
    ].join("\n"),
  );
  if (key === null) throw new Error("the rig asked for no key");
  const signing: SigningKey = key;
  const execute = async (statement: string, values: readonly (number | string | null)[] = []): Promise<void> => {
    if (dsn === undefined) {
      const db = new Database(rig.config.ledgerPath);
      db.query(statement).run(...values);
      db.close();
      return;
    }
    const sql = postgres(dsn, { max: 1 });
    await sql.unsafe(
      statement.replaceAll("?", () => `$${++placeholder}`),
      [...values],
    );
    placeholder = 0;
    await sql.end();
  };
  let placeholder = 0;
  return {
    rig,
    folder,
    key: signing,
    async sign(seq) {
      const rows = await rig.store.ledger.page({}, 1_000, null);
      const row = rows.entries.find((entry) => entry.seq === seq);
      const chain = row?.chain ?? "";
      const at = new Date(rig.clock.wallMs());
      const unsigned = { chain, seq, hash: row?.hash ?? "", reason: "interval", previous: null, signedAt: at } as const;
      const { publicKey, signature } = signing.sign(unsigned, null);
      const signedAt = dsn === undefined ? at.getTime() : at.toISOString();
      await execute(
        "insert into ledger_heads (id, chain, seq, hash, reason, signed_at, previous, public_key, signature) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [nameHead(unsigned), chain, seq, unsigned.hash, unsigned.reason, signedAt, null, publicKey, signature],
      );
    },
    async tamper(statement) {
      await rig.store.arrive();
      await execute(statement);
    },
    async call(model, usage, served = model) {
      next = { usage, model: served };
      const response = await rig.chat({ model, messages: [{ role: "user", content: "Hi" }] });
      if (response.status !== 200) throw new Error(`${model} ended with ${response.status}: ${await response.text()}`);
      await response.text();
    },
    async run(words) {
      // As time would have it.
      await rig.store.arrive();
      return runLine([...words, "--config", config]);
    },
    write(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    close: rig.close,
  };
}
