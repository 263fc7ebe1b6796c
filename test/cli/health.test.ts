// `admin health …` asks the gateway that runs, with a pass that leaves nothing behind; without a gateway it says what to do.

import { appendFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { refusal, ASK, SECOND, completion } from "../server/failover-scene.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../config/tls.ts";
import { findFreePort } from "../redis.ts";
import type { Session } from "../../src/gateway/index.ts";
import { type Rig, makeRig } from "../rig.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
let rig: Rig | null = null;
let server: { stop(force: boolean): unknown; port?: number | undefined } | null = null;

beforeEach(() => {
  desk = makeDesk();
});
afterEach(async () => {
  await server?.stop(true);
  await rig?.close();
  [rig, server] = [null, null];
  desk.close();
});

/** On the desk's own database, at a port of its own. */
async function serve(
  hostname = "127.0.0.1",
  { isSecure = false, home = desk.folder } = {},
): Promise<{ gateway: Rig; url: string }> {
  const gateway = await makeRig({
    upstream: ({ url }) => (url.startsWith("http://openai") ? refusal(401) : Response.json(completion("Hi"))),
    config: (config) => ({
      ...config,
      home,
      identityPath: `${desk.folder}/identity.db`,
      travel: { ...config.travel, maxAttempts: 3 },
      routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...SECOND], origin: "test" }],
    }),
  });
  rig = gateway;
  const tls = isSecure ? { tls: { cert: CERTIFICATE, key: PRIVATE_KEY } } : {};
  const listening = Bun.serve<Session>({
    port: 0,
    hostname,
    ...tls,
    fetch: (request, listener) => gateway.app.fetch(request, listener),
    websocket: gateway.app.sockets,
  });
  server = listening;
  return { gateway, url: `${isSecure ? "https" : "http"}://${hostname}:${listening.port}` };
}

test("lists every provider with its models, keys and reasons", async () => {
  const { gateway, url } = await serve();
  await gateway.chat(ASK);
  const { out, code } = await desk.run(`admin health list --url ${url}`);
  expect(code).toBe(0);
  expect(out).toMatch(/^openai +- +- +down/mu);
  expect(out).toMatch(/^openai +- +- +parked +revoked +\d{4}-/mu);
  expect(out).toMatch(/^local +- +second +closed/mu);
  expect(out).not.toContain("canary");
  const { providers } = await desk.read<{ providers: { provider: string }[] }>(`admin health list --url ${url}/`);
  expect(providers.map(({ provider }) => provider)).toEqual(["loopback", "openai", "anthropic", "local"]);
});

test("drains, disables, enables and resets; what is disabled is so after the next start, too", async () => {
  const { gateway, url } = await serve();
  const provider = async (): Promise<string | null> => (await gateway.chat(ASK)).headers.get("x-tokligence-provider");
  await provider();
  expect((await desk.run(`admin health reset --provider openai --url ${url}`)).code).toBe(0);
  await provider();
  expect(gateway.calls.map(({ url: asked }) => new URL(asked).hostname)).toEqual([
    "openai.test",
    "local.test",
    "openai.test",
    "local.test",
  ]);
  const { out } = await desk.run(`admin health drain --provider local --model second --url ${url}`);
  expect(out).toBe(
    "local, model second: drained until it is enabled or the gateway starts again; what runs ends as it would\n",
  );
  expect((await gateway.chat(ASK)).status).toBe(401);
  await desk.run(`admin health enable --provider local --url ${url}`);
  expect(await provider()).toBe("local");
  const { provider: printed } = await desk.read<{ provider: object }>(
    `admin health disable --provider local --url ${url}`,
  );
  expect(printed).toMatchObject({ provider: "local", state: "disabled", action: "disable" });
  await server?.stop(true);
  await gateway.close();
  const again = await serve();
  expect((await again.gateway.chat(ASK)).status).toBe(401);
  expect(again.gateway.calls).toHaveLength(1);
});

test("proves itself to this machine, and elsewhere only to who proves that he is the one", async () => {
  const { url } = await serve("127.0.0.1", { isSecure: true });
  expect((await desk.run(`admin health list --url ${url}`)).code).toBe(0);
  await server?.stop(true);
  await rig?.close();
  const other = await serve("127.0.0.2", { isSecure: true });
  const { code, err } = await desk.run(`admin health list --url ${other.url}`);
  expect(code).toBe(EXIT.unavailable);
  expect(err).toContain("CERT");
  const seen = other.gateway.log.filter((line) => line.includes("/admin/health"));
  expect(seen).toEqual([]);
});

interface Changes {
  changes: { action: string; actor: string; actor_name: string; api_key_id: string | null }[];
}

test("leaves no key and no word of one behind; what it changes is the operator's doing", async () => {
  const { url } = await serve();
  const before = (await desk.read<Changes>("admin audit list")).changes;
  await desk.run(`admin health list --url ${url}`);
  await desk.run(`admin limits list --url ${url}`);
  await desk.run(`admin providers test loopback --url ${url}`);
  await desk.run(`admin health drain --provider nobody --url ${url}`);
  expect((await desk.read<Changes>("admin audit list")).changes).toEqual(before);
  await desk.run(`admin health drain --provider local --url ${url}`);
  const [drained, ...rest] = (await desk.read<Changes>("admin audit list")).changes;
  expect(rest).toEqual(before);
  expect(drained).toMatchObject({ action: "provider.drain", actor: "operator", api_key_id: null });
  const { api_keys: keys } = await desk.read<{ api_keys: object[] }>("admin api-keys list --user admin@local");
  expect(keys.length).toBe(0);
});

test("is refused by a gateway of another home or another database, and says what to do", async () => {
  const { url } = await serve("127.0.0.1", { home: `${desk.folder}/other` });
  for (const _ of ["without any key here", "with another one"]) {
    const { code, err, out } = await desk.run(`admin health list --url ${url}`);
    expect([code, out]).toEqual([EXIT.denied, ""]);
    expect(err).toMatch(/another (?:home folder|database)/u);
    expect(err).toContain("TOKLIGENCE_KEY");
    await Bun.write(`${desk.folder}/local.key`, Buffer.alloc(32, 7).toString("base64url"));
  }
});

test("a call that the doctor is told to make to nobody is answered with who there is", async () => {
  const { url } = await serve();
  appendFileSync(`${desk.folder}/config/setting.ini`, `\nhttp_address = ${new URL(url).host}\n`);
  const { out } = await desk.run("doctor --call nobody/x --json");
  const { findings } = JSON.parse(out) as { findings: { check: string; found: string; remedy: string }[] };
  const [call] = findings.filter(({ check }) => check === "call");
  expect(call?.found).toContain('There is no provider "nobody" here');
  expect(call?.remedy).toContain("tokligence admin providers list");
});

test("says what to do where none runs, and what is wrong", async () => {
  const missing = await desk.run(`admin health list --url http://127.0.0.1:${await findFreePort()}`);
  expect([missing.code, missing.out]).toEqual([EXIT.unavailable, ""]);
  expect(missing.err).toContain("No gateway answers at");
  expect(missing.err).toContain("tokligence serve");
  const { url } = await serve();
  const unknown = await desk.run(`admin health drain --provider nobody --url ${url}`);
  expect(unknown.code).toBe(EXIT.notFound);
  expect(unknown.err).toContain('There is no provider "nobody" here: loopback, openai, anthropic, local.');
  expect((await desk.run(`admin health drain --provider openai --key eu --url ${url}`)).code).toBe(EXIT.usage);
  expect((await desk.run("admin health drain")).code).toBe(EXIT.usage);
});
