// What PostgreSQL copies out, over a connection that is asked the next thing while the copy's end waits to be used.

import { expect, test } from "bun:test";
import postgres from "postgres";
import { readCopy } from "../../src/store/postgres/copy.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";

const COPY = "copy (select repeat('x', size) from unnest(array[300000, 2000000]) as size) to stdout";

test.skipIf(!hasPostgres)(
  "a copy that has ended unused holds back no answer on its connection",
  async () => {
    const sql = postgres(await createDatabase(), { max: 1, onnotice: () => undefined });
    let bytes = 0;
    const copied = readCopy(sql, COPY, (piece) => {
      bytes += piece.length;
    });
    await copied.next();
    const [row] = await sql.unsafe("select 7 as answer");
    expect(row?.["answer"]).toBe(7);
    for await (const _ of copied);
    expect(bytes).toBe(2_300_002);
    await sql.end({ timeout: 1 });
  },
  20_000,
);
