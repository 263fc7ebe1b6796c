// `admin api-keys …` on a database of its own: the token is shown once, and everything else is as it was asked for.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { createKeyRing, type KeyFault } from "../../src/identity/index.ts";
import { type Desk, makeDesk } from "./desk.ts";

interface KeyJson {
  id: string;
  user_id: string;
  name: string | null;
  prefix: string;
  scopes: string[];
  expires_at: string | null;
}

interface Issued {
  token: string;
  api_key: KeyJson;
}

let desk: Desk;
beforeEach(async () => {
  desk = makeDesk();
  await desk.read("admin users create --email ana@example.com");
});
afterEach(() => desk.close());

const issue = (flags = ""): Promise<Issued> =>
  desk.read<Issued>(`admin api-keys create --user ana@example.com ${flags}`.trim());
const list = async (): Promise<KeyJson[]> => (await desk.read<{ api_keys: KeyJson[] }>("admin api-keys list")).api_keys;

/** What a server on the same database would say to the token. */
function tryToken(token: string, atMs = Date.now()): Promise<KeyFault | "open"> {
  return desk.withStore(async ({ identity }) => {
    const ring = createKeyRing({
      store: identity,
      now: () => atMs,
      onError: (error) => {
        throw error;
      },
    });
    await ring.load();
    const answer = ring.resolve(token);
    return typeof answer === "string" ? answer : "open";
  });
}

describe("create", () => {
  test("prints the line that scripts read, and the token opens", async () => {
    const { code, out, err } = await desk.run("admin api-keys create --user ana@example.com");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const token = /^API key id=[0-9a-f-]{36} token=(tok_[\w-]+)\n$/u.exec(out)?.[1] ?? "";
    expect(await tryToken(token)).toBe("open");
    expect(await tryToken(`${token}x`)).toBe("unknown");
    expect((await desk.run("admin api-keys list")).out).not.toContain(token);
  });

  test("scopes, name and a time to live", async () => {
    const before = Date.now();
    const { api_key: key } = await issue("--scopes inference,usage:read --name ci --ttl 720h");
    expect(key).toMatchObject({ scopes: ["inference", "usage:read"], name: "ci" });
    const livesMs = new Date(key.expires_at ?? 0).getTime() - before;
    expect(livesMs).toBeGreaterThanOrEqual(720 * 3_600_000);
    expect(livesMs).toBeLessThan(720 * 3_600_000 + 60_000);
  });

  test("a moment to end at", async () => {
    expect((await issue("--expires 2099-01-31T02:00:00+02:00")).api_key.expires_at).toBe("2099-01-31T00:00:00.000Z");
    expect((await issue("--expires 2099-01-31")).api_key.expires_at).toBe("2099-01-31T00:00:00.000Z");
    expect((await issue()).api_key.expires_at).toBeNull();
  });

  test.each([
    ["--ttl 720h --expires 2099-01-31", EXIT.usage, "--ttl says it already"],
    ["--ttl soon", EXIT.usage, "no length of time"],
    ["--ttl 0s", EXIT.usage, "must live for some time"],
    ["--expires tomorrow", EXIT.usage, "no moment"],
    ["--expires 2099-13-01", EXIT.usage, "no moment"],
    ["--expires 2001-01-01", EXIT.usage, "past"],
    ["--scopes everything", EXIT.usage, 'no scope "everything"'],
    ["--scopes=", EXIT.usage, "--scopes: it names nothing"],
    ["--allow-ips=,", EXIT.usage, "--allow-ips: it names nothing"],
  ])("%s is refused", async (flags, code, words) => {
    const result = await desk.run(`admin api-keys create --user ana@example.com ${flags}`);
    expect({ code: result.code, out: result.out }).toEqual({ code, out: "" });
    expect(result.err).toContain(words);
    expect(await list()).toEqual([]);
  });

  test("for nobody", async () => {
    expect((await desk.run("admin api-keys create --user nobody@example.com")).code).toBe(EXIT.notFound);
  });
});

test("list shows everyone's keys or a user's", async () => {
  const { api_key: key } = await issue("--scopes inference,usage:read");
  await desk.read("admin api-keys create --user admin@local");
  const { out } = await desk.run("admin api-keys list --user ana@example.com");
  const [heads = "", row = "", ...more] = out.trimEnd().split("\n");
  expect(heads.split(/ {2,}/u)).toEqual(["ID", "USER", "PREFIX", "NAME", "EXPIRES", "LAST USED", "REVOKED", "SCOPES"]);
  expect(row.split(/ {2,}/u)).toEqual([key.id, key.user_id, key.prefix, "-", "-", "-", "-", "inference,usage:read"]);
  expect(more).toEqual([]);
  const all = await list();
  expect(all).toHaveLength(2);
  type Keys = { api_keys: KeyJson[]; next_cursor: string };
  const first = await desk.read<Keys>("admin api-keys list --limit 1");
  const second = await desk.read<Keys>(`admin api-keys list --limit 1 --cursor ${first.next_cursor}`);
  expect([...first.api_keys, ...second.api_keys]).toEqual(all);
  expect(second.next_cursor).toBeNull();
  expect((await desk.run("admin api-keys list --user nobody@example.com")).code).toBe(EXIT.notFound);
});

describe("rotate", () => {
  test("gives the same key another token, and ends the old one at once", async () => {
    const old = await issue("--name ci --scopes inference");
    const { code, out, err } = await desk.run(`admin api-keys rotate --id ${old.api_key.id}`);
    expect({ code, err }).toEqual({ code: 0, err: "The old token has ended.\n" });
    const [, id = "", token = ""] = /^API key id=(\S+) token=(tok_\S+)\n$/u.exec(out) ?? [];
    expect(id).toBe(old.api_key.id);
    expect(await tryToken(token)).toBe("open");
    expect(await tryToken(old.token)).toBe("unknown");
    expect(await list()).toMatchObject([{ id, name: "ci", scopes: ["inference"], prefix: token.slice(0, 12) }]);
  });

  test("or after an overlap", async () => {
    const old = await issue();
    const next = await desk.read<Issued>(`admin api-keys rotate --id ${old.api_key.id} --overlap 1h`);
    expect(await tryToken(next.token)).toBe("open");
    expect(await tryToken(old.token)).toBe("open");
    expect(await tryToken(old.token, Date.now() + 3_700_000)).toBe("expired");
    expect(await tryToken(next.token, Date.now() + 3_700_000)).toBe("open");
    const { out } = await desk.run(`admin api-keys show --id ${old.api_key.id}`);
    expect(out).toContain(old.api_key.prefix);
    expect(out).toContain(next.api_key.prefix);
  });

  test("what cannot be rotated", async () => {
    const { api_key: key } = await issue();
    expect((await desk.run(`admin api-keys rotate --id ${key.id} --overlap a-while`)).code).toBe(EXIT.usage);
    expect((await desk.run("admin api-keys rotate --id nothing")).code).toBe(EXIT.notFound);
  });
});

describe("limits", () => {
  const FLAGS =
    "--allow-models gpt-4o*,!*audio* --allow-providers openai --allow-ips 10.1.2.3/8 --tags team=a,env=prod --strict";

  test("are said when a key is made, shown, changed and taken away", async () => {
    const { api_key: key } = await issue(`${FLAGS} --budget-usd 5 --budget-period day --name ci`);
    const limits = {
      allowed_models: ["gpt-4o*", "!*audio*"],
      allowed_providers: ["openai"],
      allowed_ips: ["10.0.0.0/8"],
      tags: ["team=a", "env=prod"],
      strict: true,
    };
    const show = () => desk.read<{ api_key: object; budgets: object[] }>(`admin api-keys show --id ${key.id}`);
    expect((await show()).api_key).toMatchObject(limits);
    expect((await show()).budgets).toMatchObject([{ api_key_id: key.id, period: "day" }]);
    await desk.read(`admin api-keys update --id ${key.id} --allow-models o3 --tags none --ttl 1h`);
    expect((await show()).api_key).toMatchObject({ ...limits, allowed_models: ["o3"], tags: [], name: "ci" });
    await desk.read(
      `admin api-keys update --id ${key.id} --allow-models none --allow-providers none --allow-ips none --expires none --no-strict`,
    );
    const bare = { allowed_models: [], allowed_providers: [], allowed_ips: [], expires_at: null, strict: false };
    expect((await show()).api_key).toMatchObject(bare);
    const { out } = await desk.run("admin api-keys list --tag team=a");
    expect(out).not.toContain(key.id);
  });

  test("may be tokens, too", async () => {
    const { api_key: key } = await issue("--budget-tokens 5000 --budget-period week");
    const { budgets } = await desk.read<{ budgets: object[] }>(`admin api-keys show --id ${key.id}`);
    expect(budgets).toMatchObject([{ api_key_id: key.id, period: "week", unit: "tokens", limit_tokens: 5_000 }]);
  });

  test.each([
    ["create --user ana@example.com --allow-models a*b", EXIT.usage],
    ["create --user ana@example.com --allow-ips 10.0.0.0/99", EXIT.usage],
    ["create --user ana@example.com --tags =x", EXIT.usage],
    ["create --user ana@example.com --scopes users:manage", EXIT.denied],
    ["create --user ana@example.com --budget-usd much", EXIT.usage],
    ["create --user ana@example.com --budget-period day", EXIT.usage],
    ["create --user ana@example.com --budget-tokens much", EXIT.usage],
    ["create --user ana@example.com --budget-tokens 5 --budget-usd 5", EXIT.usage],
    ["update --id x", EXIT.usage],
    ["update --id x --name y", EXIT.notFound],
    ["show --id x", EXIT.notFound],
    ["list --status odd", EXIT.usage],
    ["list --unused-since soon", EXIT.usage],
  ])("%s exits with %p", async (line, code) => {
    expect((await desk.run(`admin api-keys ${line}`)).code).toBe(code);
    expect(await list()).toEqual([]);
  });
});

describe("revoke", () => {
  test("one by its id: it stays in the list", async () => {
    const { api_key: key, token } = await issue();
    expect((await desk.run(`admin api-keys revoke --id ${key.id} --dry-run`)).out).toContain("would be revoked");
    expect(await tryToken(token)).toBe("open");
    expect((await desk.run(`admin api-keys revoke --id ${key.id}`)).out).toBe(`Revoked API key ${key.id}\n`);
    expect(await tryToken(token)).toBe("unknown");
    expect((await desk.read<{ api_keys: { revoked_at: string }[] }>("admin api-keys list")).api_keys).toMatchObject([
      { revoked_at: expect.stringMatching(/^\d{4}-/u) },
    ]);
    expect((await desk.run("admin api-keys list --status open")).out).not.toContain(key.id);
    expect((await desk.run(`admin api-keys update --id ${key.id} --name x`)).code).toBe(EXIT.conflict);
  });

  test("many, once somebody has said yes", async () => {
    const made = [await issue("--tags team=a"), await issue("--tags team=a"), await issue()];
    const open = () => Promise.all(made.map(({ token }) => tryToken(token)));
    const looked = await desk.run("admin api-keys revoke --tag team=a --dry-run");
    expect([looked.code, looked.out.split("\n").length]).toEqual([0, 4]);
    const asked = await desk.run("admin api-keys revoke --tag team=a");
    expect([asked.code, asked.err]).toEqual([EXIT.usage, expect.stringContaining("--yes")]);
    expect(await open()).toEqual(["open", "open", "open"]);
    const done = await desk.read<{ count: number }>("admin api-keys revoke --tag team=a --yes");
    expect(done.count).toBe(2);
    expect(await open()).toEqual(["unknown", "unknown", "open"]);
    const rest = await desk.run(
      `admin api-keys revoke --prefix ${made[2]?.api_key.prefix} --user ana@example.com --yes`,
    );
    expect(rest.err).toContain("1 key revoked.");
    expect(await open()).toEqual(["unknown", "unknown", "unknown"]);
  });

  test("by how long they were not used", async () => {
    await issue();
    expect((await desk.read<{ count: number }>("admin api-keys revoke --unused-since 1h --yes")).count).toBe(0);
    expect((await desk.read<{ count: number }>("admin api-keys revoke --unused-since 2099-01-01 --yes")).count).toBe(1);
  });

  test.each(["", "--id x --tag y", "--prefix tok", "--user nobody@example.com --yes"])("%p is none", async (flags) => {
    expect((await desk.run(`admin api-keys revoke ${flags}`.trim())).code).toBeGreaterThan(1);
  });
});

describe("delete", () => {
  test("soft and hard; the token ends", async () => {
    const [soft, hard] = [await issue(), await issue()];
    expect((await desk.run(`admin api-keys delete --id ${soft.api_key.id}`)).out).toBe(
      `Soft deleted API key ${soft.api_key.id} (revoked)\n`,
    );
    expect((await desk.run(`admin api-keys delete --id ${hard.api_key.id} --hard`)).out).toBe(
      `Permanently deleted API key ${hard.api_key.id}\n`,
    );
    expect([await tryToken(soft.token), await tryToken(hard.token)]).toEqual(["unknown", "unknown"]);
    expect(await list()).toEqual([]);
  });

  test("a key that is not there", async () => {
    const { code, err } = await desk.run("admin api-keys delete --id nothing --json");
    expect(code).toBe(EXIT.notFound);
    expect(JSON.parse(err).error.code).toBe("not_found");
  });
});
