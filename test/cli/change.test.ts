// Every command that changes something leaves exactly one row in the record of changes, by the operator. Generated from the tree of commands: one
// that nobody wrote a line for here fails. And `admin audit …`, which reads it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandDef } from "citty";
import { EXIT } from "../../src/cli/error.ts";
import { makeEntry } from "../ledger/entry.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

interface Printed {
  seq: number;
  actor: string;
  actor_name: string | null;
  address: string | null;
  action: string;
  subject_id: string | null;
  after: Record<string, unknown> | null;
}

const list = async (flags = ""): Promise<Printed[]> =>
  (await desk.read<{ changes: Printed[] }>(`admin audit list --limit 1000 ${flags}`.trim())).changes;

const USER = "ana@example.com";

interface Sample {
  /** Lines that must run before. */
  before?: (() => Promise<unknown>)[];
  line: (() => Promise<string | string[]> | string) | string;
  action: string;
}

const run = (line: string) => () => desk.run(line);
const addUser = run(`admin users create --email ${USER}`);
const addBudget = run("admin budgets create --name b --limit-usd 1");
const setRoute = run("admin routes set fast targets=loopback");

async function addKey(): Promise<string> {
  return (await desk.read<{ api_key: { id: string } }>(`admin api-keys create --user ${USER}`)).api_key.id;
}

function configure(text: string): void {
  const path = join(desk.folder, "config/setting.ini");
  desk.write("config/setting.ini", `${readFileSync(path, "utf8")}${text}\n`);
}

const CHANGES: Record<string, Sample> = {
  "admin api-keys create": {
    before: [addUser],
    line: `admin api-keys create --user ${USER}`,
    action: "key.create",
  },
  "admin api-keys delete": {
    before: [addUser],
    line: async () => `admin api-keys delete --id ${await addKey()}`,
    action: "key.revoke",
  },
  "admin api-keys rotate": {
    before: [addUser],
    line: async () => `admin api-keys rotate --id ${await addKey()}`,
    action: "key.rotate",
  },
  "admin budgets create": { line: "admin budgets create --name b --limit-usd 1", action: "budget.create" },
  "admin budgets delete": { before: [addBudget], line: "admin budgets delete --id b", action: "budget.delete" },
  "admin budgets update": {
    before: [addBudget],
    line: "admin budgets update --id b --limit-usd 2",
    action: "budget.update",
  },
  "admin cache clear": {
    before: [async () => configure(`cache=sqlite\ncache_path=${join(desk.folder, "cache.db")}`)],
    line: "admin cache clear",
    action: "cache.clear",
  },
  "admin login-link": { before: [addUser], line: `admin login-link --email ${USER}`, action: "link.create" },
  "admin routes delete": { before: [setRoute], line: "admin routes delete fast", action: "route.delete" },
  "admin routes rollback": { before: [setRoute], line: "admin routes rollback fast --to 1", action: "route.update" },
  "admin routes set": { line: "admin routes set fast targets=loopback", action: "route.create" },
  "admin users create": { line: `admin users create --email ${USER}`, action: "user.create" },
  "admin users delete": { before: [addUser], line: `admin users delete --id ${USER}`, action: "user.delete" },
  "admin users import": {
    line: () => `admin users import --file ${desk.write("users.csv", "email\nbea@example.com\n")}`,
    action: "user.create",
  },
  "admin users status": {
    before: [addUser],
    line: `admin users status --id ${USER} --status suspended`,
    action: "user.update",
  },
  "admin users update": {
    before: [addUser],
    line: `admin users update --id ${USER} --role gateway_admin`,
    action: "user.update",
  },
  "ledger reprice": {
    before: [
      // The chain of commands begins with the first row that one writes, and is recorded, too.
      () => bookUnpriced("2026-01-02T03:04:05Z"),
      run("ledger reprice --from 2026-01-01"),
      () => bookUnpriced("2026-01-03T03:04:05Z"),
    ],
    line: "ledger reprice --from 2026-01-01",
    action: "ledger.reprice",
  },
  "prices refresh": {
    before: [async () => configure(`price_file=${desk.write("prices.json", PRICES)}`)],
    line: "prices refresh",
    action: "prices.refresh",
  },
};

const PRICES = JSON.stringify([
  { id: "openai", models: [{ id: "gpt-4o", match: { equals: "gpt-4o" }, prices: { input_mtok: 2, output_mtok: 9 } }] },
]);

const bookUnpriced = (at: string): Promise<void> =>
  desk.withStore(({ ledger }) =>
    ledger.append([
      makeEntry({
        createdAt: new Date(at),
        freshInputTokens: 1_000,
        outputTokens: 100,
        costNanos: null,
        priceId: null,
        priceSource: null,
        priceDate: null,
      }),
    ]),
  );

/** Of the groups that are looked through here: what only reads, and what is recorded where it is done. */
const OTHERS: Record<string, string> = {
  "admin api-keys list": "reads",
  "admin audit export": "reads",
  "admin audit list": "reads",
  "admin audit verify": "reads",
  "admin budgets list": "reads",
  "admin budgets show": "reads",
  "admin cache show": "reads",
  "admin health disable": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin health drain": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin health enable": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin health list": "asks the gateway that runs (the key that is made for the question is recorded)",
  "admin health reset": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin routes history": "reads",
  "admin routes list": "reads",
  "admin routes show": "reads",
  "admin users list": "reads",
  "audit pack": "reads",
  "audit reconcile": "reads",
  "audit tokens": "reads",
  "audit verify": "reads",
  "config show": "reads",
  "config validate": "reads",
  "ledger heads": "reads",
  "ledger key": "reads",
  "ledger verify": "reads",
  "prices list": "reads",
  "prices show": "reads",
  "usage breakdown": "reads",
  "usage export": "reads",
  "usage logs": "reads",
  "usage summary": "reads",
  "usage timeseries": "reads",
};

const GROUPS = ["admin", "audit", "config", "ledger", "prices", "usage"];

async function listCommands(name: string, command: CommandDef): Promise<string[]> {
  const subCommands = (await resolve(command.subCommands)) ?? {};
  const entries = Object.entries(subCommands);
  if (entries.length === 0) return [name];
  const found = entries.map(async ([word, sub]) => listCommands(`${name} ${word}`, (await resolve(sub)) as CommandDef));
  return (await Promise.all(found)).flat();
}

async function resolve<T>(value: T): Promise<T extends (...given: never) => infer Given ? Awaited<Given> : Awaited<T>> {
  return (await (typeof value === "function" ? value() : value)) as never;
}

test("every command is known here", async () => {
  const names = (
    await Promise.all(
      GROUPS.map(async (group) =>
        listCommands(group, ((await import(`../../src/cli/${group}/index.ts`)) as { default: CommandDef }).default),
      ),
    )
  ).flat();
  const isAlias = (name: string): boolean => name.startsWith("admin route ");
  const known = [...Object.keys(CHANGES), ...Object.keys(OTHERS)];
  expect(names.filter((name) => !known.includes(name) && !isAlias(name))).toEqual([]);
  expect(known.filter((name) => !names.includes(name))).toEqual([]);
});

describe("one row of", () => {
  test.each(Object.keys(CHANGES))("%s", async (name) => {
    const { before = [], line, action } = CHANGES[name] ?? { line: "", action: "" };
    for (const prepare of before) await prepare();
    const ready = typeof line === "string" ? line : await line();
    const known = (await list()).length;
    const { code, err } = await desk.run(ready);
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
    const rows = await list();
    const added = rows.slice(0, rows.length - known);
    expect(added.map((row) => row.action)).toEqual([action]);
    expect(added[0]).toMatchObject({ actor: "operator", actor_name: expect.stringMatching(/./u), address: null });
    expect((await desk.read<{ ok: boolean }>("admin audit verify")).ok).toBe(true);
  });
});

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
