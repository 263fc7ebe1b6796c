// What the doctor says of budgets and rate limits that somebody damaged in the database; and that one of these takes no other with it.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { desk, examine, of, renew, useMachines } from "./doctor-scene.ts";

useMachines();

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  const isPostgres = engine === "postgres";
  let dsn = "";
  const tamper = async (file: string, statement: string): Promise<void> => {
    if (isPostgres) return void (await runSql(dsn, statement));
    const db = new Database(join(desk.folder, file));
    db.run(statement);
    db.close();
  };
  const open = async (): Promise<void> => {
    if (!isPostgres) return;
    desk.close();
    dsn = await createDatabase();
    renew(dsn);
  };

  test.skipIf(isPostgres && !hasPostgres)(
    "each is named, with what is wrong of it, and what is well is not",
    async () => {
      await open();
      for (const name of ["fine", "far", "odd", "gone"])
        await desk.read(`admin budgets create --name ${name} --limit-usd 5`);
      for (const name of ["calm", "wild"]) await desk.read(`admin limits set ${name} --requests-per-minute 60`);
      expect(of(await examine("--offline"), "limits")).toEqual(["ok: budgets: 4 can be read"]);
      const far = isPostgres ? "9223372036854775807" : "'x'";
      await tamper("ledger.db", `update budgets set hard_limit = ${far} where name = 'far'`);
      await tamper(
        "ledger.db",
        "update budgets set unit = 'apples', mode = 'sideways', each = 'crowd' where name = 'odd'",
      );
      await tamper(
        "ledger.db",
        `update budgets set deleted_at = ${isPostgres ? "'infinity'" : "'x'"} where name = 'gone'`,
      );
      await tamper("identity.db", `update rate_limits set fields = '{"requests_per_minute":7.5}' where name = 'wild'`);
      const found = of(await examine("--offline"), "limits");
      expect(found).toHaveLength(4);
      expect(found).toContainEqual(
        `error: budget far: its row was damaged: hard_limit is "${far.replaceAll("'", "")}"`,
      );
      expect(found).toContainEqual(
        'error: budget odd: its row was damaged: each is "crowd", mode is "sideways", unit is "apples"',
      );
      expect(found).toContainEqual(expect.stringContaining("error: budget gone: its row was damaged: deleted_at is "));
      expect(found).toContainEqual(
        expect.stringContaining('error: rate limit wild: its row cannot be used: requests_per_minute: "7.5"'),
      );
      for (const fields of ["5", "[]", '"x"', "null"]) {
        await tamper("identity.db", `update rate_limits set fields = '${fields}' where name = 'wild'`);
        const { limits } = await desk.read<{ limits: { name: string; in_force: boolean }[] }>("admin limits list");
        expect(limits.map(({ name, in_force: isInForce }) => [name, isInForce])).toEqual([
          ["calm", true],
          ["wild", false],
        ]);
        expect(of(await examine("--offline"), "limits").join()).toContain("rate limit wild");
      }
    },
    60_000,
  );
});
