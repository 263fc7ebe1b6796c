// The keys with which requests to AWS are signed, where AWS's own chain finds them: asked once, and again before they end.

import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSigner } from "../../src/provider/aws-sign.ts";
import { makeProvider } from "../../src/provider/index.ts";
import { type Rig, makeProviderSettings } from "../rig.ts";
import { findBadSignature } from "../upstream/sigv4.ts";
import { HELLO, NOVA, SECRET, setVariables, whole, withRig } from "./bedrock-rig.ts";
import { until } from "./sign-in.ts";

test("a request is signed with what AWS's own chain finds, asked once; where that finds nothing the operator is told", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aws-"));
  await writeFile(
    join(folder, "credentials"),
    `[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = ${SECRET}\n`,
  );
  const restore = setVariables({
    AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
    AWS_CONFIG_FILE: join(folder, "config"),
    AWS_EC2_METADATA_DISABLED: "true",
  });
  try {
    const ask = (profile: string, check: (rig: Rig, answer: Response) => Promise<void> | void) =>
      withRig(
        () => whole("hi"),
        async (rig) => check(rig, await rig.chat({ model: `bedrock/${NOVA}`, messages: HELLO })),
        { options: { region: "eu-west-1", profile } },
      );
    await ask("team", (rig) => {
      const [call] = rig.calls;
      expect(call?.headers.get("authorization")).toContain("Credential=AKIATEAM/");
      const { url = "", method = "", headers = new Headers(), text = "" } = call ?? {};
      expect(findBadSignature({ method, url: new URL(url), headers, text }, SECRET)).toBeNull();
    });
    await ask("nobody", async (rig, answer) => {
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain('Provider \\"bedrock\\" found no AWS credentials');
      expect(rig.calls).toEqual([]);
    });
  } finally {
    restore();
    await rm(folder, { recursive: true, force: true });
  }
});

test("a request is signed with keys that expire, fetched again before they do", async () => {
  let fetched = 0;
  const keys = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      Response.json({
        AccessKeyId: `ASIA${++fetched}`,
        SecretAccessKey: SECRET,
        Token: `token-${fetched}`,
        Expiration: new Date(Date.now() + 3_600_000).toISOString(),
      }),
  });
  // Nobody's own files may stand before it.
  const restore = setVariables({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${keys.port}/keys`,
    AWS_SHARED_CREDENTIALS_FILE: "/nowhere/credentials",
    AWS_CONFIG_FILE: "/nowhere/config",
  });
  let nowMs = Date.now();
  try {
    const settings = makeProviderSettings({ name: "bedrock", kind: "bedrock", options: { region: "eu-west-1" } });
    const { authorize } = makeProvider(settings, {
      fetch: () => Promise.reject(new Error("none")),
      readText: () => Promise.reject(new Error("none")),
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
    });
    const ask = () => authorize?.({ method: "POST", url: "https://a.test/", headers: {}, body: "{}" });
    const [first, second] = await Promise.all([ask(), ask()]);
    expect([first?.["x-amz-security-token"], second?.["x-amz-security-token"], fetched]).toEqual([
      "token-1",
      "token-1",
      1,
    ]);
    nowMs += 3_400_000;
    await until(async () => (await ask())?.["x-amz-security-token"] === "token-2");
  } finally {
    restore();
    await keys.stop(true);
  }
});

test("a request is signed with keys that have not expired as long as there are no others", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aws-"));
  const [config, keys] = ["config", "keys"].map((name) => join(folder, name)) as [string, string];
  await writeFile(config, `[profile team]\ncredential_process = cat ${keys}\n`);
  const startedMs = Date.now();
  const give = (turn: number): Promise<void> => {
    const Expiration = new Date(startedMs + turn * 3_600_000).toISOString();
    const pair = { AccessKeyId: `ASIA${turn}`, SecretAccessKey: SECRET, SessionToken: `token-${turn}` };
    return writeFile(keys, JSON.stringify({ Version: 1, ...pair, Expiration }));
  };
  const restore = setVariables({ AWS_SHARED_CREDENTIALS_FILE: join(folder, "none"), AWS_CONFIG_FILE: config });
  let nowMs = startedMs;
  try {
    const options = { region: "eu-west-1", profile: "team" };
    const { authorize } = makeProvider(makeProviderSettings({ name: "bedrock", kind: "bedrock", options }), {
      fetch: () => Promise.reject(new Error("none")),
      readText: () => Promise.reject(new Error("none")),
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
    });
    const ask = async () =>
      (await authorize?.({ method: "POST", url: "https://a.test/", headers: {}, body: "{}" }))?.[
        "x-amz-security-token"
      ];
    await give(1);
    expect(await ask()).toBe("token-1");
    await rm(keys);
    for (const leftMs of [200_000, 50_000]) {
      nowMs = startedMs + 3_600_000 - leftMs;
      expect(await ask()).toBe("token-1");
    }
    nowMs = startedMs + 3_600_000;
    await expect(ask()).rejects.toMatchObject({ kind: "not_configured" });
    await give(2);
    expect(await ask()).toBe("token-2");
  } finally {
    restore();
    await rm(folder, { recursive: true, force: true });
  }
});

test("a chain that does not come to an end is given up, and asked again by the next request", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aws-"));
  const [config, keys, program] = ["config", "keys", "program"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(config, `[profile team]\ncredential_process = sh ${program}\n`);
  await writeFile(program, `test -f ${keys} && exec cat ${keys}; echo $$ > ${keys}.waits; exec sleep 60\n`);
  const restore = setVariables({ AWS_SHARED_CREDENTIALS_FILE: join(folder, "none"), AWS_CONFIG_FILE: config });
  try {
    const place = { provider: "bedrock", service: "bedrock", region: "eu-west-1", fixed: null, profile: "team" };
    const sign = createSigner({ ...place, nowMs: Date.now, monotonicMs: () => performance.now(), patienceMs: 300 });
    const ask = () => sign({ method: "POST", url: "https://a.test/", headers: {}, body: "{}" });
    await expect(ask()).rejects.toMatchObject({ kind: "not_configured" });
    await writeFile(keys, JSON.stringify({ Version: 1, AccessKeyId: "ASIA1", SecretAccessKey: SECRET }));
    expect((await ask())["authorization"]).toContain("Credential=ASIA1/");
  } finally {
    restore();
    process.kill(Number(await Bun.file(`${keys}.waits`).text()));
    await rm(folder, { recursive: true, force: true });
  }
});
