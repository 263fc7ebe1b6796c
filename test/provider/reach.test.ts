// Where a provider's address may lead: by what a literal address is, and by what a name resolves to when it is called.

import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { type Reach, guardFetch, judgeHost } from "../../src/provider/index.ts";
import { type Rig, type Upstream, makeProviderSettings, makeRig, readJson } from "../rig.ts";

test.each([
  ["8.8.8.8", "public"],
  ["[2606:4700::1111]", "public"],
  // A stand-in that some VPNs give for every address.
  ["198.18.0.7", "public"],
  ["127.0.0.1", "private"],
  ["localhost", "private"],
  ["api.localhost", "private"],
  ["[::1]", "private"],
  ["0.0.0.0", "private"],
  ["10.1.2.3", "private"],
  ["172.16.0.1", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["[fd12::1]", "private"],
  ["[::ffff:10.0.0.1]", "private"],
  ["[64:ff9b::a00:1]", "private"],
  ["[64:ff9b::808:808]", "public"],
  ["169.254.169.254", "any"],
  ["169.254.170.2", "any"],
  ["100.100.100.200", "any"],
  ["168.63.129.16", "any"],
  ["[fd00:ec2::254]", "any"],
  ["[fe80::1]", "any"],
  ["[::ffff:169.254.169.254]", "any"],
  ["[64:ff9b::a9fe:a9fe]", "any"],
  ["224.0.0.1", "any"],
  ["255.255.255.255", "any"],
  ["240.0.0.1", "any"],
  ["metadata.google.internal", "any"],
  ["METADATA.google.internal.", "any"],
  ["api.openai.com", null],
] as const)("%s is %p", (host, reach) => expect(judgeHost(host)).toBe(reach));

describe("a call", () => {
  function open(addresses: readonly string[] | Error, reach: Reach) {
    const seen = { lookups: 0, calls: 0 };
    let now = 0;
    const fetch = guardFetch(
      async (url: string) => {
        seen.calls++;
        return url;
      },
      {
        async lookup() {
          seen.lookups++;
          if (addresses instanceof Error) throw addresses;
          return addresses;
        },
        reachOf: () => reach,
        nowMs: () => now,
      },
    );
    return {
      call: () => fetch("https://vendor.example.com/v1", undefined),
      seen,
      passMs: (ms: number) => void (now += ms),
    };
  }

  test("to a public address goes out; the name is looked up once a minute", async () => {
    const { call, seen, passMs } = open(["8.8.8.8"], "public");
    await call();
    await call();
    expect(seen).toEqual({ lookups: 1, calls: 2 });
    passMs(60_000);
    await call();
    expect(seen).toEqual({ lookups: 2, calls: 3 });
  });

  test.each([
    ["public", ["8.8.8.8", "10.0.0.1"], "a private network"],
    ["public", ["169.254.169.254"], "a link-local or reserved address"],
    ["private", ["10.0.0.1", "169.254.169.254"], "a link-local or reserved address"],
  ] as const)("that may lead to a %s address does not go to %j", async (reach, addresses, where) => {
    const { call, seen } = open(addresses, reach);
    const attempts = await Promise.allSettled([call(), call()]);
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({
        status: "rejected",
        reason: { kind: "not_configured", message: expect.stringContaining(`vendor.example.com leads to ${where}`) },
      });
    }
    expect(seen.calls).toBe(0);
  });

  test("goes where the operator says", async () => {
    for (const [reach, address] of [
      ["private", "10.0.0.1"],
      ["any", "169.254.169.254"],
    ] as const) {
      const { call, seen } = open([address], reach);
      await call();
      expect(seen.calls).toBe(1);
    }
  });

  test("to a name that cannot be looked up fails by itself", async () => {
    const { call, seen } = open(new Error("ENOTFOUND"), "public");
    await call();
    expect(seen.calls).toBe(1);
  });
});

describe("a gateway", () => {
  let rig: Rig | undefined;
  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });

  const start = async (address: string, reach: Reach, upstream: Upstream = () => Response.json({})): Promise<Rig> => {
    const settings = makeProviderSettings({
      name: "p",
      kind: "groq",
      baseUrl: "https://p.test/v1",
      apiKey: "k",
      reach,
    });
    rig = await makeRig({
      lookup: async (hostname) => (hostname === "p.test" ? [address] : ["8.8.8.8"]),
      config: (config) => ({ ...config, providers: [...config.providers, settings] }),
      upstream,
    });
    return rig;
  };
  const body = { model: "p/m", messages: [{ role: "user", content: "hello" }] };

  test("calls no vendor whose name leads inside, and sends it no key", async () => {
    const { chat, calls, row } = await start("10.9.8.7", "public");
    const response = await chat(body);
    expect(response.status).toBe(503);
    expect((await readJson(response)).error.message).toBe(
      "p.test leads to a private network, where this provider may not be. If it is meant to be there, set allow_private = yes for it.",
    );
    expect(calls).toEqual([]);
    expect(await row()).toMatchObject({ errorKind: "not_configured" });
  });

  test("follows no redirect, which would take the key elsewhere", async () => {
    const { chat, calls } = await start(
      "8.8.8.8",
      "public",
      () => new Response(null, { status: 307, headers: { location: "http://169.254.169.254/" } }),
    );
    const response = await chat(body);
    expect(response.status).toBe(502);
    expect(calls.map(({ url }) => url)).toEqual(["https://p.test/v1/chat/completions"]);
  });

  test("reads no provider's address again for a host that was judged", async () => {
    const { chat, calls } = await start("8.8.8.8", "public");
    await chat(body);
    const parse = spyOn(URL, "parse");
    try {
      await chat(body);
      expect(parse).not.toHaveBeenCalled();
    } finally {
      parse.mockRestore();
    }
    expect(calls).toHaveLength(2);
  });
});
