// `admin audit …`: the record of changes listed, written out and proved.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

interface Printed {
  seq: number;
  action: string;
}

const USER = "ana@example.com";

const list = async (flags = ""): Promise<Printed[]> =>
  (await desk.read<{ changes: Printed[] }>(`admin audit list --limit 1000 ${flags}`.trim())).changes;

describe("admin audit", () => {
  test("list prints who, what and the difference, and filters", async () => {
    await desk.run(`admin users create --email ${USER} --name Ana`);
    await desk.run(`admin users update --id ${USER} --name Bea`);
    const { out } = await desk.run("admin audit list");
    expect(out).toMatch(/^TIME +WHO +FROM +ACTION +SUBJECT +CHANGE/mu);
    expect(out).toMatch(/ operator (?!unknown)\S+ +- +user\.update /u);
    expect(out).toContain("display_name: Ana → Bea");
    expect((await list(`--subject ${USER}`)).map(({ action }) => action)).toEqual(["user.update", "user.create"]);
    expect((await list("--actor configuration")).map(({ action }) => action)).toEqual(["user.create"]);
    expect(await list("--action key")).toEqual([]);
    const { code, out: none, err } = await desk.run("admin audit list --action users");
    expect([code, none]).toEqual([EXIT.usage, ""]);
    expect(err).toContain('There is no action "users" (did you mean "user"?)');
    expect((await desk.run("admin audit export --action user.crate")).code).toBe(EXIT.usage);
    const page = await desk.read<{ next_cursor: string }>("admin audit list --limit 1");
    const next = await desk.read<{ changes: Printed[] }>(`admin audit list --limit 1 --cursor ${page.next_cursor}`);
    expect(next.changes[0]?.action).toBe("user.create");
    expect((await desk.run("admin audit list --limit 0")).code).toBe(EXIT.usage);
    expect((await desk.run("admin audit list --from 2026-02-01 --to 2026-01-01")).code).toBe(EXIT.usage);
  });

  test("export writes all of it, to a file or to stdout", async () => {
    await desk.run(`admin users create --email ${USER}`);
    const file = join(desk.folder, "audit.jsonl");
    expect(await desk.read<object>(`admin audit export -o ${file}`)).toEqual({ rows: 2, file });
    const rows = readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Printed);
    expect(rows.map(({ seq, action }) => [seq, action])).toEqual([
      [1, "user.create"],
      [2, "user.create"],
    ]);
    const { out, code } = await desk.run("admin audit export --format csv");
    expect([code, out.split("\r\n").length]).toEqual([0, 4]);
    expect((await desk.run("admin audit export --format xml")).code).toBe(EXIT.usage);
  });

  test("verify says that there is no database, and changes nothing in one", async () => {
    const missing = await desk.run("admin audit verify");
    expect([missing.code, missing.err.includes("There is no database")]).toEqual([EXIT.notFound, true]);
    await desk.run(`admin users create --email ${USER}`);
    const before = await list();
    expect((await desk.run("admin audit verify")).code).toBe(0);
    expect(await list()).toEqual(before);
  });
});
