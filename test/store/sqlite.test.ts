// The store's contract on SQLite files.

import { Database } from "bun:sqlite";
import { afterAll, describe } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describeStore } from "./contract.ts";

const folder = mkdtempSync(join(tmpdir(), "tokligence-store-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("sqlite", () => {
  describeStore({
    engine: "sqlite",
    create: async () => join(folder, crypto.randomUUID(), "data.db"),
    async run(location, statement) {
      mkdirSync(dirname(location), { recursive: true });
      const db = new Database(location, { create: true });
      db.run(statement);
      db.close();
    },
  });
});
