// A dispute pack from hand to hand: made where the books are, checked by the executable alone, in an empty folder, with an empty environment.

import { expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BINARY, expectOk, issueKey, makeFolder, serve } from "./binary.ts";

async function verify(folder: string, ...words: string[]): Promise<{ code: number; out: string }> {
  const child = Bun.spawn([join(folder, "tokligence"), "audit", "verify", ...words], {
    cwd: join(folder, "empty"),
    env: {},
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, code] = await Promise.all([child.stdout.text(), child.exited]);
  return { code, out };
}

test("a pack of a running gateway is verified by the executable alone, and a changed byte is not", async () => {
  const folder = makeFolder();
  const gateway = await serve();
  try {
    const { token } = await issueKey(gateway);
    for (let turn = 0; turn < 5; turn++) {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "loopback", messages: [{ role: "user", content: `turn ${turn}` }] }),
      });
      expect(response.status).toBe(200);
      await response.text();
    }
    const pack = join(folder, "pack.zip");
    // While the gateway runs.
    const span = ["--from", "1h", "--to", "2100-01-01"];
    await expectOk(gateway.run(["audit", "pack", "--provider", "loopback", ...span, "-o", pack]));
    const key = await expectOk(gateway.run(["ledger", "key"]));
    mkdirSync(join(folder, "empty"));
    cpSync(BINARY, join(folder, "tokligence"));
    writeFileSync(join(folder, "gateway.pem"), key);

    const good = await verify(folder, pack, "--public-key", join(folder, "gateway.pem"), "--json");
    expect({ code: good.code, ...JSON.parse(good.out) }).toMatchObject({
      code: 0,
      valid: true,
      problems: [],
      totals: { calls: 5 },
    });
    const bytes = readFileSync(pack);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(pack, bytes);
    expect((await verify(folder, pack)).code).toBe(1);
    expect(readdirSync(join(folder, "empty"))).toEqual([]);
  } finally {
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
