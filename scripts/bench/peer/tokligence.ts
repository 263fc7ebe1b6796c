// This gateway: the compiled executable with a key and its books, as it is installed, on either engine and with rows that outlive the process or the
// machine; and, for comparison alone, an executable that is built without books.

import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { createDatabase } from "../../../test/postgres.ts";
import { pin } from "../run/core.ts";
import { findFreePort, launch } from "./launch.ts";
import type { Peer, Place } from "./type.ts";

interface Variant {
  about: string;
  executable: () => Promise<string>;
  /** Lines of its configuration beside those that say where it listens and whom it calls. */
  settings: readonly string[];
  engine: "postgres" | "sqlite";
  keepsBooks: boolean;
  /** Sections of its configuration, after all else. */
  sections?: readonly string[];
  /** Fills its database, a SQLite file, before it is started for the first time; with the keys that are shown by turns, if any. */
  seed?: (paths: { identityPath: string; ledgerPath: string }) => Promise<readonly string[]>;
}

const COUNT = "select count(*) as rows from ledger_entries";
const COUNT_DOUBLES = "select count(*) - count(distinct request_id) as rows from ledger_entries";
const PROVIDER_KEY = "sk-bench-bench-bench-bench";

export function makeTokligence(variant: Variant): Peer {
  return {
    about: variant.about,
    takes: () => true,
    async start(place) {
      const { folder, cores } = place;
      const port = findFreePort();
      const executable = await variant.executable();
      const dsn = variant.engine === "postgres" ? await createDatabase() : null;
      mkdirSync(join(folder, "config"));
      await Bun.write(join(folder, "config/setting.ini"), printConfig({ ...place, port, dsn, variant }));
      const files = { identityPath: join(folder, "identity.db"), ledgerPath: join(folder, "ledger.db") };
      const tokens = (await variant.seed?.(files)) ?? [];
      const env = { PATH: process.env["PATH"], HOME: folder };
      const run = (...words: string[]) => {
        const { success, stdout, stderr } = Bun.spawnSync([executable, ...words, "--json"], { cwd: folder, env });
        if (!success) throw new Error(`tokligence ${words.join(" ")}: ${stderr.toString()}`);
        return JSON.parse(stdout.toString());
      };
      run("admin", "users", "create", "--email", "bench@example.com");
      const { token } = run("admin", "api-keys", "create", "--user", "bench@example.com");
      const own = tokens[0] ?? token;
      const address = { hostname: "127.0.0.1", port, headers: { authorization: `Bearer ${own}` } };
      const fills = tokens.length === 0 ? {} : { fills: [{ blank: own, values: tokens }] };
      const launched = await launch({ command: pin(cores, "gateway", [executable, "serve"]), cwd: folder, address });
      const count = dsn === null ? countSqlite(join(folder, "ledger.db")) : countPostgres(dsn);
      const books = { countRows: () => count(COUNT), countDoubles: () => count(COUNT_DOUBLES) };
      const { version, commit } = run("version");
      return {
        ...launched,
        version: `${version} (${commit})`,
        address: () => ({ ...address, ...fills }),
        ...(variant.keepsBooks ? books : { countRows: null }),
      };
    },
  };
}

function printConfig({
  folder,
  upstreamPort,
  port,
  dsn,
  variant,
}: Place & { port: number; dsn: string | null; variant: Variant }): string {
  const origin = `http://127.0.0.1:${upstreamPort}`;
  const provider = (name: string, base: string): string[] => [
    `[provider.${name}]`,
    `base_url = ${origin}${base}`,
    `api_key = ${PROVIDER_KEY}`,
    "allow_private = yes",
  ];
  return [
    `http_address = 127.0.0.1:${port}`,
    `home = ${folder}`,
    `identity_path = ${dsn ?? join(folder, "identity.db")}`,
    ...(dsn === null ? [`ledger_path = ${join(folder, "ledger.db")}`] : [`ledger_path = ${dsn}`]),
    `ledger_outbox = ${join(folder, "outbox.db")}`,
    "log_level = warn",
    ...variant.settings,
    ...provider("openai", "/v1"),
    ...provider("anthropic", ""),
    ...provider("gemini", ""),
    ...(variant.sections ?? []),
    "",
  ].join("\n");
}

type Count = (statement: string) => Promise<number>;

function countSqlite(path: string): Count {
  const db = new Database(path, { readonly: true });
  return async (statement) => db.query<{ rows: number }, []>(statement).get()?.rows ?? 0;
}

function countPostgres(dsn: string): Count {
  const sql = postgres(dsn, { max: 1 });
  return async (statement) => Number((await sql.unsafe(statement))[0]?.["rows"] ?? 0);
}
