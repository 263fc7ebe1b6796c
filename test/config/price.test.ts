// Prices of one's own, as sections say them: read exactly, refused in words.

import { describe, expect, test } from "bun:test";
import { findShown, load, loadProblems, type Scene } from "./scene.ts";

const ini = (...lines: string[]): Scene => ({ files: { "config/setting.ini": lines.join("\n") } });

describe("sections of prices", () => {
  test("hold what was agreed, in the operator's own digits", async () => {
    const loaded = await load(
      ini(
        "[price.Contract]",
        "model=gpt-4o*",
        "provider=openai",
        "tier=Batch",
        "from=2026-01-01",
        "to=2026-07-01T12:00:00Z",
        "input=0.10",
        "cache_write_1h=6",
        "output=8",
        "output_above_200000=12.5",
        "request=0.001",
        "web_searches_kcount=10",
      ),
    );
    expect(loaded.config.prices.overrides).toEqual([
      {
        name: "contract",
        model: "gpt-4o*",
        provider: "openai",
        tier: "batch",
        from: new Date("2026-01-01T00:00:00Z"),
        to: new Date("2026-07-01T12:00:00Z"),
        prices: {
          input_mtok: "0.10",
          cache_write_1h_mtok: "6",
          output_mtok: { base: "8", tiers: [{ start: 200_000, price: "12.5" }] },
          requests_kcount: "1",
          web_searches_kcount: "10",
        },
      },
    ]);
    expect(findShown(loaded, "price.contract.input")).toBe("0.10");
  });
  test("an overlay says one line of a section anew", async () => {
    const { config } = await load({
      files: {
        "config/setting.ini": "[price.own]\nmodel=m\ninput=1\noutput=2",
        "config/dev/gateway.ini": "[price.own]\ninput=3",
      },
    });
    expect(config.prices.overrides[0]?.prices).toEqual({ input_mtok: "3", output_mtok: "2" });
  });
  test.each([
    [["[price.a]", "input=1"], "config/setting.ini:1: [price.a] does not say which model it is for: add model="],
    [["[price.a]", "model=m"], "config/setting.ini:1: [price.a] says no price: add input= and output="],
    [["[price.a]", "model=m", "inptu=1"], 'unknown key "inptu" in [price.a] — did you mean "input"?'],
    [["[price.a]", "model=m", "input=cheap"], 'config/setting.ini:3: input: "cheap" is no price'],
    [["[price.a]", "model=m", "input=-1"], 'config/setting.ini:3: input: "-1" is no price'],
    [["[price.a]", "model=m*n", "input=1"], "a * may stand at the beginning and the end only"],
    [["[price.a]", "model=m", "input=1", "from=tomorrow"], 'from: "tomorrow" is no day'],
    [["[price.a]", "model=m", "input=1", "from=2026-02-30"], 'from: "2026-02-30" is no day'],
    [["[price.a]", "model=m", "input=1", "from=2026-02-02", "to=2026-02-01"], "to: it ends before it begins"],
    [["[price.a]", "model=m", "cache_read=1"], "lies within the input, which has no price"],
    [["[prices.a]", "model=m", "input=1"], 'unknown section "prices.a" — did you mean "[price.a]"?'],
    [["[provider.openai]", "discount=110"], 'discount: "110" is no percentage'],
    [["price_file=http://example.com/p.json"], "over http:// a price file must be signed"],
    [["on_unknown_price=ignore"], "on_unknown_price"],
  ])("%j is refused", async (lines, message) => {
    expect((await loadProblems(ini(...lines))).text).toContain(message);
  });
  test("a provider that is not there is worth a word", async () => {
    const { warnings } = await load(ini("[price.a]", "model=m", "provider=opnai", "input=1"));
    expect(warnings).toEqual(['config/setting.ini:3: [price.a]: there is no provider "opnai"']);
  });
  test("discounts and rules of a provider", async () => {
    const { config } = await load(
      ini("[provider.openai]", "discount=12.50%", "on_unknown_price=refuse", "[provider.loopback]", "models=x"),
    );
    expect(config.providers.find(({ name }) => name === "openai")).toMatchObject({
      discount: "12.50",
      onUnknownPrice: "refuse",
    });
  });
  test("a price file is a path or an address", async () => {
    const { config, watched } = await load(ini("price_file=prices.json", "price_refresh=0"));
    expect(config.prices.file).toBe("/srv/gate/prices.json");
    expect(watched).toContain("/srv/gate/prices.json");
    const elsewhere = await load(ini("price_file=https://example.com/prices.json"));
    expect(elsewhere.config.prices.file).toBe("https://example.com/prices.json");
  });
});
