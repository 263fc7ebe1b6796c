// Files of prices: believed only where they are signed as they must be, and never at the cost of the prices that are there.

import { describe, expect, test } from "bun:test";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { CompactSign } from "jose";
import { createPriceBook } from "../../src/ledger/index.ts";
import { type PriceFile, readPriceFile } from "../../src/ledger/price-file.ts";
import { type PriceKeeper, createPriceKeeper } from "../../src/ledger/price-keeper.ts";
import { PRICE_LIST, loadBundledPrices } from "../../src/ledger/price-list.ts";
import { makeUsage } from "./entry.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const PEM = publicKey.export({ type: "spki", format: "pem" }).toString();
const JWK = JSON.stringify(publicKey.export({ format: "jwk" }));
const RAW = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("base64");
const STRANGER = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();

/** The public list's own form. */
const CATALOG = [
  {
    id: "openai",
    name: "OpenAI",
    api_pattern: "https://api\\.openai\\.com",
    models: [
      {
        id: "gpt-4o",
        match: { or: [{ equals: "gpt-4o" }, { starts_with: "gpt-4o-2" }] },
        prices: [
          { prices: { input_mtok: 2.5, output_mtok: 10 } },
          {
            constraint: { start_date: "2026-10-10" },
            prices: { input_mtok: { base: 2, tiers: [{ start: 1_000, price: 3 }] }, output_mtok: 9 },
          },
        ],
      },
      { id: "gpt-new", match: { equals: "gpt-new" }, prices: { input_mtok: 0.5 } },
    ],
  },
];

const OWN = {
  name: "contract-2026",
  date: "2026-10-01",
  prices: [
    { model: "gpt-4o*", provider: "openai", input: "1.25", output: 5 },
    { model: "gpt-4o*", provider: "openai", tier: "batch", input: 0.5, output: 2, from: "2026-10-05" },
  ],
};

function file(content: unknown, over: Partial<PriceFile> = {}): PriceFile {
  const bytes = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
  return {
    location: "/etc/prices.json",
    bytes,
    signature: null,
    modifiedAt: new Date("2026-10-02T03:04:05Z"),
    ...over,
  };
}

const signed = (content: PriceFile): PriceFile => ({ ...content, signature: sign(null, content.bytes, privateKey) });
const hashOf = ({ bytes }: PriceFile): string => createHash("sha256").update(bytes).digest("hex").slice(0, 12);

function priceBy(layer: Awaited<ReturnType<typeof readPriceFile>>["layer"], model: string, at: string, tier?: string) {
  const usage = makeUsage({
    freshInputTokens: 100,
    outputTokens: 10,
    ...(tier === undefined ? {} : { serviceTier: tier }),
  });
  const book = createPriceBook({ layers: [layer], facts: [] });
  return book.price({ provider: "openai", pricing: { vendor: "openai" }, models: [model], usage, at: new Date(at) });
}

describe("a file of prices", () => {
  test("in the public list's form, with its history", async () => {
    const { layer, size, isSigned } = await readPriceFile(file(CATALOG), null);
    const source = `prices.json@${hashOf(file(CATALOG))}`;
    expect([size, isSigned, layer.name]).toEqual([2, false, source]);
    expect(priceBy(layer, "gpt-4o", "2026-10-09T23:59:59Z")).toEqual({
      costNanos: 100 * 2_500 + 10 * 10_000,
      id: "openai/gpt-4o",
      source,
      date: "2026-10-02",
    });
    expect(priceBy(layer, "gpt-4o-2024-08-06", "2026-10-10T00:00:00Z")).toMatchObject({
      costNanos: 100 * 2_000 + 10 * 9_000,
      date: "2026-10-10",
    });
  });
  test("in our own simple form, with tiers and dates", async () => {
    const { layer } = await readPriceFile(file(OWN), null);
    expect(priceBy(layer, "gpt-4o-mini", "2026-10-06T00:00:00Z")).toEqual({
      costNanos: 100 * 1_250 + 10 * 5_000,
      id: "contract-2026/gpt-4o*",
      source: "contract-2026@2026-10-01",
      date: "2026-10-01",
    });
    expect(priceBy(layer, "gpt-4o", "2026-10-06T00:00:00Z", "batch")?.date).toBe("2026-10-05");
    expect(priceBy(layer, "gpt-4o", "2026-10-04T00:00:00Z", "batch")).toBeNull();
  });
  test.each([
    ["not JSON", "{", "The price file /etc/prices.json is not JSON."],
    ["a list of nothing", [], "it is no price list"],
    [
      "a price below zero",
      [{ ...CATALOG[0], models: [{ id: "a", match: { equals: "a" }, prices: { input_mtok: -1 } }] }],
      "no price list",
    ],
    [
      "an unknown condition",
      [
        {
          ...CATALOG[0],
          models: [{ id: "a", match: { equals: "a" }, prices: [{ constraint: { moon: "full" }, prices: {} }] }],
        },
      ],
      "no price list",
    ],
    [
      "a broken pattern",
      [{ ...CATALOG[0], models: [{ id: "a", match: { regex: "(" }, prices: {} }] }],
      "no price list",
    ],
    ["prices without a model", { prices: [{ input: 1 }] }, "cannot be used"],
    ["a kind that nobody knows", { prices: [{ model: "m", inptu: 1 }] }, "inptu is no kind of price"],
    ["a page", "<html>", "not JSON"],
    ["a word", '"prices"', "cannot be used"],
  ])("%s is refused in words", async (_what, content, message) => {
    await expect(readPriceFile(file(content), null)).rejects.toThrow(message);
  });
});

test("a list that says nothing of a model's price gives it away to nobody, unlike one that says it costs nothing", async () => {
  const models = [
    { id: "quiet", match: { equals: "quiet" }, prices: [] },
    { id: "free", match: { equals: "free" }, prices: {} },
  ];
  const { layer } = await readPriceFile(file([{ id: "openai", models }]), null);
  const book = createPriceBook({ layers: [layer], facts: [] });
  const ask = (model: string) => ({ provider: "p", pricing: { vendor: "openai" }, models: [model], at: new Date() });
  const usage = makeUsage({ freshInputTokens: 5, outputTokens: 5, cacheWriteTokens: 5, longCacheWriteTokens: 5 });
  expect(book.knows({ ...ask("quiet"), tier: "default" })).toBe(false);
  expect(book.price({ ...ask("quiet"), usage })).toBeNull();
  expect(book.price({ ...ask("free"), usage })?.costNanos).toBe(0);
});

test("a pattern of addresses that cannot be used is told when the list is read, and not in each call", () => {
  const list = CATALOG.map((vendor) => ({ ...vendor, api_pattern: "https://my\\-own" }));
  expect(readPriceFile(file(list), null)).rejects.toThrow("no pattern at 0.api_pattern");
});

describe("a signature", () => {
  test.each([
    ["PEM", PEM],
    ["JWK", JWK],
    ["base64 of 32 bytes", RAW],
  ])("beside the file is checked with a key as %s", async (_form, key) => {
    expect((await readPriceFile(signed(file(CATALOG)), key)).isSigned).toBe(true);
    const text = { ...signed(file(CATALOG)) };
    const inBase64 = Buffer.from(`${Buffer.from(text.signature ?? []).toString("base64")}\n`);
    expect((await readPriceFile({ ...text, signature: inBase64 }, key)).isSigned).toBe(true);
  });
  test("may also be an envelope: a compact JWS of the file", async () => {
    const jws = await new CompactSign(Buffer.from(JSON.stringify(CATALOG)))
      .setProtectedHeader({ alg: "EdDSA" })
      .sign(privateKey);
    expect((await readPriceFile(file(jws), PEM)).size).toBe(2);
    const [head, body, tail] = jws.split(".");
    const other = Buffer.from(JSON.stringify(OWN)).toString("base64url");
    await expect(readPriceFile(file(`${head}.${other}.${tail}`), PEM)).rejects.toThrow("signature");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    await expect(readPriceFile(file(`${none}.${body}.AAAA`), PEM)).rejects.toThrow("signature");
  });
  test("that is missing, a stranger's or of another file is not believed", async () => {
    await expect(readPriceFile(file(CATALOG), PEM)).rejects.toThrow("is not signed");
    await expect(readPriceFile(signed(file(CATALOG)), STRANGER)).rejects.toThrow("not by the configured key");
    const changed = { ...signed(file(CATALOG)), bytes: Buffer.from(JSON.stringify(CATALOG).replace("2.5", "2.4")) };
    await expect(readPriceFile(changed, PEM)).rejects.toThrow("changed since");
    await expect(readPriceFile({ ...file(CATALOG), signature: Buffer.from("no") }, PEM)).rejects.toThrow("signature");
  });
  test("needs a key that is one", async () => {
    await expect(readPriceFile(signed(file(CATALOG)), "secret")).rejects.toThrow("no Ed25519 public key");
  });
});

describe("the keeper of the lists", () => {
  interface Scene {
    keeper: PriceKeeper;
    faults: string[];
    kept: PriceFile[];
    names(): string[];
  }
  async function keep(
    files: (() => PriceFile)[],
    copy: PriceFile | null = null,
    key: string | null = null,
    isFull = false,
  ): Promise<Scene> {
    const faults: string[] = [];
    const kept: PriceFile[] = [];
    const keeper = createPriceKeeper({
      bundled: await loadBundledPrices(),
      source: { file: "/etc/prices.json", publicKey: key },
      read: async () => {
        const next = files.shift();
        if (next === undefined) throw new Error("there is no file");
        return next();
      },
      parse: readPriceFile,
      copy: {
        load: async () => copy,
        save: async (good) => (isFull ? Promise.reject(new Error("the disk is full")) : void kept.push(good)),
      },
      onChange: () => undefined,
      onFault: (message, error) => void faults.push(`${message}: ${error instanceof Error ? error.message : ""}`),
    });
    return { keeper, faults, kept, names: () => keeper.layers().map(({ name }) => name) };
  }

  test("puts a good file above the bundled list, and keeps a copy", async () => {
    const { keeper, kept, names } = await keep([() => file(CATALOG)]);
    expect(names()).toEqual([PRICE_LIST]);
    await keeper.refresh();
    expect(names()).toEqual([`prices.json@${hashOf(file(CATALOG))}`, PRICE_LIST]);
    expect(kept).toHaveLength(1);
  });
  test("a bad file, or none, takes no price away", async () => {
    const { keeper, faults, names } = await keep([() => file(CATALOG), () => file("oops")]);
    await keeper.renew();
    const before = names();
    await keeper.renew();
    await keeper.renew();
    expect(names()).toEqual(before);
    expect(faults).toHaveLength(2);
    await expect(keeper.refresh()).rejects.toThrow("there is no file");
  });
  test("after a restart the last good copy serves, checked again", async () => {
    const good = await keep([], signed(file(CATALOG)), PEM);
    await good.keeper.recall();
    expect(good.names()).toHaveLength(2);
    const forged = await keep([], file(CATALOG), PEM);
    await forged.keeper.recall();
    expect([forged.names(), forged.faults.length]).toEqual([[PRICE_LIST], 1]);
    const other = await keep([], file(CATALOG, { location: "/etc/other.json" }));
    await other.keeper.recall();
    expect(other.names()).toEqual([PRICE_LIST]);
  });
  describe("where files are signed", () => {
    const of = (date: string | undefined, over: Partial<PriceFile> = {}): PriceFile =>
      signed(file({ ...OWN, date }, over));
    const nameOf = (date: string): string => `${OWN.name}@${date}`;

    test("does not set prices back by itself: an older one, replayed with its good signature, is refused", async () => {
      const files = ["2026-10-01", "2026-11-01", "2026-10-01", undefined, "2026-11-01", "2026-11-02"];
      const { keeper, faults, kept, names } = await keep(
        files.map((date) => () => of(date)),
        null,
        PEM,
      );
      const seen: (string | undefined)[] = [];
      for (const _ of files) {
        await keeper.renew();
        seen.push(names()[0]);
      }
      const [first, second, last] = ["2026-10-01", "2026-11-01", "2026-11-02"].map(nameOf);
      expect(seen).toEqual([first, second, second, second, second, last]);
      expect(faults).toEqual([
        expect.stringContaining("/etc/prices.json is of 2026-10-01, and the one in use is of 2026-11-01"),
        expect.stringContaining("/etc/prices.json has no date, and the one in use is of 2026-11-01"),
      ]);
      expect(kept).toHaveLength(3);
    });
    test("after a restart, too, and takes an older one where that is meant", async () => {
      const { keeper, faults, kept, names } = await keep([() => of("2026-10-01")], of("2026-11-01"), PEM);
      await keeper.recall();
      await keeper.renew();
      expect([names()[0], faults.length, kept.length]).toEqual([nameOf("2026-11-01"), 1, 0]);
      const other = await keep([() => of("2026-10-01")], of("2026-11-01"), PEM);
      await other.keeper.recall();
      await other.keeper.refresh({ takesOlder: true });
      expect([other.names()[0], other.kept.length]).toEqual([nameOf("2026-10-01"), 1]);
    });
    test("takes what another process has taken by hand, and kept", async () => {
      const { keeper, faults, names } = await keep(
        [() => of("2026-11-01"), () => of("2026-10-01")],
        of("2026-10-01"),
        PEM,
      );
      await keeper.renew();
      await keeper.renew();
      expect([names()[0], faults]).toEqual([nameOf("2026-10-01"), []]);
    });
    test("does not take for that a copy which it could not replace", async () => {
      const [newer, older] = [of("2026-11-01"), of("2026-10-01")];
      const { keeper, faults, names } = await keep([() => newer, () => older], older, PEM, true);
      await keeper.recall();
      await keeper.renew();
      await keeper.renew();
      expect([names()[0], faults.length]).toEqual([nameOf("2026-11-01"), 2]);
    });
    test("asks nothing of another file's date", async () => {
      const there = "/etc/other.json";
      const { keeper, names } = await keep(
        [() => of("2026-11-01"), () => of("2026-10-01", { location: there })],
        null,
        PEM,
      );
      await keeper.renew();
      keeper.point({ file: there, publicKey: PEM });
      await keeper.renew();
      expect(names()[0]).toBe(nameOf("2026-10-01"));
    });
  });
  test("does not set prices back by one that nobody signed either, as far as it says of when it is", async () => {
    const of = (date: string | undefined): PriceFile => file({ ...OWN, date });
    const dates = ["2026-11-01", "2026-10-01", undefined, "2026-10-01"];
    const { keeper, faults, names } = await keep(dates.map((date) => () => of(date)));
    for (const _ of dates.slice(0, 2)) await keeper.renew();
    expect([names()[0], faults]).toEqual([
      `${OWN.name}@2026-11-01`,
      [expect.stringContaining("is of 2026-10-01, and the one in use is of 2026-11-01")],
    ]);
    // What has no date may be of any; and so is what was before it.
    await keeper.renew();
    await keeper.renew();
    expect([names()[0], faults.length]).toEqual([`${OWN.name}@2026-10-01`, 1]);
    const byHand = await keep([() => of("2026-11-01"), () => of("2026-10-01")]);
    await byHand.keeper.renew();
    await byHand.keeper.refresh({ takesOlder: true });
    expect(byHand.names()[0]).toBe(`${OWN.name}@2026-10-01`);
  });
  test("without a file the bundled list is alone again", async () => {
    const { keeper, names } = await keep([() => file(CATALOG)]);
    await keeper.refresh();
    keeper.point({ file: null, publicKey: null });
    await keeper.renew();
    expect(names()).toEqual([PRICE_LIST]);
  });
});
