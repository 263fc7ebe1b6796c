// `admin users …` on a database of its own: what scripts read, what is refused, and with which code.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { type Desk, makeDesk } from "./desk.ts";

const ID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}";

interface UserJson {
  id: string;
  email: string;
  role: string;
  status: string;
  display_name: string | null;
}

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

const add = async (line: string): Promise<UserJson> =>
  (await desk.read<{ user: UserJson }>(`admin users create ${line}`)).user;
const list = async (): Promise<UserJson[]> => (await desk.read<{ users: UserJson[] }>("admin users list")).users;
const find = async (email: string): Promise<UserJson | undefined> =>
  (await list()).find((user) => user.email === email);

describe("create", () => {
  test("prints the line that scripts read", async () => {
    const { code, out, err } = await desk.run([
      "admin",
      "users",
      "create",
      "--email",
      "Ana@Example.com",
      "--name",
      "A B",
    ]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(new RegExp(`^Created user id=${ID} email=ana@example.com role=gateway_user\n$`, "u"));
    expect(await find("ana@example.com")).toMatchObject({ display_name: "A B", status: "active" });
  });

  test("not twice: it says where to look", async () => {
    await desk.read("admin users create --email ana@example.com");
    const { code, err } = await desk.run("admin users create --email ana@example.com");
    expect([code, err]).toEqual([EXIT.conflict, expect.stringContaining("tokligence admin users list shows")]);
  });

  test("as JSON, one line", async () => {
    const { out } = await desk.run("admin users create --email b@example.com --role gateway_admin --json");
    expect(out.trim()).not.toContain("\n");
    expect(JSON.parse(out).user).toMatchObject({ email: "b@example.com", role: "gateway_admin", display_name: null });
  });

  test("an address that is taken is a conflict", async () => {
    await add("--email ana@example.com");
    const { code, out, err } = await desk.run("admin users create --email ANA@example.com");
    expect({ code, out }).toEqual({ code: EXIT.conflict, out: "" });
    expect(err).toStartWith("error: ");
  });

  test("a word that is no address and one that is no role are mistakes of use", async () => {
    for (const line of ["--email nobody", "--email a@example.com --role boss"]) {
      expect((await desk.run(`admin users create ${line}`)).code).toBe(EXIT.usage);
    }
    expect(await list()).toHaveLength(1);
  });
});

test("list shows the root admin from the start", async () => {
  const { code, out } = await desk.run("admin users list");
  expect(code).toBe(0);
  const [head, root, ...more] = out.trimEnd().split("\n");
  expect(head).toMatch(/^ID +EMAIL +ROLE +STATUS +NAME$/u);
  expect(root).toMatch(new RegExp(`^${ID}  admin@local  root_admin  active  -$`, "u"));
  expect(more).toEqual([]);
});

describe("update", () => {
  test("changes what is given and nothing else; by e-mail or by id", async () => {
    const { id } = await add("--email ana@example.com --name Ana");
    const first = await desk.run("admin users update --id ana@example.com --role gateway_admin");
    expect(first.out).toBe(`Updated user id=${id} role=gateway_admin display=Ana\n`);
    const second = await desk.run(`admin users update --id ${id} --name Anna`);
    expect(second.out).toBe(`Updated user id=${id} role=gateway_admin display=Anna\n`);
    await desk.run(["admin", "users", "update", "--id", id, "--name", ""]);
    expect(await find("ana@example.com")).toMatchObject({ role: "gateway_admin", display_name: null });
  });

  test("nothing to change, and nobody to change", async () => {
    const { code, err } = await desk.run("admin users update --id admin@local");
    expect(code).toBe(EXIT.usage);
    expect(err).toBe("error: There is nothing to change.\nGive --role, --name or --email.\n");
    expect((await desk.run("admin users update --id nobody@example.com --name x")).code).toBe(EXIT.notFound);
  });
});

test("status takes the old word too", async () => {
  const { id } = await add("--email ana@example.com");
  const { out } = await desk.run("admin users status --id ana@example.com --status inactive");
  expect(out).toBe(`Updated user ${id} status=suspended\n`);
  expect((await desk.run(`admin users status --id ${id} --status active`)).out).toBe(
    `Updated user ${id} status=active\n`,
  );
  expect((await desk.run(`admin users status --id ${id} --status asleep`)).code).toBe(EXIT.usage);
});

describe("delete", () => {
  test("soft and hard", async () => {
    const [soft, hard] = [await add("--email soft@example.com"), await add("--email hard@example.com")];
    expect((await desk.run("admin users delete --id soft@example.com")).out).toBe(
      `Soft deleted user ${soft.id} (marked as deleted)\n`,
    );
    expect((await desk.run(`admin users delete --id ${hard.id} --hard`)).out).toBe(
      `Permanently deleted user ${hard.id}\n`,
    );
    expect(await list()).toHaveLength(1);
    // Asked again, it is as good as the first time.
    expect((await desk.run("admin users delete --id soft@example.com")).out).toBe(
      `Soft deleted user ${soft.id} (marked as deleted)\n`,
    );
    expect((await desk.run(`admin users delete --id ${soft.id} --hard`)).out).toBe(
      `Permanently deleted user ${soft.id}\n`,
    );
    for (const { id } of [soft, hard]) {
      const again = await desk.run(`admin users delete --id ${id} --hard`);
      expect([again.code, again.out]).toEqual([EXIT.ok, `User ${id} was deleted permanently before\n`]);
    }
    expect((await desk.run("admin users delete --id never@example.com")).code).toBe(EXIT.notFound);
  });

  test("the last root admin stays", async () => {
    const { code, out } = await desk.run("admin users delete --id admin@local");
    expect({ code, out }).toEqual({ code: EXIT.conflict, out: "" });
    expect(await find("admin@local")).toMatchObject({ status: "active" });
  });
});

describe("import", () => {
  test("with a header, in any order, with a line a row", async () => {
    const file = desk.write(
      "a.csv",
      '\uFEFFName,Team,E-mail,EMAIL,role\n"Ana, A.",x,y,ana@example.com,\n,,,bo@example.com,gateway_admin\n',
    );
    const { code, out, err } = await desk.run(["admin", "users", "import", "--file", file]);
    expect(code).toBe(0);
    const [first, second, last] = out.trimEnd().split("\n");
    expect(first).toMatch(new RegExp(`^row 1 created user id=${ID} email=ana@example.com$`, "u"));
    expect(second).toMatch(new RegExp(`^row 2 created user id=${ID} email=bo@example.com$`, "u"));
    expect(last).toBe("import complete: created=2 skipped=0");
    expect(err).toBe('note: the column "Team" is not used\nnote: the column "E-mail" is not used\n');
    expect(await find("ana@example.com")).toMatchObject({ role: "gateway_user", display_name: "Ana, A." });
    expect(await find("bo@example.com")).toMatchObject({ role: "gateway_admin", display_name: null });
  });

  test("without a header: email, role, display name", async () => {
    const file = desk.write("a.csv", "ana@example.com,gateway_admin,Ana\r\n\r\nbo@example.com\r\n");
    const { out } = await desk.run(["admin", "users", "import", "--file", file]);
    expect(out).toEndWith("import complete: created=2 skipped=0\n");
    expect(await find("ana@example.com")).toMatchObject({ role: "gateway_admin", display_name: "Ana" });
    expect(await find("bo@example.com")).toMatchObject({ role: "gateway_user", display_name: null });
  });

  test("an address that is taken stops all, or is passed over", async () => {
    await add("--email ana@example.com");
    const file = desk.write("a.csv", "bo@example.com\nana@example.com\nbo@example.com\n");
    const stopped = await desk.run(["admin", "users", "import", "--file", file]);
    expect({ code: stopped.code, out: stopped.out }).toEqual({ code: EXIT.conflict, out: "" });
    expect(stopped.err).toContain("Row 2: ana@example.com");
    expect(await find("bo@example.com")).toBeUndefined();

    const { code, out } = await desk.run(["admin", "users", "import", "--file", file, "--skip-existing"]);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toStartWith("row 1 created user id=");
    expect(lines.slice(1)).toEqual([
      "row 2 skipped: ana@example.com: a user with this e-mail already exists",
      "row 3 skipped: bo@example.com: same e-mail as row 1",
      "import complete: created=1 skipped=2",
    ]);
  });

  test("a row that is wrong stops all", async () => {
    const file = desk.write("a.csv", "email,role\nana@example.com,\nbo@example.com,boss\n");
    const { code, err } = await desk.run(["admin", "users", "import", "--file", file]);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain("Row 2:");
    expect(await list()).toHaveLength(1);
  });

  test("a dry run checks and writes nothing", async () => {
    const file = desk.write("a.csv", "ana@example.com\n");
    const { code, out } = await desk.run(["admin", "users", "import", "--file", file, "--dry-run"]);
    expect(code).toBe(0);
    expect(out).toBe(
      "row 1 would create email=ana@example.com role=gateway_user\ndry run complete, nothing written: created=1 skipped=0\n",
    );
    expect(await list()).toHaveLength(1);
    await add("--email ana@example.com");
    expect((await desk.run(["admin", "users", "import", "--file", file, "--dry-run"])).code).toBe(EXIT.conflict);
  });

  test("as JSON", async () => {
    await add("--email ana@example.com");
    const file = desk.write("a.csv", "ana@example.com\nbo@example.com\n");
    const result = await desk.read(["admin", "users", "import", "--file", file, "--skip-existing"]);
    expect(result).toMatchObject({
      dry_run: false,
      created: [{ email: "bo@example.com", role: "gateway_user" }],
      skipped: [{ row: 1, email: "ana@example.com" }],
      refused: [],
      counts: { created: 1, skipped: 1, refused: 0 },
    });
  });

  test("a file that is not there, and one that is no CSV", async () => {
    const missing = await desk.run(["admin", "users", "import", "--file", `${desk.folder}/none.csv`]);
    expect(missing.code).toBe(EXIT.notFound);
    expect(missing.err).toContain("none.csv cannot be read");
    const file = desk.write("a.csv", 'ana@example.com,"open\n');
    const broken = await desk.run(["admin", "users", "import", "--file", file]);
    expect(broken.code).toBe(EXIT.usage);
    expect(broken.err).toContain("Row 1: A quote is opened here and never closed");
  });

  test("an empty file creates nobody", async () => {
    const file = desk.write("a.csv", "email,role\n");
    expect((await desk.run(["admin", "users", "import", "--file", file])).out).toBe(
      "import complete: created=0 skipped=0\n",
    );
  });
});

test("a name that was kept before names were looked at neither turns a line around nor looks like another", async () => {
  const { id } = await add("--email ana@example.com");
  await desk.withStore(async ({ identity }) => {
    await identity.updateUser(id, { displayName: "nimda\u202E x\u{E0041}\u001B[2J" }, new Date());
  });
  for (const line of ["admin users list", `admin users show --id ${id}`]) {
    const { out } = await desk.run(line);
    expect(out).toContain("nimda\uFFFD x\uFFFD\uFFFD[2J");
    for (const unseen of ["\u202E", "\u{E0041}", "\u001B"]) expect(out).not.toContain(unseen);
  }
});
