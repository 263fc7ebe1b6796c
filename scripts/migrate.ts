// Writes the SQL that takes the last released schema to the present one, for both engines, and the index that embeds it.
// Use: bun run migrate [name]. Knows no database: it compares src/store/schema.ts with the snapshots beside the SQL.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { failUsage, readWords } from "./flag.ts";

const ROOT = join(import.meta.dir, "..");
const ENGINES = [
  { folder: "postgres", dialect: "postgresql" },
  { folder: "sqlite", dialect: "sqlite" },
] as const;

const { names } = readWords({});
const [name = "change"] = names;
if (names.length > 1 || !/^[a-z][a-z0-9_]*$/.test(name))
  failUsage(
    `"${names.join(" ")}" is no name for a migration: use lower-case letters, digits and _, such as add_budgets`,
  );
for (const { folder, dialect } of ENGINES) {
  const home = `src/store/${folder}`;
  const run = Bun.spawnSync(
    [
      process.execPath,
      "--bun",
      join(ROOT, "node_modules/drizzle-kit/bin.cjs"),
      "generate",
      `--dialect=${dialect}`,
      `--schema=${home}/schema.ts`,
      `--out=${home}/migration`,
      `--name=${name}`,
      "--prefix=timestamp",
    ],
    { cwd: ROOT, stdout: "inherit", stderr: "inherit" },
  );
  if (!run.success) process.exit(run.exitCode);
  if (folder === "postgres") await dropSchemaName(join(ROOT, home, "migration"));
  const index = join(ROOT, home, "migration/index.ts");
  await Bun.write(index, indexFile(join(ROOT, home, "migration")));
  Bun.spawnSync([process.execPath, "fmt", index], { cwd: ROOT });
}

/** The generator writes "public" into references; without it the tables may live in any schema of the connection's search_path. */
async function dropSchemaName(folder: string): Promise<void> {
  for (const file of readdirSync(folder).filter((file) => file.endsWith(".sql"))) {
    const path = join(folder, file);
    const text = await Bun.file(path).text();
    if (text.includes('"public".')) await Bun.write(path, text.replaceAll('"public".', ""));
  }
}

/** One import a file, oldest first: the names start with their date. */
function indexFile(folder: string): string {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .map((file) => file.slice(0, -".sql".length))
    .toSorted();
  return [
    "// Written by `bun run migrate`: the SQL of this folder, oldest first, embedded in the executable. Knows nothing else.",
    "",
    'import type { Migration } from "../../migration.ts";',
    ...names.map((name) => `import m${name} from "./${name}.sql" with { type: "text" };`),
    "",
    "export const migrations: readonly Migration[] = [",
    ...names.map((name) => `  { name: "${name}", sql: m${name} },`),
    "];",
    "",
  ].join("\n");
}
