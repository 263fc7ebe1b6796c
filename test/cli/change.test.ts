// Every command that changes something leaves exactly one row in the record of changes, by the operator. Generated from the tree of commands: one
// that nobody wrote a line for here fails.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandDef } from "citty";
import { createSignIn } from "../../src/identity/index.ts";
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
  /** Several, the last first, where it does several things. */
  action: string | string[];
}

const run = (line: string) => () => desk.run(line);
const addUser = run(`admin users create --email ${USER}`);
const addBudget = run("admin budgets create --name b --limit-usd 1");
const setRoute = run("admin routes set fast targets=loopback");

async function addKey(): Promise<string> {
  return (await desk.read<{ api_key: { id: string } }>(`admin api-keys create --user ${USER}`)).api_key.id;
}

/** An account at an identity provider. */
async function connect(): Promise<string> {
  const id = Bun.randomUUIDv7();
  await desk.withStore(async ({ identity }) => {
    const userId = (await identity.findUserByEmail(USER))?.id ?? "";
    const account = { issuer: "https://login.example.com", subject: id, email: null };
    await identity.createIdentity({ id, userId, ...account, createdAt: new Date(), lastUsedAt: new Date() });
  });
  return id;
}

async function signIn(): Promise<void> {
  await desk.withStore(async ({ identity }) => {
    const session = createSignIn({ store: identity, now: Date.now });
    const { token } = await session.makeLink(USER, { kind: "hand-out", ttlMs: 60_000 });
    const visitor = { userAgent: null, address: null };
    await session.redeem(token, { browser: null, isConfirmed: true, visitor });
  });
}

function configure(text: string): void {
  const path = join(desk.folder, "config/setting.ini");
  desk.write("config/setting.ini", `${readFileSync(path, "utf8")}${text}\n`);
}

const SET_LIMIT = "admin limits set few --concurrent 3";
const ADD_PROVIDER = "admin providers add acme type=compatible base_url=https://acme.test/v1";
const setKey = (): string => `admin providers set-key acme --key-file ${desk.write("key.txt", "sk-canary-0123456789")}`;

const CHANGES: Record<string, Sample> = {
  "admin api-keys create": {
    before: [addUser],
    line: `admin api-keys create --user ${USER}`,
    action: "key.create",
  },
  "admin api-keys delete": {
    before: [addUser],
    line: async () => `admin api-keys delete --id ${await addKey()}`,
    action: "key.delete",
  },
  "admin api-keys revoke": {
    before: [addUser],
    line: async () => `admin api-keys revoke --id ${await addKey()}`,
    action: "key.revoke",
  },
  "admin api-keys rotate": {
    before: [addUser],
    line: async () => `admin api-keys rotate --id ${await addKey()}`,
    action: "key.rotate",
  },
  "admin api-keys update": {
    before: [addUser],
    line: async () => `admin api-keys update --id ${await addKey()} --name mine`,
    action: "key.update",
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
  "admin identities delete": {
    before: [addUser],
    line: async () => `admin identities delete --id ${await connect()}`,
    action: "identity.disconnect",
  },
  "admin limits delete": {
    before: [run(SET_LIMIT)],
    line: "admin limits delete few",
    action: "limit.delete",
  },
  "admin limits set": { line: SET_LIMIT, action: "limit.create" },
  "admin login-link": { before: [addUser], line: `admin login-link --email ${USER}`, action: "link.create" },
  "admin providers add": {
    line: ADD_PROVIDER,
    action: "provider.create",
  },
  "admin providers disable": { line: "admin providers disable loopback", action: "provider.disable" },
  "admin providers enable": {
    before: [run("admin providers disable loopback")],
    line: "admin providers enable loopback",
    action: "provider.enable",
  },
  "admin providers remove": {
    before: [run(ADD_PROVIDER)],
    line: "admin providers remove acme",
    action: "provider.delete",
  },
  "admin providers rollback": {
    before: [run(ADD_PROVIDER)],
    line: "admin providers rollback acme --to 1",
    action: "provider.update",
  },
  "admin providers rotate-secret": {
    before: [run(ADD_PROVIDER), () => desk.run(setKey())],
    line: "admin providers rotate-secret",
    // One for each credential.
    action: "provider.encrypt",
  },
  "admin providers set-key": {
    before: [run(ADD_PROVIDER)],
    line: () => setKey(),
    action: "provider.update",
  },
  "admin routes delete": { before: [setRoute], line: "admin routes delete fast", action: "route.delete" },
  "admin routes rollback": { before: [setRoute], line: "admin routes rollback fast --to 1", action: "route.update" },
  "admin routes set": { line: "admin routes set fast targets=loopback", action: "route.create" },
  "admin sessions revoke": {
    before: [addUser, signIn],
    line: `admin sessions revoke --user ${USER}`,
    action: "session.end",
  },
  "admin settings set": { line: "admin settings set queue_length 31", action: "settings.update" },
  "admin settings unset": {
    before: [() => desk.read("admin settings set queue_length 31")],
    line: "admin settings unset queue_length",
    action: "settings.update",
  },
  "admin users create": { line: `admin users create --email ${USER}`, action: "user.create" },
  "admin users delete": { before: [addUser], line: `admin users delete --id ${USER}`, action: "user.delete" },
  "admin users import": {
    line: () => `admin users import --file ${desk.write("users.csv", "email\nbea@example.com\n")}`,
    action: "user.create",
  },
  "admin users invite": {
    line: `admin users invite --email ${USER}`,
    // The user, and a link that signs in.
    action: ["link.create", "user.create"],
  },
  "admin users status": {
    before: [addUser],
    line: `admin users status --id ${USER} --status suspended`,
    action: "user.update",
  },
  "admin users update": {
    before: [addUser],
    line: `admin users update --id ${USER} --role gateway_admin`,
    // From then on nobody is the only administrator.
    action: ["auth.close_loopback", "user.update"],
  },
  "ledger rebuild": { line: "ledger rebuild", action: "ledger.rebuild" },
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
  "admin api-keys show": "reads",
  "admin audit export": "reads",
  "admin audit list": "reads",
  "admin audit verify": "reads",
  "admin budgets list": "reads",
  "admin budgets show": "reads",
  "admin cache show": "reads",
  "admin health disable": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin health drain": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin health enable": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin doctor": "reads",
  "admin health list": "asks the gateway that runs (the key that is made for the question is recorded)",
  "admin health reset": "asks the gateway that runs, which records it (and the key that is made for the question)",
  "admin identities list": "reads",
  "admin limits list": "reads",
  "admin limits show": "reads",
  "admin providers history": "reads",
  "admin providers list": "reads",
  "admin providers show": "reads",
  "admin providers test": "tries a provider; a call that it makes is on the books",
  "admin routes history": "reads",
  "admin routes list": "reads",
  "admin routes show": "reads",
  "admin sessions list": "reads",
  "admin settings list": "reads",
  "admin users list": "reads",
  "admin users show": "reads",
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
    expect(added.map((row) => row.action)).toEqual([action].flat());
    expect(added[0]).toMatchObject({ actor: "operator", actor_name: expect.stringMatching(/./u), address: null });
    expect((await desk.read<{ ok: boolean }>("admin audit verify")).ok).toBe(true);
    expect(JSON.stringify(rows)).not.toMatch(/canary|tok_[\w-]{20}/u);
  });
});
