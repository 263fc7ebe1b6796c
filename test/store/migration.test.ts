// The embedded SQL says what the schema says, and grows only at its end.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  generateDrizzleJson,
  generateMigration,
  generateSQLiteDrizzleJson,
  generateSQLiteMigration,
} from "drizzle-kit/api";
import { type Migration, pickPending, splitStatements } from "../../src/store/migration.ts";
import { migrations as postgresMigrations } from "../../src/store/postgres/migration/index.ts";
import { schema as postgresSchema } from "../../src/store/postgres/schema.ts";
import { migrations as sqliteMigrations } from "../../src/store/sqlite/migration/index.ts";
import { schema as sqliteSchema } from "../../src/store/sqlite/schema.ts";

interface Journal {
  entries: { idx: number; when: number; tag: string }[];
}

const ENGINES: [string, readonly Migration[]][] = [
  ["postgres", postgresMigrations],
  ["sqlite", sqliteMigrations],
];

function folderOf(engine: string): string {
  return join(import.meta.dir, "../../src/store", engine, "migration");
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

function lastSnapshot<T>(engine: string, migrations: readonly Migration[]): T {
  const stamp = migrations.at(-1)?.name.split("_")[0];
  return readJson<T>(join(folderOf(engine), "meta", `${stamp}_snapshot.json`));
}

describe("the schema needs no migration that is not written yet", () => {
  test("postgres", async () => {
    const known = lastSnapshot<Parameters<typeof generateMigration>[0]>("postgres", postgresMigrations);
    expect(await generateMigration(known, generateDrizzleJson(postgresSchema, known.id))).toEqual([]);
    const { users: _, ...fewer } = postgresSchema;
    expect(await generateMigration(known, generateDrizzleJson(fewer, known.id))).not.toEqual([]);
  });

  test("sqlite", async () => {
    const known = lastSnapshot<Parameters<typeof generateSQLiteMigration>[0]>("sqlite", sqliteMigrations);
    expect(await generateSQLiteMigration(known, await generateSQLiteDrizzleJson(sqliteSchema, known.id))).toEqual([]);
    const { users: _, ...fewer } = sqliteSchema;
    expect(await generateSQLiteMigration(known, await generateSQLiteDrizzleJson(fewer, known.id))).not.toEqual([]);
  });
});

describe.each(ENGINES)("the migrations of %s", (engine, migrations) => {
  test("are all the files there are, in the order of the journal, each later than the one before", () => {
    const files = readdirSync(folderOf(engine)).filter((file) => file.endsWith(".sql"));
    const { entries } = readJson<Journal>(join(folderOf(engine), "meta/_journal.json"));
    const names = migrations.map((migration) => migration.name);
    expect(names).toEqual(files.map((file) => file.slice(0, -".sql".length)).toSorted());
    expect(names).toEqual(entries.map((entry) => entry.tag));
    for (const [index, entry] of entries.entries()) {
      expect(entry.idx).toBe(index);
      expect(entry.when).toBeGreaterThan(entries[index - 1]?.when ?? 0);
    }
  });

  test("name no schema, so that a connection's search_path decides", () => {
    for (const { sql } of migrations) expect(sql).not.toContain('"public".');
  });
});

test("both engines have the same migrations by name", () => {
  const words = (migrations: readonly Migration[]) => migrations.map(({ name }) => name.slice(name.indexOf("_")));
  expect(words(postgresMigrations)).toEqual(words(sqliteMigrations));
});

describe("pending migrations", () => {
  const known = ["1_a", "2_b", "3_c"].map((name) => ({ name, sql: "" }));
  const pick = (applied: string[]) => pickPending(known, applied, "The database").map((migration) => migration.name);

  test("are those not applied, also where one was merged late", () => {
    expect(pick([])).toEqual(["1_a", "2_b", "3_c"]);
    expect(pick(["1_a", "3_c"])).toEqual(["2_b"]);
    expect(pick(["3_c", "2_b", "1_a"])).toEqual([]);
  });

  test("are refused beside one that is unknown", () => {
    expect(() => pick(["1_a", "4_d", "5_e"])).toThrow("(migration 5_e)");
  });

  test("come apart into statements", () => {
    expect(splitStatements("create a;\n--> statement-breakpoint\ncreate b;\n--> statement-breakpoint\n")).toEqual([
      "create a;",
      "create b;",
    ]);
  });
});
