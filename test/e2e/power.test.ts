// ledger_durability = disk, where the machine loses its power: all that lies in memory is gone, and the disk has what was synced to it. A file system
// of our own stands for the disk, and is cut off under load: from then on nothing reaches it, and its memory is thrown away with the mount.

import { afterEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { expectOk, makeFolder } from "./binary.ts";
import { type Client, makeClient, startHeldProvider } from "./books-scene.ts";
import { canLoop, imageDisk, serveOn } from "./own-disk.ts";

const CLIENTS = 8;
/** Answers to see before the power goes, a different number each round. */
const AFTER = [5, 64, 150];

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** A daemon whose home lies on a disk that is there for as long as it runs. */
async function open() {
  const folder = makeFolder();
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const provider = startHeldProvider();
  cleanups.push(provider.stop);
  const disk = await imageDisk(folder);
  const start = async () => {
    const gateway = await serveOn(disk, { folder, config: `ledger_durability = disk\n${provider.config}` });
    cleanups.push(gateway.stop);
    return gateway;
  };
  return { provider, start };
}

/** Asks until nothing is answered any more; every third time for a stream. */
async function askOn(client: Client, onAnswer: (id: string) => void): Promise<void> {
  for (let turn = 0; ; turn++) {
    if (turn % 3 > 0) {
      const { id, status } = await client.ask();
      if (status !== 200) return;
      onAnswer(id);
      continue;
    }
    const { id, rest } = await client.open();
    if (!(await rest).endsWith("data: [DONE]\n\n")) return;
    onAnswer(id);
  }
}

test.skipIf(!canLoop)(
  "every answer that a client saw complete before the power went has its row, and the books verify",
  async () => {
    const { provider, start } = await open();
    const seen = new Set<string>();
    let token: string | undefined;
    for (const after of AFTER) {
      const gateway = await start();
      const client = await makeClient(gateway, token);
      token = client.token;
      // So that the disk has the key, too.
      await expectOk(gateway.within("sync", ["-f", gateway.home]));
      let answers = 0;
      const cut = Promise.withResolvers<void>();
      const onAnswer = (id: string): void => {
        seen.add(id);
        answers++;
        if (answers === after) cut.resolve();
      };
      const holding = setInterval(provider.release, 5);
      const asking = Promise.all(Array.from({ length: CLIENTS }, () => askOn(client, onAnswer)));
      await cut.promise;
      await expectOk(gateway.within("mount", ["-o", "remount,abort", gateway.home]));
      await asking;
      clearInterval(holding);
      gateway.signal("SIGKILL");
      await gateway.exited;
    }
    const last = await start();
    const exported = await expectOk(last.run(["usage", "export", "--user", "all", "--format", "jsonl"]));
    const rows = new Map<string, number>();
    for (const line of exported.trimEnd().split("\n")) {
      const { request_id: id } = JSON.parse(line) as { request_id: string };
      rows.set(id, (rows.get(id) ?? 0) + 1);
    }
    expect(seen.size).toBeGreaterThan(AFTER.reduce((sum, count) => sum + count, 0) - 1);
    expect([...seen].filter((id) => rows.get(id) !== 1)).toEqual([]);
    await expectOk(last.run(["ledger", "verify"]));
  },
  120_000,
);
