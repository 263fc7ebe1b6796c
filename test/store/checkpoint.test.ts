// The thread that keeps the logs of SQLite files short, where it cannot.

import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCheckpoints } from "../../src/store/sqlite/checkpoint.ts";

let folder = "";
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a file that cannot be opened is told of once, and once more when it can be", async () => {
  folder = mkdtempSync(join(tmpdir(), "tokligence-checkpoint-"));
  const [there, missing] = [join(folder, "there.db"), join(folder, "missing.db")];
  new Database(there, { create: true }).run("PRAGMA journal_mode = WAL");
  const said: string[] = [];
  const { promise: isTold, resolve: tell } = Promise.withResolvers<void>();
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const checkpoints = startCheckpoints([missing, there], {
    onFault({ message }) {
      said.push(message);
      tell();
    },
    onRecover(file) {
      said.push(file);
      end();
    },
  });
  await isTold;
  new Database(missing, { create: true }).run("PRAGMA journal_mode = WAL");
  await isOver;
  await checkpoints.stop();
  expect(said).toEqual([expect.stringContaining(`The log of ${missing} could not be moved into it`), missing]);
});
