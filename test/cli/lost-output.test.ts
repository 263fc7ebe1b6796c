// A reader that has seen enough, such as `head`: what a command found out still decides how it ends, and no stack is shown.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { fillBooks, makeBench } from "../audit/verify/books.ts";
import { makeDesk } from "./desk.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");

test("ledger verify ends as its findings say, whoever stopped reading them", async () => {
  const bench = makeBench();
  await fillBooks(bench);
  const run = async (...flags: string[]): Promise<string> => {
    // The reader is gone before anything is written.
    const line = '{ "$0" "$@"; echo "code $?" >&2; } | true';
    const command = [
      process.execPath,
      MAIN,
      "ledger",
      "verify",
      "--config",
      join(bench.desk.folder, "config"),
      ...flags,
    ];
    const { stderr } = Bun.spawn(["sh", "-c", line, ...command], { cwd: bench.desk.folder, stderr: "pipe" });
    return new Response(stderr).text();
  };
  expect(await run()).toContain("code 0");
  await bench.tamper("update ledger_entries set cost_nanos = 0 where seq > 2");
  for (const flags of [[], ["--json"]]) {
    const said = await run(...flags);
    expect(said).toContain("code 1");
    expect(said).not.toMatch(/EPIPE|\n\s+at /u);
  }
  bench.desk.close();
});

test("a list of users is taken to its end, whoever stopped reading its lines", async () => {
  const desk = makeDesk();
  const file = desk.write("a.csv", Array.from({ length: 12_000 }, (_, at) => `user-${at}@example.com`).join("\n"));
  const line = '{ "$0" "$@"; echo "code $?" >&2; } | head -n 1';
  const command = [process.execPath, MAIN, "admin", "users", "import", "--file", file];
  const config = ["--config", join(desk.folder, "config")];
  const child = Bun.spawn(["sh", "-c", line, ...command, ...config], {
    cwd: desk.folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect([out.split(" ").slice(0, 3).join(" "), err]).toEqual(["row 1 created", "code 0\n"]);
  expect((await desk.read<{ users: object[] }>("admin users list")).users).toHaveLength(12_001);
  desk.close();
});

test("an export that nobody reads to its end ends quietly", async () => {
  const desk = makeDesk();
  const file = desk.write("a.csv", Array.from({ length: 3_000 }, (_, at) => `user-${at}@example.com`).join("\n"));
  await desk.run(`admin users import --file ${file}`);
  const config = ["--config", join(desk.folder, "config")];
  for (const words of [
    ["admin", "audit", "export"],
    ["admin", "audit", "export", "--format", "csv"],
    ["migrate", "export", "--from", "sqlite", "--to", "-"],
  ]) {
    const line = '{ "$0" "$@"; echo "code $?" >&2; } | head -n 1';
    const command = ["sh", "-c", line, process.execPath, MAIN, ...words, ...config];
    const child = Bun.spawn(command, { cwd: desk.folder, stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect([words.join(" "), out.trimEnd().split("\n").length, err]).toEqual([words.join(" "), 1, "code 0\n"]);
  }
  desk.close();
});
