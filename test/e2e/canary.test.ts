// Canaries: secrets of every kind are planted in a gateway and its neighbours, a little of everything is done, it is killed and started again, and every byte
// that came of it is searched for them: what was said, logs, files, databases and Redis.

import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeSealKey, printSealKey } from "../../src/lib/seal.ts";
import { createDatabase, dumpDatabase, hasPostgres } from "../postgres.ts";
import { hasRedis, startRedis } from "../redis.ts";
import { makeFolder, run, type Served, serve, waitUntil } from "./binary.ts";
import { infer, makeKeys, read, signIn, steer } from "./canary-day.ts";
import { type Neighbours, openNeighbours } from "./canary-scene.ts";
import { listenIn, openWatch, type Watch } from "./canary-watch.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Files of the home folder that are there to hold a secret, for their owner's eyes alone. */
const HOLDERS = ["home/ledger.key", "home/secret.key", "home/setup-link"];

function watchHolders(watch: Watch, folder: string): void {
  for (const name of HOLDERS.filter((each) => existsSync(join(folder, each)))) {
    expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    if (name === "home/setup-link") continue;
    const lines = readFileSync(join(folder, name), "utf8").split("\n");
    watch.keep(name, lines.find((line) => line.length > 30 && !line.startsWith("-----")) ?? "", [name]);
  }
}

/** From the first start over a kill to the second end; answers a root's key and how many calls of each dialect went well. */
async function live(watch: Watch, neighbours: Neighbours): Promise<Record<string, number>> {
  const { folder, config, env } = neighbours;
  let served: Served | null = await serve({ folder, config, env });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    served?.signal(signal);
    await served?.stop();
    watch.see("stdout", served?.out() ?? "");
    watch.see("stderr", served?.log() ?? "");
    served = null;
  };
  try {
    const day = { watch, served, neighbours };
    const cookie = await signIn(day);
    const token = await makeKeys(day, cookie);
    await steer(day, token);
    const well = await infer(day, token);
    await waitUntil(() => neighbours.webhook.calls.some(({ path }) => path.includes("alert")), "the alert");
    await waitUntil(() => neighbours.webhook.calls.some(({ path }) => path.includes("anchor")), "the anchor");
    await read(day, token);
    watchHolders(watch, folder);
    await end("SIGKILL");
    watch.seeFiles(folder);
    served = await serve({ folder, config, env });
    await watch.ask(served, "/api/v1/profile", { cookie });
    await read({ ...day, served }, token, ["ledger verify", "admin audit verify", "usage export --format jsonl"]);
    await end("SIGTERM");
    const names = watch.seeFiles(folder);
    for (const name of ["config/setting.ini", "logs/daemon.log", "logs/cli.log", "pack.zip"])
      expect(names).toContain(name);
    return well;
  } finally {
    await served?.stop();
  }
}

function expectDone(watch: Watch, well: Record<string, number>): void {
  expect(watch.findLeaks()).toEqual([]);
  const without = ["chat", "responses", "messages", "gemini"].filter(
    (name) => !(well[name] ?? 0) || !well[`${name} stream`],
  );
  expect(without).toEqual([]);
  expect(watch.countSeen()).toBeGreaterThan(400);
}

test("a watch finds a secret however it is written, and where it may be alone", () => {
  const watch = openWatch();
  const secret = watch.keep("it", "Zq7+/canary-of-a-watch==wxyz", ["its file"]);
  watch.see("its file", secret);
  watch.see("shown", `once: ${secret}`).shows.push(secret);
  expect(watch.findLeaks()).toEqual([]);
  const ways = [secret, encodeURIComponent(secret), btoa(`a:${secret}:b`), btoa(`ab:${secret}`), btoa(secret)];
  for (const text of [...ways, Buffer.from(secret).toString("hex")]) watch.see("leak", `<${text}>`);
  expect(watch.findLeaks()).toHaveLength(ways.length + 1);
});

test("no secret is found anywhere: SQLite, with the configuration in a file", async () => {
  const watch = openWatch();
  const neighbours = await openNeighbours(watch, "cache = sqlite");
  folders.push(neighbours.folder);
  try {
    const well = await live(watch, neighbours);
    expectDone(watch, well);
  } finally {
    await neighbours.close();
  }
}, 240_000);

test.skipIf(!hasPostgres || !hasRedis)(
  "no secret is found anywhere: PostgreSQL and Redis",
  async () => {
    const watch = openWatch();
    const [database, redis] = [await createDatabase(), await startRedis()];
    const keep = (name: string, secret: string): string => watch.keep(name, secret, ["config/setting.ini"]);
    const password = keep("postgres-password", "Zq7/postgres:password@0123456789");
    keep("redis-password", new URL(redis.url).password);
    const secretKey = keep("secret_key", printSealKey(makeSealKey()));
    const dsn = database.replace("tokligence@", `tokligence:${encodeURIComponent(password)}@`);
    const lines = [`identity_path = ${dsn}`, `redis_url = ${redis.url}`, "cache = redis", `secret_key = ${secretKey}`];
    const neighbours = await openNeighbours(watch, lines.join("\n"));
    folders.push(neighbours.folder);
    const hear = await listenIn(redis.url);
    try {
      const well = await live(watch, neighbours);
      watch.see("redis", hear());
      const dump = dumpDatabase(database);
      expect(dump).toContain("provider_secrets");
      watch.see("dump of the database", dump);
      expectDone(watch, well);
    } finally {
      await Promise.all([neighbours.close(), redis.stop()]);
    }
  },
  240_000,
);

test("what is wrong with a configuration is said without what is secret in it", async () => {
  const watch = openWatch();
  const folder = makeFolder();
  folders.push(folder);
  const secret = watch.keep("secret", "Zq7-canary-of-a-mistake-0123456789", ["config/setting.ini"]);
  for (const line of MISTAKES) {
    await Bun.write(
      join(folder, "config/setting.ini"),
      `http_address = 127.0.0.1:0\n${line.replaceAll("SECRET", secret)}\n`,
    );
    for (const words of COMMANDS) {
      const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home") };
      const { out, err } = await run(words, { cwd: folder, env });
      watch.see(`${words.join(" ")} with ${line}`, `${out}\n${err}`);
    }
  }
  // What a server says of a neighbour that is not there, and of one that it cannot begin without.
  for (const line of AWAY) {
    const config = `${line.replaceAll("SECRET", secret)}\n`;
    const said = await serve({ folder, config }).then(
      async (served) => {
        await watch.ask(served, "/health/ready");
        await served.stop();
        return served.log() + served.out();
      },
      (error: unknown) => String(error),
    );
    expect(said).not.toBe("");
    watch.see(`serve with ${line}`, said);
  }
  watch.seeFiles(folder);
  expect(watch.findLeaks()).toEqual([]);
}, 120_000);

const COMMANDS = [
  ["config", "validate"],
  ["config", "show", "--origin"],
  ["admin", "users", "list"],
];

const AWAY = [
  "identity_path = postgres://user:SECRET@127.0.0.1:1/gone",
  "ledger_path = postgres://user:SECRET@127.0.0.1:1/gone",
  "redis_url = redis://:SECRET@127.0.0.1:1/0",
];

const MISTAKES = [
  "identity_path = postgres://user:SECRET@127.0.0.1:1/gone",
  "identity_path = postgres://user:SECRET@127.0.0.1:port/gone",
  "identity_path = postgres://user:SECRET@[::1/gone",
  "identity_path = postgres:/user:SECRET@127.0.0.1/gone",
  "identity_path = mysql://user:SECRET@127.0.0.1/gone",
  "identity_path = postgres://127.0.0.1:1/gone?user=u&password=SECRET",
  "ledger_path = postgres://user:SECRET@nowhere.invalid/gone",
  "redis_url = redis://:SECRET@127.0.0.1:port/0",
  "redis_url = http://:SECRET@127.0.0.1/0",
  "openai_api_kye = SECRET",
  "openai_api_key = SECRET\u0007",
  "openai_base_url = https://user:SECRET@api.example.com/v1",
  "secret_key = SECRET",
  "ledger_anchor = ftp://example.com/SECRET",
  "ledger_anchor = https://example.com/SECRET/{nothing}",
  "budget_alerts = https://hooks.example.com:port/SECRET",
  "price_file = https://user:SECRET@prices.example.com:port/list",
  "smtp_host = localhost\nsmtp_port = none\nsmtp_password = SECRET",
  "oidc_issuer = https://login.example.com\noidc_client_secret = SECRET",
  "[provider.x]\ntype = nothing\napi_key = SECRET",
  "[provider.x]\ntype = compatible\nbase_url = http://user:SECRET@127.0.0.1/v1\napi_key = SECRET",
  "[provider.x]\ntype = compatible\nbase_url = http://127.0.0.1/v1\napi_kye.a = SECRET",
  "[SECRET",
  "SECRET",
];
