// The prices of a gateway that runs, as its configuration is put in force anew.

import { afterEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPriceDesk } from "../../src/cli/price-desk.ts";
import { loadConfig } from "../../src/config/index.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

test("a configuration is not held up by a price list that is slow to come, and that one is asked for once", async () => {
  const root = mkdtempSync(join(tmpdir(), "tokligence-prices-"));
  closing.push(() => rmSync(root, { recursive: true, force: true }));
  let asked = 0;
  const { promise: isAsked, resolve } = Promise.withResolvers<void>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      asked++;
      resolve();
      return new Promise<Response>(() => undefined);
    },
  });
  closing.push(() => server.stop(true));
  const { publicKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64");
  const load = async (file: string) => {
    const env = { TOKLIGENCE_PRICE_FILE: file, TOKLIGENCE_PRICE_FILE_PUBLIC_KEY: key };
    return (await loadConfig({ cwd: root, homedir: root, env })).config;
  };
  const here = join(root, "prices.json");
  writeFileSync(here, "{}");
  const faults: string[] = [];
  const desk = await openPriceDesk(await load(here), (message) => void faults.push(message));
  closing.push(desk.stop);
  await desk.open();
  const next = await load(new URL("prices.json", server.url).href);
  await Promise.all([desk.adopt(next), desk.adopt(next)]);
  await isAsked;
  await desk.adopt(next);
  expect(asked).toBe(1);
});
