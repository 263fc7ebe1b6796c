// The command line as a program: what a shell and a script see of it. The commands themselves are tested in process.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { BINARY, type Ended, makeFolder, run, type Served, serve, waitUntil } from "./binary.ts";

let folder = "";
let env: Record<string, string> = {};
beforeAll(() => {
  folder = makeFolder();
  env = { HOME: folder };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cli = (line: string, stdin = ""): Promise<Ended> => run(line.split(" "), { cwd: folder, env, stdin });
const shell = (script: string) =>
  Bun.spawn(["bash", "-c", script, BINARY], {
    cwd: folder,
    env: { ...env, PATH: process.env["PATH"] ?? "" },
    stdout: "pipe",
    stderr: "pipe",
  });

describe("an administrator's day", () => {
  test("in an empty folder, from nothing", async () => {
    const created = await cli("admin users create --email Ana@Example.com --name Ana");
    expect(created.err).toBe("");
    expect(created.out).toMatch(/^Created user id=[0-9a-f-]{36} email=ana@example\.com role=gateway_user\n$/u);
    const issued = JSON.parse((await cli("admin api-keys create --user ana@example.com --ttl 720h --json")).out);
    expect(issued.token).toStartWith("tok_");
    const listed = JSON.parse((await cli("admin api-keys list --user ana@example.com --json")).out);
    expect(listed.api_keys).toEqual([issued.api_key]);
    const rotated = JSON.parse((await cli(`admin api-keys rotate --id ${issued.api_key.id} --json`)).out);
    expect(rotated.token).not.toBe(issued.token);
    expect((await cli(`admin api-keys delete --id ${rotated.api_key.id}`)).code).toBe(0);
    const suspended = await cli("admin users status --id ana@example.com --status inactive");
    expect(suspended.out).toMatch(/^Updated user [0-9a-f-]{36} status=suspended\n$/u);
    const home = join(folder, ".tokligence");
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, "identity.db")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(home, "identity.db")).includes(issued.token)).toBe(false);
  });

  test("users come from standard input, all or none", async () => {
    const csv = "email,role,name\nbo@example.com,,Bo\ncy@example.com,gateway_admin,Cy\n";
    const bad = await cli("admin users import --file -", `${csv}not an address,,\n`);
    expect({ code: bad.code, out: bad.out }).toEqual({ code: 2, out: "" });
    expect(bad.err).toContain("Row 3");
    const good = await cli("admin users import --file -", csv);
    expect(good.out).toEndWith("import complete: created=2 skipped=0\n");
    const again = await cli("admin users import --file - --json", csv);
    expect({ code: again.code, out: again.out }).toEqual({ code: 5, out: "" });
    expect(JSON.parse(again.err).error).toMatchObject({ code: "conflict" });
  });

  test("exit codes say what kind of failure it was", async () => {
    const codes = {
      "admin users create --email": 2,
      "admin users create --email ana@example.com": 5,
      "admin users delete --id nobody@example.com": 3,
      "usage logs --cursor x": 2,
      version: 0,
    };
    for (const [line, code] of Object.entries(codes)) expect([line, (await cli(line)).code]).toEqual([line, code]);
  });
});

describe("in a shell", () => {
  test("a reader that has seen enough is no failure", async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => `user-${index}@example.com`).join("\n");
    expect((await cli("admin users import --file -", rows)).code).toBe(0);
    const child = shell('"$0" admin users list | head -n 1; echo "${PIPESTATUS[0]}"');
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect({ out: out.split("\n").at(-2), err }).toEqual({ out: "0", err: "" });
  });

  test("Ctrl-C ends a command with 130 and without a word", async () => {
    // It waits for its input, which does not come.
    const child = Bun.spawn([BINARY, "admin", "users", "import", "--file", "-"], {
      cwd: folder,
      env,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    const interrupt = setInterval(() => child.kill("SIGINT"), 50);
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    clearInterval(interrupt);
    expect({ code, out, err }).toEqual({ code: 130, out: "", err: "" });
  });

  test.each(["bash", "fish", "powershell", "zsh"])("completion for %s", async (name) => {
    const { code, out } = await cli(`completion ${name}`);
    expect(code).toBe(0);
    expect(out).toMatch(/tokligence[\s\S]* complete '?--/u);
  });

  test("completion is told what could follow", async () => {
    const { out } = await cli("complete -- admin api-keys ro");
    expect(out).toStartWith("rotate\t");
    expect((await cli("complete -- admin users create --em")).out).toContain("--email");
  });
});

test.each(["admin users list", "init", "serve"])("in a folder that is not there any more, %s says so", async (line) => {
  const child = shell(`mkdir gone && cd gone && rmdir ../gone && "$0" ${line}`);
  const err = await child.stderr.text();
  expect([await child.exited, err.split("\n")[0]]).toEqual([
    1,
    "error: The folder that this is started in is not there any more.",
  ]);
});

describe("at a terminal", () => {
  test.each(["--help", "admin users list --help", "admin nope", "admin users create"])(
    "%s is plain text",
    async (line) => {
      let out = "";
      await using terminal = new Bun.Terminal({ data: (_, bytes) => (out += Buffer.from(bytes).toString()) });
      await Bun.spawn([BINARY, ...line.split(" ")], { cwd: folder, env: { ...env, TERM: "xterm-256color" }, terminal })
        .exited;
      // What a process has printed may come after the word of its end.
      await waitUntil(() => out.includes("USAGE tokligence"), "how it is used");
      for (const mark of ["\u001B", "\uFFFD"]) expect(out).not.toContain(mark);
    },
  );
});

test("at a terminal, the log has colours unless NO_COLOR says that it is to have none", async () => {
  for (const [more, isColoured] of [
    [{}, true],
    [{ NO_COLOR: "1" }, false],
  ] as const) {
    const { promise: listens, resolve } = Promise.withResolvers<void>();
    let out = "";
    await using terminal = new Bun.Terminal({
      data(_, bytes) {
        out += Buffer.from(bytes).toString();
        if (out.includes("is listening")) resolve();
      },
    });
    const own = { ...env, ...more, TERM: "xterm-256color", TOKLIGENCE_HTTP_ADDRESS: "127.0.0.1:0" };
    const child = Bun.spawn([BINARY, "serve"], { cwd: folder, env: own, terminal });
    await Promise.race([listens, child.exited]);
    child.kill();
    await child.exited;
    expect(out).toContain("info ");
    expect(out.includes("\u001B")).toBe(isColoured);
  }
});

describe("beside a running server", () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(() => served.stop());

  const ask = (token: string): Promise<number> =>
    fetch(`${served.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);
  /** How long a change of the command line takes to be seen, ms. */
  const waitFor = async (token: string, status: number): Promise<number> => {
    const started = performance.now();
    while ((await ask(token)) !== status) {
      if (performance.now() - started > 5_000) throw new Error(`${status} did not come`);
    }
    return performance.now() - started;
  };

  test("keys made and revoked by the command line count within a second", async () => {
    await served.run(["admin", "users", "create", "--email", "ana@example.com"]);
    const { out } = await served.run(["admin", "api-keys", "create", "--user", "ana@example.com", "--json"]);
    const { token, api_key: key } = JSON.parse(out);
    expect(await waitFor(token, 200)).toBeLessThan(1_000);
    await served.run(["admin", "api-keys", "delete", "--id", key.id]);
    expect(await waitFor(token, 401)).toBeLessThan(1_000);
  });
});
