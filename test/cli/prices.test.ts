// `prices list|show|refresh` on a configuration of their own: which price applies, whose word it is, and since when.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/compile.ts";
import { EXIT } from "../../src/cli/error.ts";
import { LOCAL_CERTIFICATE, LOCAL_PRIVATE_KEY } from "../config/tls.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

interface Shown {
  price_id: string;
  price_source: string;
  price_date: string | null;
  pages: string[];
  prices: { above_input_tokens: number; usd: Record<string, string | null> }[];
}

function configure(text: string): void {
  mkdirSync(join(desk.folder, "config/dev"), { recursive: true });
  desk.write("config/dev/gateway.ini", text);
}

const LIST = [
  {
    id: "openai",
    models: [{ id: "gpt-4o", match: { equals: "gpt-4o" }, prices: { input_mtok: 2.25, output_mtok: 9 } }],
  },
];

test("show says which price applies, by which list, of which day", async () => {
  const shown = await desk.read<Shown>("prices show gpt-4o");
  expect(shown).toMatchObject({
    price_id: "openai/gpt-4o",
    price_source: "genai-prices@0.1.8",
    price_date: "2026-09-23",
  });
  expect(shown.prices[0]?.usd).toMatchObject({ input_mtok: "2.5", cache_read_mtok: "1.25", output_mtok: "10" });
  const { out } = await desk.run("prices show gpt-4o");
  expect(out).toContain("gpt-4o at openai: openai/gpt-4o by genai-prices@0.1.8, of 2026-09-23");
});

test("show tells tiers, sizes, history and the page that says so", async () => {
  const batch = await desk.read<Shown>("prices show gpt-4o --tier batch");
  expect(batch.prices[0]?.usd).toMatchObject({ input_mtok: "1.25", cache_read_mtok: null });
  expect(batch.pages).toEqual(["https://developers.openai.com/api/docs/pricing"]);
  const sized = await desk.read<Shown>("prices show gpt-5.4");
  expect(sized.prices.map(({ above_input_tokens: above, usd }) => [above, usd["input_mtok"]])).toEqual([
    [0, "2.5"],
    [271_999, "5"],
  ]);
  const before = await desk.read<Shown>("prices show gpt-5.6-sol --at 2026-08-20");
  const after = await desk.read<Shown>("prices show gpt-5.6-sol --at 2026-08-21");
  expect([before.prices[0]?.usd["output_mtok"], after.prices[0]?.usd["output_mtok"]]).toEqual(["30", "20"]);
  expect(after.price_date).toBe("2026-08-21");
});

test("list tells of what a provider's list has from another one, and of own prices whose provider is a pattern", async () => {
  configure(
    "[provider.azure]\nbase_url=https://x.openai.azure.com\napi_key=k\n[price.deal]\nmodel=my-*\nprovider=az*\ninput=1\noutput=4",
  );
  const list = (part: string) =>
    desk.read<{ data: { model: string; input: string }[] }>(`prices list --provider azure --model ${part}`);
  expect((await list("gpt-4.1-nano")).data).toMatchObject([{ model: "gpt-4.1-nano", input: "0.1" }]);
  expect((await list("my-")).data).toMatchObject([{ model: "my-*", input: "1" }]);
});

test("the operator's own prices and discounts are told as such", async () => {
  configure(
    "[provider.openai]\ndiscount=10\n[price.deal]\nmodel=gpt-4o\nprovider=openai\nfrom=2026-01-01\ninput=1\noutput=4",
  );
  expect(await desk.read<Shown>("prices show gpt-4o")).toMatchObject({
    price_id: "deal/gpt-4o",
    price_source: "operator",
    price_date: "2026-01-01",
  });
  const listed = await desk.read<Shown>("prices show gpt-4.1");
  expect([listed.price_source, listed.prices[0]?.usd["input_mtok"]]).toEqual([
    "operator -10% genai-prices@0.1.8",
    "1.8",
  ]);
  const { data } = await desk.read<{ data: { model: string; input: string; source: string }[] }>(
    "prices list --provider openai --model gpt-4o",
  );
  expect(data.find(({ model }) => model === "gpt-4o")).toMatchObject({ input: "1", source: "operator" });
  expect(data.find(({ model }) => model === "gpt-4o-mini")?.input).toBe("0.135");
});

test("what nobody knows is said in so many words", async () => {
  const { code, err } = await desk.run("prices show gpt-unheard-of");
  expect(code).toBe(EXIT.notFound);
  expect(err).toContain('Nobody knows what "gpt-unheard-of" costs at provider "openai".');
  expect(err).toContain("[price.NAME]");
  expect((await desk.run("prices show gpt-4o --provider nobody")).code).toBe(EXIT.notFound);
  const tier = await desk.run("prices show gpt-4o --tier scale");
  expect([tier.code, tier.err.includes("tier=")]).toEqual([EXIT.ok, true]);
  expect((await desk.read<Shown>("prices show deepseek-chat --provider deepseek")).price_id).toBe(
    "deepseek/deepseek-chat",
  );
  expect((await desk.run("prices list --provider nobody")).code).toBe(EXIT.notFound);
});

test("refresh takes a file in, checks who signed it, and leaves the prices alone where it is bad", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const path = desk.write("prices.json", JSON.stringify(LIST));
  const key = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("base64");
  configure(`price_file=${path}\nprice_file_public_key=${key}`);
  const unsigned = await desk.run("prices refresh");
  expect([unsigned.code, unsigned.err.includes("is not signed")]).toEqual([EXIT.failed, true]);
  writeFileSync(`${path}.sig`, sign(null, Buffer.from(JSON.stringify(LIST)), privateKey));
  expect(await desk.read<object>("prices refresh")).toMatchObject({ entries: 1, signed: true });
  expect((await desk.read<Shown>("prices show gpt-4o")).prices[0]?.usd["input_mtok"]).toBe("2.25");
  expect((await desk.read<Shown>("prices show gpt-4.1")).price_source).toBe("genai-prices@0.1.8");
  desk.write("prices.json", JSON.stringify(LIST).replace("2.25", "0.01"));
  const forged = await desk.run("prices show gpt-4o --json");
  expect(forged.err).toContain("signature is not by the configured key");
  expect((JSON.parse(forged.out) as Shown).prices[0]?.usd["input_mtok"]).toBe("2.25");
});

test("a file that lies elsewhere is fetched with its signature, and its copy serves where the network does not", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const body = Buffer.from(JSON.stringify(LIST));
  let isUp = true;
  const server = Bun.serve({
    port: 0,
    fetch({ url }) {
      const { pathname, search } = new URL(url);
      if (!isUp || search !== "?v=2") return new Response("gone", { status: 503 });
      if (pathname === "/list.json.sig") return new Response(sign(null, body, privateKey).toString("base64"));
      return new Response(body, { headers: { "last-modified": "Thu, 01 Oct 2026 00:00:00 GMT" } });
    },
  });
  try {
    const key = publicKey.export({ type: "spki", format: "pem" }).toString();
    desk.write("prices.pub", key);
    configure(
      `price_file=http://127.0.0.1:${server.port}/list.json?v=2\nprice_file_public_key_file=${join(desk.folder, "prices.pub")}`,
    );
    expect(await desk.read<object>("prices refresh")).toMatchObject({ entries: 1, signed: true });
    isUp = false;
    const failed = await desk.run("prices refresh");
    expect([failed.code, failed.err.includes("answered 503")]).toEqual([EXIT.failed, true]);
    const shown = await desk.read<Shown>("prices show gpt-4o");
    expect([shown.prices[0]?.usd["input_mtok"], shown.price_date]).toEqual(["2.25", "2026-10-01"]);
  } finally {
    await server.stop(true);
  }
});

test("an old file that nobody signed is told by its date, too, where it has one", async () => {
  const put = (date: string, input: number): void => {
    const prices = [{ model: "gpt-4o", input, output: 1 }];
    desk.write("list.json", JSON.stringify({ name: "deal", date, prices }));
  };
  const priceOf = async (): Promise<string | null | undefined> =>
    (await desk.read<Shown>("prices show gpt-4o")).prices[0]?.usd["input_mtok"];
  configure(`price_file=${join(desk.folder, "list.json")}`);
  put("2026-11-01", 3);
  expect(await priceOf()).toBe("3");
  put("2026-10-01", 2);
  const { code, err } = await desk.run("prices refresh");
  expect([code, err]).toEqual([
    EXIT.failed,
    expect.stringContaining("is of 2026-10-01, and the one in use is of 2026-11-01"),
  ]);
  expect(await desk.run("prices refresh --older")).toMatchObject({ code: EXIT.ok });
  expect(await priceOf()).toBe("2");
});

test("an old signed file that is put or served again sets no prices back, unless it is said so", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  desk.write("prices.pub", publicKey.export({ type: "spki", format: "pem" }).toString());
  const key = `price_file_public_key_file=${join(desk.folder, "prices.pub")}`;
  const write = (date: string, input: number): string =>
    JSON.stringify({ name: "deal", date, prices: [{ model: "gpt-4o", input, output: 1 }] });
  const priceOf = async (): Promise<string | null | undefined> =>
    (await desk.read<Shown>("prices show gpt-4o")).prices[0]?.usd["input_mtok"];
  const both = "is of 2026-10-01, and the one in use is of 2026-11-01";

  let body = write("2026-11-01", 3);
  const serve = ({ url }: Request): Response =>
    new Response(url.endsWith(".sig") ? sign(null, Buffer.from(body), privateKey) : body);
  const server = Bun.serve({ port: 0, fetch: serve });
  try {
    configure(`price_file=http://127.0.0.1:${server.port}/list.json\n${key}`);
    expect((await desk.run("prices refresh")).code).toBe(EXIT.ok);
    body = write("2026-10-01", 2);
    const { code, err } = await desk.run("prices refresh");
    expect([code, err]).toEqual([EXIT.failed, expect.stringContaining(both)]);
    expect(err).toContain("prices refresh --older");
    expect(await priceOf()).toBe("3");
    expect(await desk.run("prices refresh --older")).toMatchObject({
      code: EXIT.ok,
      out: expect.stringContaining(
        "A gateway that runs reads it at its next look (price_refresh), or at once at SIGHUP.",
      ),
      err: "",
    });
    expect(await priceOf()).toBe("2");
  } finally {
    await server.stop(true);
  }

  const put = (text: string): void => {
    const path = desk.write("list.json", text);
    writeFileSync(`${path}.sig`, sign(null, Buffer.from(text), privateKey));
  };
  configure(`price_file=${join(desk.folder, "list.json")}\n${key}`);
  put(write("2026-11-01", 3));
  expect(await priceOf()).toBe("3");
  put(write("2026-10-01", 2));
  const shown = await desk.run("prices show gpt-4o --json");
  expect(shown.err).toContain(both);
  expect((JSON.parse(shown.out) as Shown).prices[0]?.usd["input_mtok"]).toBe("3");
  expect((await desk.run("prices refresh --older")).code).toBe(EXIT.ok);
  expect(await priceOf()).toBe("2");
});

test("refresh without a file says what to do", async () => {
  const { code, err } = await desk.run("prices refresh");
  expect([code, err.includes("price_file=")]).toEqual([EXIT.usage, true]);
});

const SERVICES = {
  services: [
    {
      id: "svc_1",
      provider_id: "p1",
      name: "Sonnet",
      model_family: "claude-3.5-sonnet",
      price_per_1k_tokens: 0.5,
      trial_tokens: 100,
    },
    {
      id: "svc_2",
      provider_id: "p1",
      name: "Other",
      model_family: "own-large",
      price_per_1k_tokens: "0.002",
      trial_tokens: 0,
    },
  ],
};

test("a marketplace's services price the calls that are bought as such, below the operator's word and above the lists", async () => {
  const path = join(desk.folder, "services.json");
  writeFileSync(path, JSON.stringify(SERVICES));
  const market = `market_price_file=${path}\n[provider.shop]\ntype=compatible\nbase_url=http://shop.test/v1\n`;
  configure(`${market}market_services=svc_1, svc_2`);
  const shown = await desk.read<Shown>("prices show claude-3-5-sonnet-20241022 --provider shop");
  expect(shown).toMatchObject({ price_id: "market/svc_1/claude-3-5-sonnet", price_source: "market" });
  expect(shown.prices[0]?.usd).toMatchObject({ input_mtok: "500", output_mtok: "500" });
  const { data } = await desk.read<{ data: object[] }>("prices list --provider shop");
  expect(data).toMatchObject([{ model: "claude-3-5-sonnet" }, { model: "own-large", input: "2", source: "market" }]);
  expect(await desk.read<object>("prices refresh")).toMatchObject({
    market: { source: "the marketplace's services", location: path, entries: 2 },
  });
  // Another model of that provider, another provider, and a service that is not on the list have none of it.
  expect((await desk.run("prices show claude-3-5-haiku --provider shop")).code).toBe(EXIT.notFound);
  expect((await desk.read<Shown>("prices show claude-3-5-sonnet-20241022 --provider anthropic")).price_source).toBe(
    "genai-prices@0.1.8",
  );
  configure(`${market}market_services=svc_9`);
  expect((await desk.run("prices show own-large --provider shop")).code).toBe(EXIT.notFound);
  configure(`${market}market_services=svc_2\n[price.deal]\nmodel=own-large\ninput=1\noutput=1`);
  expect((await desk.read<Shown>("prices show own-large --provider shop")).price_source).toBe("operator");
});

test("a price of a million digits keeps nobody busy", async () => {
  const price = `0.${Array.from({ length: 1_000_000 }, (_, at) => (at * at) % 7).join("")}`;
  const path = join(desk.folder, "services.json");
  writeFileSync(path, JSON.stringify([{ id: "x", model_family: "m", price_per_1k_tokens: price }]));
  configure(`market_price_file=${path}`);
  const market = await desk.run("prices refresh");
  expect([market.code, market.err]).toEqual([EXIT.failed, expect.stringContaining("price_per_1k_tokens: ")]);
  expect(market.err.length).toBeLessThan(1_000);
  writeFileSync(path, JSON.stringify({ prices: [{ model: "m", input: price }] }));
  configure(`price_file=${path}`);
  const own = await desk.run("prices refresh");
  expect([own.code, own.err]).toEqual([EXIT.failed, expect.stringContaining("prices[0].input: ")]);
  expect(own.err.length).toBeLessThan(1_000);
});

test.each([
  ['{"services":[{"id":"x"}]}', "Each service needs an id"],
  ['{"services":[{"id":"x","model_family":"m","price_per_1k_tokens":"cheap"}]}', "is no amount"],
  ["no json", "not JSON"],
])("a file of services such as %s is told to be none", async (text, message) => {
  const path = join(desk.folder, "services.json");
  writeFileSync(path, text);
  configure(`market_price_file=${path}`);
  const { code, err } = await desk.run("prices refresh");
  expect(code).toBe(EXIT.failed);
  expect(err).toContain(message);
});

test("a marketplace is not asked for prices over http://", async () => {
  configure("market_price_file=http://shop.test/services");
  const { code, err } = await desk.run("prices show gpt-4o");
  expect(code).not.toBe(0);
  expect(err).toContain("use https://");
});

test("a list of prices that leads from https:// to http:// is not read there", async () => {
  let overheard = 0;
  const plain = Bun.serve({
    port: 0,
    fetch({ url }) {
      overheard++;
      return url.endsWith("/back") ? Response.redirect(`https://localhost:${secure.port}/here`) : Response.json(LIST);
    },
  });
  const tls = { key: LOCAL_PRIVATE_KEY, cert: LOCAL_CERTIFICATE };
  const secure = Bun.serve({
    port: 0,
    tls,
    fetch: ({ url }) => (url.endsWith("/here") ? Response.json(LIST) : Response.redirect(target(url))),
  });
  const target = (url: string): string => {
    if (url.endsWith("/plain")) return `http://localhost:${plain.port}/list`;
    if (url.endsWith("/across")) return `http://localhost:${plain.port}/back`;
    if (url.endsWith("/file")) return `file://${desk.write("list.json", JSON.stringify(LIST))}`;
    return url.endsWith("/round") ? "/round" : `https://localhost:${secure.port}/here`;
  };
  // What is trusted is read once, when a process starts.
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: desk.write("ca.pem", LOCAL_CERTIFICATE) };
  const refresh = async (path: string): Promise<{ code: number; err: string }> => {
    configure(`price_file=https://localhost:${secure.port}/${path}`);
    const words = [
      process.execPath,
      join(ROOT, "src/main.ts"),
      "prices",
      "refresh",
      "--config",
      join(desk.folder, "config"),
    ];
    const child = Bun.spawn(words, {
      cwd: desk.folder,
      env: { ...env, HOME: desk.folder },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [code, err] = await Promise.all([child.exited, child.stderr.text()]);
    return { code, err };
  };
  try {
    for (const path of ["plain", "across"]) {
      const led = await refresh(path);
      expect([led.code, led.err]).toEqual([EXIT.failed, expect.stringContaining("leads from https:// to http://")]);
    }
    expect(overheard).toBe(0);
    expect((await refresh("file")).err).toContain("leads nowhere");
    expect((await refresh("round")).err).toContain("leads in circles");
    expect(await refresh("moved")).toMatchObject({ code: 0 });
  } finally {
    await Promise.all([plain.stop(true), secure.stop(true)]);
  }
});

const NAMELESS = { prices: [{ model: "gpt-4o", input: 2.5 }, { input: 1 }] };
const MISSPELT = { prices: [{ model: "gpt-4o", inptu: 2.5 }] };

test.each([
  ["price_file", NAMELESS, "prices[1].model: it is missing: expected text."],
  ["price_file", { prices: {} }, "prices: expected a list, and it is an object."],
  ["price_file", "prices", "the whole: expected an object, and it is text."],
  ["price_file", MISSPELT, "prices[0]: inptu is no kind of price: there are cache_read, "],
  ["price_file", { ...NAMELESS, date: "soon" }, "date: expected a date such as 2026-12-31."],
  [
    "market_price_file",
    [{ id: "s1", model_family: "m" }],
    "services[0].price_per_1k_tokens: it is missing: expected text or a number.",
  ],
  [
    "market_price_file",
    { service: { id: "s1", price_per_1k_tokens: 1 } },
    "service.model_family: it is missing: expected text.",
  ],
])("%s that holds %j is refused with its name, the place and what is expected there", async (key, content, what) => {
  const file = desk.write("list.json", JSON.stringify(content));
  configure(`${key} = ${file}\n`);
  const { code, err } = await desk.run("prices refresh");
  expect(code).toBe(EXIT.failed);
  expect(err).toContain(`${file} cannot be used: ${what}`);
  expect(err).toMatch(
    key === "price_file" ? /A price file is \{"prices": / : /Each service needs an id, a model_family/u,
  );
});
