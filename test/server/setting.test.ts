// Settings by HTTP: what is in effect and who said it, and changes that hold at every gateway.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/value.ts";
import { createSettingDesk } from "../../src/server/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

const PATH = "/api/v1/admin/settings";
const SECRET = "sk-canary-settings-0123456789";

let rig: Rig;
let root = "";
let adopted: Config[] = [];
beforeEach(async () => {
  adopted = [];
  rig = await makeRig({
    env: { TOKLIGENCE_OPENAI_API_KEY: SECRET, TOKLIGENCE_QUEUE_LENGTH: "7" },
    adopt: (config) => void adopted.push(config),
  });
  root = (await rig.issue("root_admin")).token;
});
afterEach(() => rig.close());

const patch = (body: unknown, headers: Record<string, string> = {}, token = root) =>
  rig.send(PATH, { method: "PATCH", token, body, headers });
const show = async () => readJson(await rig.send(PATH, { token: root }));
const find = async (key: string) => (await show()).values.find((each: { key: string }) => each.key === key);

describe("settings", () => {
  test("are shown as they are in effect, with who said each, and no secret", async () => {
    const response = await rig.send(PATH, { token: root });
    expect([response.status, response.headers.get("etag")]).toEqual([200, '"0"']);
    expect(await response.clone().text()).not.toContain(SECRET);
    expect(await find("openai_api_key")).toMatchObject({
      origin: "TOKLIGENCE_OPENAI_API_KEY",
      secret: true,
      changeable: false,
    });
    expect(await find("log_level")).toMatchObject({ value: "info", origin: "default", changeable: true });
    expect(await find("http_address")).toMatchObject({ changeable: false, takes_effect: "restart" });
  });

  test("are root's alone, and take a scope", async () => {
    const { token } = await rig.issue("gateway_admin");
    expect((await rig.send(PATH, { token })).status).toBe(403);
    expect((await patch({ log_level: "warn" }, {}, token)).status).toBe(403);
    const reader = await rig.issue("root_admin", { scopes: ["settings:read"] });
    expect((await rig.send(PATH, { token: reader.token })).status).toBe(200);
    expect((await patch({ log_level: "warn" }, {}, reader.token)).status).toBe(403);
  });

  test("say who comes in as an administrator by no key that lets nobody in as one", async () => {
    const bound = [{ scopes: ["settings:write"] }, { expiresAt: new Date(Date.now() + 3_600_000) }];
    for (const wish of bound) {
      const { token } = await rig.issue("root_admin", wish);
      expect((await patch({ log_level: "warn", oidc_roles: "staff=>gateway_admin" }, {}, token)).status).toBe(403);
      expect((await find("log_level")).value).toBe("info");
      expect((await patch({ log_level: "info" }, {}, token)).status).toBe(200);
    }
    const whole = await rig.issue("root_admin", { scopes: ["admin"] });
    for (const token of [root, whole.token]) {
      const { errors } = await readJson(await patch({ oidc_roles: "staff=>gateway_admin" }, {}, token));
      expect(errors[0].message).toContain("oidc_issuer");
    }
  });

  test("are in force when the change is answered, above files and defaults, until they are taken back", async () => {
    const changed = await patch({ log_level: "warn", max_attempts: 4 });
    expect([changed.status, changed.headers.get("etag")]).toEqual([200, '"1"']);
    expect(adopted.at(-1)).toMatchObject({ log: { level: "warn" }, travel: { maxAttempts: 4 } });
    expect(await find("log_level")).toMatchObject({ value: "warn", origin: "runtime" });
    expect((await show()).set).toEqual({ log_level: "warn", max_attempts: "4" });
    expect((await patch({ log_level: null })).status).toBe(200);
    expect(adopted.at(-1)).toMatchObject({ log: { level: "info" }, travel: { maxAttempts: 4 } });
    expect(await find("log_level")).toMatchObject({ value: "info", origin: "default" });
  });

  test("that stay as they are keep their version", async () => {
    expect((await patch({})).headers.get("etag")).toBe('"0"');
    await patch({ log_level: "warn" });
    expect((await patch({ log_level: "warn", max_attempts: null })).headers.get("etag")).toBe('"1"');
    expect((await patch({}, { "if-match": '"0"' })).status).toBe(412);
    expect((await patch({ max_attempts: "many" })).status).toBe(422);
  });

  test("stay below the environment", async () => {
    expect((await patch({ queue_length: 9 })).status).toBe(200);
    expect(await find("queue_length")).toMatchObject({ value: "7", origin: "TOKLIGENCE_QUEUE_LENGTH" });
    expect((await show()).set).toEqual({ queue_length: "9" });
  });

  test.each([
    [{ log_level: "loud" }, ["log_level"]],
    [{ log_level: "loud", queue_timeout: "soon" }, ["log_level", "queue_timeout"]],
    [{ colour: "red" }, ["colour"]],
    [{ http_address: ":1", openai_api_key: "sk-x", log_level: "warn" }, ["http_address", "openai_api_key"]],
    [{ smtp_host: "evil.example" }, ["smtp_host"]],
    [{ price_file: "/etc/passwd" }, ["price_file"]],
    [{ oidc_name: "two\nlines" }, ["oidc_name"]],
    [{ log_level: { is: "warn" } }, ["log_level"]],
    [JSON.parse('{"__proto__":"x","log_level":"warn"}'), ["__proto__"]],
  ])("%j is refused as a whole", async (body, paths) => {
    const refused = await patch(body);
    const { errors } = await readJson(refused);
    expect([refused.status, errors.map(({ path }: { path: string }) => path)]).toEqual([422, paths]);
    expect(await show()).toMatchObject({ set: {}, version: 0 });
    expect(adopted).toEqual([]);
  });

  test("are changed by those alone who have seen the present state, where they say so", async () => {
    expect((await patch({ log_level: "warn" }, { "if-match": '"0"' })).status).toBe(200);
    const late = await patch({ log_level: "error" }, { "if-match": '"0"' });
    expect([late.status, (await readJson(late)).error.code]).toEqual([412, "settings_changed"]);
    const raced = await Promise.all([patch({ max_attempts: 2 }), patch({ queue_timeout: "3s" })]);
    expect(raced.map(({ status }) => status)).toEqual([200, 200]);
    expect((await show()).set).toEqual({ log_level: "warn", max_attempts: "2", queue_timeout: "3s" });
  });

  test("are recorded, with what was said before", async () => {
    await patch({ log_level: "warn" });
    await patch({ log_level: "error" });
    const { changes } = await readJson(await rig.send("/api/v1/admin/audit?action=settings.update", { token: root }));
    expect(changes[0]).toMatchObject({
      actor: "user",
      before: { values: { log_level: "warn" } },
      after: { values: { log_level: "error" } },
    });
  });

  test("hold at another gateway within a second, and one that does not hold any more is left out", async () => {
    const seen: string[] = [];
    const lines: string[] = [];
    const load = (runtime: Readonly<Record<string, string>>) => loadConfig({ cwd: rig.config.home, env: {}, runtime });
    const other = createSettingDesk({
      store: rig.store.settings,
      load,
      loaded: await load({}),
      adopt: async () => seen.push((await other.load()).config.log.level),
      clock: rig.clock,
      log: createLog({
        level: "info",
        pretty: false,
        write: (line) => void lines.push(line),
        keep: null,
        redact: (text) => text,
        now: () => new Date(rig.clock.wallMs()),
      }),
    });
    await other.open();
    await patch({ log_level: "warn" });
    rig.clock.advance(1_000);
    await other.refresh();
    expect(seen).toEqual(["warn"]);
    // As an older program would have left it.
    await rig.store.settings.put({ log_level: "loud", max_attempts: "3" }, { expected: 1, at: new Date(0) });
    await other.refresh();
    expect(seen).toEqual(["warn", "info"]);
    expect(other.standing().loaded.effective.find(({ key }) => key === "max_attempts")?.value).toBe("3");
    expect(lines.join("")).toContain("log_level");
    other.stop();
  });
});
