// The store's contract on a real PostgreSQL.

import { describe } from "bun:test";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { describeStore } from "./contract.ts";

describe.skipIf(!hasPostgres)("postgres", () => {
  describeStore({
    engine: "postgres",
    create: createDatabase,
    async run(location, statement) {
      await runSql(location, statement);
    },
  });
});
