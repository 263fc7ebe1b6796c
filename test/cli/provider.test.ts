// `admin providers …` on a database of its own: added, given keys that stand in no command line, tried, switched off, and encrypted anew.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { openSecretKeys } from "../../src/cli/secret-key.ts";
import { rotateSecrets } from "../../src/gateway/declared/rotate.ts";
import { resealSecret } from "../../src/gateway/declared/secret.ts";
import { makeSealKey, printSealKey } from "../../src/lib/seal.ts";
import { type Desk, makeDesk } from "./desk.ts";

const KEY = "sk-canary-cli-ABCDwxyz";
const ACME = ["type=compatible", "base_url=https://acme.test/v1"];

let desk: Desk;
let keyFile = "";
beforeEach(() => {
  desk = makeDesk();
  keyFile = desk.write("key.txt", `${KEY}\n`);
});
afterEach(() => desk.close());

const run = (...words: string[]) => desk.run(["admin", "providers", ...words]);
const add = (...words: string[]) =>
  desk.read<{ provider: { version: number } }>(["admin", "providers", "add", "acme", ...words]);
const show = async (name = "acme") =>
  (await desk.read<{ provider: Record<string, unknown> }>(["admin", "providers", "show", name])).provider;
const setting = (text: string): void =>
  writeFileSync(
    join(desk.folder, "config/setting.ini"),
    `${readFileSync(join(desk.folder, "config/setting.ini"), "utf8")}${text}\n`,
  );

describe("admin providers", () => {
  test("are added in the words of a section, updated, removed, and had again without their keys", async () => {
    expect(await add(...ACME, "--key-file", keyFile, "--comment", "first")).toMatchObject({
      provider: { version: 1, changed_by: "operator", keys: [{ field: "api_key", hint: "…wxyz" }] },
    });
    expect(await add("Max_Concurrent=4", "--update")).toMatchObject({
      provider: { version: 2, fields: { type: "compatible", base_url: "https://acme.test/v1", max_concurrent: "4" } },
    });
    expect(await show()).toMatchObject({
      origin: "runtime",
      usable: true,
      keys: [{ hint: "…wxyz", bound_to: ["https://acme.test"] }],
    });
    for (const [flag, word] of [
      ["--origin", "file"],
      ["--type", "gorq"],
    ] as const) {
      const { code, err } = await run("list", flag, word);
      expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(`${flag}: "${word}" is not one of`)]);
    }
    const listed = await run("list");
    expect(listed.out).toMatch(/acme +runtime +2 +compatible +https:\/\/acme\.test\/v1 +api_key …wxyz +yes/u);
    expect(listed.out).toMatch(/openai +config/u);
    await desk.read(["admin", "providers", "remove", "acme"]);
    expect(await desk.read(["admin", "providers", "rollback", "acme", "--to", "1"])).toMatchObject({
      provider: { version: 4, keys: [] },
    });
    const { history } = await desk.read<{ history: object[] }>(["admin", "providers", "history", "acme"]);
    expect(history).toMatchObject([
      { version: 4 },
      { version: 3, deleted: true },
      { version: 2 },
      { version: 1, comment: "first" },
    ]);
    expect((await run("history", "acme")).out).toContain("(removed)");
  });

  test("get keys from a file and from the environment, by label and by field, and lose them again", async () => {
    await add(...ACME);
    expect((await run("set-key", "acme", "--key-file", keyFile, "--label", "eu")).out).toBe(
      "api_key.eu of acme is set (…wxyz); it goes to https://acme.test and nowhere else\n",
    );
    process.env["CANARY_OF_TEST"] = "sk-canary-from-environment";
    try {
      await desk.read([
        "admin",
        "providers",
        "set-key",
        "acme",
        "--key-env",
        "CANARY_OF_TEST",
        "--field",
        "header.x-key",
      ]);
    } finally {
      delete process.env["CANARY_OF_TEST"];
    }
    expect((await show())["keys"]).toMatchObject([
      { field: "api_key.eu", hint: "…wxyz" },
      { field: "header.x-key", hint: "…ment" },
    ]);
    expect((await run("set-key", "acme", "--label", "eu", "--remove")).out).toBe("api_key.eu of acme is taken away\n");
    expect(await show()).toMatchObject({ keys: [{ field: "header.x-key" }] });
  });

  test("are there for routes and for whoever asks where a model goes, and a key file that is of no use stops nothing else", async () => {
    await add(...ACME, "models=acme-*", "--key-file", keyFile);
    await desk.read(["admin", "routes", "set", "fast", "targets=acme/m"]);
    expect(await desk.read(["admin", "routes", "show", "fast"])).toMatchObject({ route: { in_force: true } });
    expect(await desk.read(["models", "route", "fast"])).toMatchObject({ provider: "acme", upstream_model: "m" });
    expect(await desk.read(["models", "route", "acme-large"])).toMatchObject({ provider: "acme" });
    desk.write("secret.key", "garbage");
    const listed = await desk.run("admin users list");
    expect([listed.code, listed.err]).toEqual([EXIT.ok, expect.stringContaining("it holds something that is no key")]);
  });

  test("need nothing but a key where they are named like their kind, or are the configuration's", async () => {
    await desk.read(["admin", "providers", "set-key", "groq", "--key-file", keyFile]);
    expect(await show("groq")).toMatchObject({
      origin: "runtime",
      type: "groq",
      base_url: "https://api.groq.com/openai/v1",
    });
    await desk.read(["admin", "providers", "set-key", "openai", "--key-file", keyFile]);
    expect(await show("openai")).toMatchObject({ origin: "both", usable: true });
    setting("openai_base_url = https://proxy.test/v1");
    const listed = await run("list");
    expect(listed.err).toContain(
      'warning: api_key of the provider "openai" is not sent: it was set for https://api.openai.com, and this leads to https://proxy.test',
    );
  });

  test.each([
    [["add", "acme", `api_key=${KEY}`], "api_key must not stand in a command line"],
    [["add", "acme", `header.authorization=${KEY}`], "header.authorization must not stand in a command line"],
    [["add", "acme", KEY], "is no field (not repeated here"],
    [["set-key", "acme", KEY], "A key must not stand in a command line"],
    [["set-key", "acme", `--key=${KEY}`], "it is for a gateway elsewhere"],
    [["set-key", "acme", "--label", "eu", "--field", "api_key"], "say this or --label"],
    [["set-key", "acme", "--field", "base_url", "--remove"], "base_url is no key of a provider"],
    [["set-key", "acme", "--key-env", "NOT_SET_ANYWHERE"], 'there is no "NOT_SET_ANYWHERE" in the environment'],
    [["set-key", "acme", "--key-file", "/nowhere/at/all"], "there is no file"],
    [["add", "acme", "base_url=https://127.0.0.1/v1"], "this is a private network"],
    [["add", "acme", "base_url=http://acme.test/v1"], "must begin with https://"],
    [["add", "acme", ...ACME, "x-team=1"], "unknown field"],
    [["add", "Acme!", ...ACME], "A provider's name consists of"],
  ])("%j is refused, and says no key back", async (words, message) => {
    const refused = await run(...words);
    expect([refused.code, refused.out]).toEqual([EXIT.usage, ""]);
    expect(refused.err).toContain(message);
    expect(refused.err).not.toContain(KEY);
    expect(await desk.withStore((store) => store.providers.list())).toEqual([]);
  });

  test.each([
    [["show", "nobody"], EXIT.notFound],
    [["remove", "nobody"], EXIT.notFound],
    [["disable", "nobody"], EXIT.notFound],
    [["test", "nobody"], EXIT.notFound],
    [["history", "nobody"], EXIT.notFound],
    [["rollback", "nobody", "--to", "x"], EXIT.usage],
    [["set-key", "groq", "--remove"], EXIT.notFound],
  ])("%j ends with %i", async (words, code) => expect((await run(...words)).code).toBe(code));

  test("are disabled in the database, for every gateway of it", async () => {
    await add(...ACME);
    await desk.read(["admin", "providers", "disable", "acme"]);
    expect((await run("list")).out).toMatch(/acme .* disabled/u);
    expect(await desk.withStore((store) => store.controls.list())).toMatchObject([
      { provider: "acme", action: "disable", by: "operator" },
    ]);
    await desk.read(["admin", "providers", "enable", "acme"]);
    expect(await desk.withStore((store) => store.controls.list())).toEqual([]);
  });

  test("are tried from here, with each key, and end with an error where one fails", async () => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ headers }) =>
        headers.get("authorization") === `Bearer ${KEY}`
          ? Response.json({ data: [{ id: "m-1" }] })
          : Response.json({}, { status: 401 }),
    });
    try {
      setting("allow_private_providers = yes");
      await add("type=compatible", `base_url=http://127.0.0.1:${server.port}/v1`, "--key-file", keyFile);
      expect(await desk.read(["admin", "providers", "test", "acme"])).toMatchObject({
        ok: true,
        keys: [{ status: "ok", http_status: 200, models: 1, examples: ["m-1"] }],
      });
      const wrong = desk.write("wrong.txt", "sk-canary-wrong-key-1234");
      await desk.read(["admin", "providers", "set-key", "acme", "--key-file", wrong, "--label", "bad"]);
      const failed = await run("test", "acme");
      expect(failed.code).toBe(EXIT.failed);
      expect(failed.out).toContain("bad      failed          401");
      expect(failed.err).toContain("The key is refused");
    } finally {
      await server.stop(true);
    }
  });
});

describe("what keys are encrypted with", () => {
  const path = () => join(desk.folder, "secret.key");
  const rotate = () =>
    desk.read<{ encrypted_with: string; resumed: boolean; exchanged: number }>(["admin", "providers", "rotate-secret"]);

  test("is made at first use, for this user alone, and without it keys are not sent", async () => {
    await add(...ACME);
    expect(() => statSync(path())).toThrow("ENOENT");
    await desk.read(["admin", "providers", "set-key", "acme", "--key-file", keyFile]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    const kept = readFileSync(path());
    rmSync(path());
    expect(await show()).toMatchObject({
      usable: false,
      why_not: expect.stringContaining("which this gateway does not have"),
    });
    const { code, err } = await run("rotate-secret");
    expect([code, err]).toEqual([
      EXIT.failed,
      expect.stringContaining("1 key could not be read with any key here: acme/api_key"),
    ]);
    writeFileSync(path(), kept);
    expect(await show()).toMatchObject({ usable: true });
    writeFileSync(path(), "garbage");
    expect((await run("set-key", "acme", "--key-file", keyFile)).err).toContain("it holds something that is no key");
  });

  test("is exchanged as a whole; what was broken off is gone on with", async () => {
    for (const label of ["a", "b", "c"]) {
      await desk.read([
        "admin",
        "providers",
        "set-key",
        "groq",
        "--key-file",
        desk.write("k", `${KEY}-${label}`),
        "--label",
        label,
      ]);
    }
    const before = readFileSync(path(), "utf8");
    const first = await rotate();
    expect(first).toMatchObject({ exchanged: 3, resumed: false });
    expect(readFileSync(path(), "utf8")).not.toContain(before.trim().split("\n").at(-1) as string);
    // As if it had died after the first row: the new key is in the file, beside the old one.
    const keys = openSecretKeys(() => ({ home: desk.folder, secretKeys: [] }));
    const next = keys.begin();
    await desk.withStore(async ({ providers }) => {
      const [row] = await providers.secrets();
      if (row !== undefined) await providers.exchange(row, await resealSecret(keys.list(), next, row));
    });
    expect(await show("groq")).toMatchObject({ usable: true });
    expect(await rotate()).toMatchObject({ encrypted_with: next.id, exchanged: 2, resumed: true });
    expect(keys.list().map(({ id }) => id)).toEqual([next.id]);
    expect(await show("groq")).toMatchObject({ usable: true, keys: [{ sent: true }, { sent: true }, { sent: true }] });
    expect(await rotate()).toMatchObject({ exchanged: 3, resumed: false });
  });

  test("is exchanged by two at once without a key that gets lost", async () => {
    for (const label of ["a", "b", "c", "d"]) {
      const file = desk.write("k", `${KEY}-${label}`);
      await desk.read(["admin", "providers", "set-key", "groq", "--key-file", file, "--label", label]);
    }
    const keys = openSecretKeys(() => ({ home: desk.folder, secretKeys: [] }));
    await desk.withStore(async ({ providers: one }) => {
      await desk.withStore(async ({ providers: two }) => {
        const rotations = [one, two].map((store) =>
          rotateSecrets({ store, keys }, { by: undefined, progress: () => undefined }),
        );
        const done = await Promise.all(rotations);
        expect(done.map(({ unreadable }) => unreadable)).toEqual([[], []]);
      });
    });
    expect(await show("groq")).toMatchObject({
      usable: true,
      findings: [],
      keys: Array.from({ length: 4 }, () => ({ sent: true })),
    });
    expect(await rotate()).toMatchObject({ unreadable: [] });
    expect(keys.list()).toHaveLength(1);
    expect(await show("groq")).toMatchObject({ usable: true, findings: [] });
  });

  test("is changed by one process at a time, and a lock that one left behind is no obstacle for long", async () => {
    await desk.read(["admin", "providers", "set-key", "groq", "--key-file", keyFile]);
    const lock = `${path()}.lock`;
    writeFileSync(lock, "");
    const refused = await run("rotate-secret");
    expect([refused.code, refused.err]).toEqual([
      EXIT.failed,
      expect.stringContaining("another process is changing it"),
    ]);
    utimesSync(lock, 0, 0);
    expect(await rotate()).toMatchObject({ exchanged: 1 });
    expect(() => statSync(lock)).toThrow("ENOENT");
  });

  test("is what the configuration says, the older behind the newer, and no file is made then", async () => {
    const [old, fresh] = [makeSealKey(), makeSealKey()];
    setting(`secret_key = ${printSealKey(old)}`);
    await desk.read(["admin", "providers", "set-key", "groq", "--key-file", keyFile]);
    expect(() => statSync(path())).toThrow("ENOENT");
    const ini = join(desk.folder, "config/setting.ini");
    writeFileSync(ini, readFileSync(ini, "utf8").replace(/^secret_key = .*\n/mu, ""));
    setting(`secret_key_file = ${desk.write("master", `# new, old\n${printSealKey(fresh)}\n${printSealKey(old)}\n`)}`);
    expect(await rotate()).toMatchObject({ encrypted_with: fresh.id, exchanged: 1 });
    expect(await rotate()).toMatchObject({ encrypted_with: fresh.id, exchanged: 0 });
    expect((await desk.run("config show")).out).not.toContain(printSealKey(fresh));
  });

  test("is refused where it is no key, without a word of it", async () => {
    setting("secret_key = my-favourite-password");
    const { code, err } = await run("list");
    expect([code, err]).toEqual([EXIT.failed, expect.stringContaining("openssl rand -base64 32")]);
    expect(err).not.toContain("my-favourite-password");
  });
});
