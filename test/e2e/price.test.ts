// Prices while the daemon runs: a file that changes, one that is broken, and rows priced anew beside calls that go on.

import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { expectOk, issueKey, makeFolder, serve, waitUntil } from "./binary.ts";
import { startUpstream } from "./upstream.ts";

const USAGE = { prompt_tokens: 1_000, completion_tokens: 0, total_tokens: 1_000 };
const ANSWER = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: USAGE,
};

const list = (input: number): string => JSON.stringify({ name: "own", prices: [{ model: "m", input }] });

test.each(["sqlite", ...(hasPostgres ? ["postgres"] : [])])(
  "a price file is taken in as it changes, and rows are priced anew beside running calls, on %s",
  async (engine) => {
    const upstream = startUpstream(() => Response.json(ANSWER));
    const folder = makeFolder();
    const file = join(folder, "prices.json");
    writeFileSync(file, "not yet");
    const database = engine === "postgres" ? `ledger_path = ${await createDatabase()}\n` : "";
    const gateway = await serve({
      folder,
      config: `${database}price_file = ${file}\non_unknown_price = warn\n[provider.local]\nbase_url = ${upstream.url}/v1\n`,
    });
    const { token } = await issueKey(gateway);
    const ask = async (): Promise<Response> => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "local/m", messages: [{ role: "user", content: "hi" }] }),
      });
      await response.text();
      return response;
    };
    const costOf = async (): Promise<string | null> => (await ask()).headers.get("x-tokligence-cost-usd");
    expect((await ask()).headers.get("x-tokligence-warning")).toBe("price_unknown");
    expect(gateway.log()).toContain("price file");
    writeFileSync(file, list(2));
    await waitUntil(async () => (await costOf()) === "0.002", "the price file to be taken in");
    writeFileSync(file, "broken");
    await waitUntil(
      () => Promise.resolve(gateway.log().split("cannot be used").length > 2),
      "the broken file to be told",
    );
    expect(await costOf()).toBe("0.002");
    writeFileSync(file, list(3));
    await waitUntil(async () => (await costOf()) === "0.003", "the next price file to be taken in");

    const calls = Array.from({ length: 40 }, ask);
    const repriced = JSON.parse(await expectOk(gateway.run(["ledger", "reprice", "--from", "1h", "--json"])));
    await Promise.all(calls);
    expect(repriced.newly_priced).toBeGreaterThanOrEqual(1);
    const again = JSON.parse(await expectOk(gateway.run(["ledger", "reprice", "--from", "1h", "--json"])));
    expect([again.changed, again.still_unpriced]).toEqual([0, 0]);
    const summary = JSON.parse(await expectOk(gateway.run(["usage", "summary", "--json"])));
    expect(summary).toMatchObject({ cost_nanos: summary.requests * 3_000_000, unpriced_requests: 0 });
    await gateway.stop();
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  },
  60_000,
);
