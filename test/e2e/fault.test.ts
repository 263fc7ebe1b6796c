// What the machine can do to a daemon: full disk, folder without rights, taken port, damaged or newer database. Each with the words that its
// operator reads.

import { Database } from "bun:sqlite";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { BINARY, findFreePort, issueKey, makeFolder, run, serve, waitUntil } from "./binary.ts";

function home(folder: string): Record<string, string> {
  return { HOME: folder, TOKLIGENCE_HOME: join(folder, "home") };
}

describe("a start that cannot succeed says why and what to do", () => {
  test("taken port", async () => {
    const gateway = await serve();
    const folder = makeFolder();
    const { host } = new URL(gateway.url);
    const ended = await run(["serve", "--http-address", host], { cwd: folder, env: home(folder) });
    expect(ended.code).toBe(69);
    expect(ended.err).toContain(`${host} is already in use`);
    expect(ended.err).toContain("--http-address");
    await gateway.stop();
  });

  test.each([1, 2])(
    "a second one on the home and the port of one that runs, with %d workers, leaves nothing behind",
    async (workers) => {
      const gateway = await serve({ config: `workers = ${workers}\n` });
      const look = () => {
        const db = new Database(join(gateway.folder, "home/ledger.db"), { readonly: true });
        const chains = db.query("select * from ledger_chains").values().length;
        db.close();
        return {
          chains,
          files: readdirSync(join(gateway.folder, "home")).toSorted(),
          link: readFileSync(join(gateway.folder, "home/setup-link"), "utf8"),
        };
      };
      const before = look();
      const ended = await gateway.run(["serve"]);
      expect(ended.code).toBe(69);
      expect(ended.err).toContain("is already in use");
      expect(look()).toEqual(before);
      await gateway.stop();
    },
  );

  test.each(["nobody.invalid:18099", "192.0.2.1:18099"])("an address that is not here: %s", async (address) => {
    const folder = makeFolder();
    const ended = await run(["serve", "--http-address", address], { cwd: folder, env: home(folder) });
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(`This machine has no address to listen on at ${address}`);
    expect(ended.err).not.toMatch(/no such file|tls_cert/u);
  });

  test("a damaged database file", async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, "home"));
    writeFileSync(join(folder, "home/identity.db"), "this is no database ".repeat(500));
    const ended = await run(["serve", "--http-address", "127.0.0.1:0"], { cwd: folder, env: home(folder) });
    expect(ended.code).not.toBe(0);
    expect(ended.err).toContain("home/identity.db");
    expect(ended.err).toMatch(/not a SQLite database or is damaged/);
  });

  test("a database of a newer version", async () => {
    const gateway = await serve({ folder: makeFolder() });
    const { folder } = gateway;
    await gateway.stop();
    const db = new Database(join(folder, "home/identity.db"));
    const table = db
      .query<{ name: string }, []>("select name from sqlite_master where name like '%migration%'")
      .get()?.name;
    const columns = db.query<{ name: string }, []>(`select name from pragma_table_info('${table}')`).all();
    db.run(
      `insert into ${table} (${columns.map((column) => column.name).join(", ")}) values (${columns.map((_, index) => (index === 0 ? "'99991231235959_future'" : "0")).join(", ")})`,
    );
    db.close();
    const ended = await run(["serve", "--http-address", "127.0.0.1:0"], { cwd: folder, env: home(folder) });
    expect(ended.code).not.toBe(0);
    expect(ended.err).toContain("newer version of tokligence");
    expect(ended.err).toContain("99991231235959_future");
  });

  test.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")("a folder without rights", async () => {
    const folder = makeFolder();
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "home"), { mode: 0o700 });
    chownSync(join(folder, "home"), 0, 0);
    // Where that user can reach it, wherever this checkout lies.
    const file = join(folder, "tokligence");
    copyFileSync(BINARY, file);
    chmodSync(file, 0o755);
    const child = Bun.spawn([file, "serve", "--http-address", "127.0.0.1:0"], {
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "", ...home(folder) },
      uid: 65_534,
      gid: 65_534,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const err = await new Response(child.stderr).text();
    expect(await child.exited).not.toBe(0);
    expect(err).toContain("home");
    expect(err).toMatch(/cannot be opened for writing; check that the file and its folder belong to this user/);
    rmSync(folder, { recursive: true, force: true });
  });
});

/** A small file system of its own, which only the daemon sees; needs the right to mount. */
const canMount =
  process.platform === "linux" &&
  Bun.spawnSync(["unshare", "-m", "true"], { stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0;

describe("a full disk", () => {
  test.skipIf(!canMount)(
    "refuses answers and new calls with 503, keeps readiness off, and recovers without losing a row",
    async () => {
      const folder = makeFolder();
      mkdirSync(join(folder, "home"));
      const script = join(folder, "serve.sh");
      writeFileSync(
        script,
        `#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs -o size=4m tmpfs "$TOKLIGENCE_HOME" && exec "$0" "$@"' ${BINARY} "$@"\n`,
        { mode: 0o755 },
      );
      const gateway = await serve({ folder, file: script });
      // The commands of this process do not see the small file system: the key is made through the daemon's own eyes.
      const inside = (args: string[]) =>
        run(["-t", String(gateway.pid), "-m", BINARY, ...args], { file: "nsenter", cwd: folder, env: home(folder) });
      const created = await inside(["admin", "users", "create", "--email", "a@example.com", "--json"]);
      expect(created.code).toBe(0);
      const { token } = JSON.parse(
        (await inside(["admin", "api-keys", "create", "--user", "a@example.com", "--json"])).out,
      );
      const ask = async (): Promise<Response> =>
        fetch(`${gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ model: "loopback", messages: [{ role: "user", content: "x" }] }),
        });
      await waitUntil(async () => (await ask()).status === 200, "the key to be known");
      let answered = 0;
      const fill = join(folder, "home", "fill");
      await run(
        ["-t", String(gateway.pid), "-m", "sh", "-c", `dd if=/dev/zero of=${fill} bs=1k count=8192 2>/dev/null; true`],
        { file: "nsenter" },
      );
      let refused: Response | null = null;
      for (let turn = 0; turn < 2_000 && refused === null; turn++) {
        const response = await ask();
        if (response.status === 200) answered++;
        else refused = response;
      }
      expect(refused?.status).toBe(503);
      const body = JSON.parse((await refused?.text()) ?? "{}");
      expect(body.error.code).toBe("ledger_unavailable");
      expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
      expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
      await run(["-t", String(gateway.pid), "-m", "rm", fill], { file: "nsenter" });
      await waitUntil(async () => (await ask()).status === 200, "the ledger to be written again");
      expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
      const summary = JSON.parse((await inside(["usage", "summary", "--json"])).out);
      expect(summary.requests).toBeGreaterThan(answered);
      await gateway.stop();
    },
    60_000,
  );
});

test("a proxy that does not run is not told as the provider's fault", async () => {
  const config = "retry_window = 0\n[provider.far]\nbase_url = http://llm.example.com/v1\n[routes]\nfar* = far\n";
  const proxy = `http://127.0.0.1:${await findFreePort()}`;
  const gateway = await serve({ config, env: { http_proxy: proxy, https_proxy: proxy } });
  const { token } = await issueKey(gateway);
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "far-1", messages: [{ role: "user", content: "x" }] }),
  });
  expect([response.status, await response.text()]).toEqual([502, expect.stringContaining("Check that the proxy runs")]);
  await gateway.stop();
});

test("a request that the daemon cannot read is its sender's fault, and harms nobody", async () => {
  const gateway = await serve();
  const { token } = await issueKey(gateway);
  const send = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, ...headers },
      body,
    });
  const big = new Uint8Array(50_000_001).fill(97);
  const tooLarge = await send(big);
  expect(tooLarge.status).toBe(413);
  expect(JSON.parse(await tooLarge.text()).error).toMatchObject({
    type: "invalid_request_error",
    code: "request_too_large",
  });
  const invalidUtf8 = await send(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]));
  expect(invalidUtf8.status).toBe(400);
  expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  await gateway.stop();
});
