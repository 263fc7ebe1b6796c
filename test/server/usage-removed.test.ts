// Rows that went by age: whoever lists or exports rows of their time is told. By HTTP, on both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sumRemains } from "../../src/ledger/index.ts";
import { makeEntry } from "../ledger/entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

const at = (hour: number): Date => new Date(Date.UTC(2026, 0, 1, hour));
const REMOVED = at(4).toISOString();

describe.each(["sqlite", ...(hasPostgres ? ["postgres"] : [])])("on %s", (engine) => {
  let rig: Rig;
  let token: string;
  beforeAll(async () => {
    const dsn = engine === "postgres" ? await createDatabase() : null;
    rig = await makeRig({
      config: (base) => (dsn === null ? base : { ...base, identityPath: dsn, ledgerPath: dsn }),
    });
    ({ token } = await rig.issue("gateway_admin"));
    for (let hour = 0; hour < 8; hour++) await rig.ledger.add(makeEntry({ createdAt: at(hour) }));
  });
  afterAll(() => rig.close());

  const ask = (path: string): Promise<Response> => rig.send(`/api/v1/usage/${path}`, { token });
  const headerOf = async (query: string): Promise<[rows: number, removed: string | null]> => {
    const { headers } = await ask(`export?user=all&${query}`);
    return [Number(headers.get("x-tokligence-rows")), headers.get("x-tokligence-rows-removed-before")];
  };
  const pageOf = async (query: string): Promise<[rows: number, removed: string | undefined]> => {
    const page = await readJson(await ask(`logs?user=all&${query}`));
    return [page.entries.length, page.rows_removed_before];
  };

  test("while all rows are there, nothing is said", async () => {
    expect(await pageOf("limit=100")).toEqual([8, undefined]);
    expect(await headerOf("format=csv")).toEqual([8, null]);
  });

  test("of a time that reaches behind the removal, and of no other", async () => {
    const { ledger, arrive } = rig.store;
    await arrive();
    while ((await ledger.rollUp(100)).rows > 0);
    for (const cut of await ledger.findCuts(at(4))) await ledger.dropRows(cut, 100, sumRemains);

    expect(await pageOf("limit=100")).toEqual([4, REMOVED]);
    expect(await pageOf("limit=1")).toEqual([1, REMOVED]);
    expect(await pageOf(`from=${at(3).toISOString()}`)).toEqual([4, REMOVED]);
    expect(await pageOf(`from=${REMOVED}`)).toEqual([4, undefined]);
    expect(await pageOf(`from=${at(6).toISOString()}`)).toEqual([2, undefined]);
    for (const format of ["csv", "jsonl"]) {
      expect(await headerOf(`format=${format}`)).toEqual([8, REMOVED]);
      expect(await headerOf(`format=${format}&from=${at(5).toISOString()}`)).toEqual([3, null]);
    }
    // Where sums still answer for all of it, too: what is exported are rows.
    expect((await headerOf(`format=csv&from=${at(2).toISOString()}`))[1]).toBe(REMOVED);
    expect(await readJson(await ask(`summary?user=all&from=${at(2).toISOString()}`))).not.toHaveProperty(
      "rows_removed_before",
    );
  });

  test("the reference says so", async () => {
    const { paths } = await readJson(await rig.send("/openapi.json", { token }));
    const { headers } = paths["/api/v1/usage/export"].get.responses["200"];
    expect(Object.keys(headers)).toEqual(["X-Tokligence-Rows", "X-Tokligence-Rows-Removed-Before"]);
    const logs = paths["/api/v1/usage/logs"].get.responses["200"].content["application/json"].schema;
    expect(JSON.stringify(logs)).toContain("rows_removed_before");
  });
});
