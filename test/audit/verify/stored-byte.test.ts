// What is attested is what is stored: a change that leaves the meaning as it was is named as any other. On both engines, as far as they can
// store it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { digestPayloads } from "../../../src/ledger/index.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, makeBench, makeCall, tryChanges, verifyBooks } from "./books.ts";

const ENGINES = ["sqlite", "postgres"] as const;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The same bytes in base64url, but for bits that no byte is made of. */
function respell(text: string): string {
  const last = LETTERS.indexOf(text.at(-1) ?? "");
  return `${text.slice(0, -1)}${LETTERS[last ^ 1]}`;
}

describe.each(ENGINES)("on %s", (engine) => {
  const isPostgres = engine === "postgres";
  const runs = !isPostgres || hasPostgres;
  let bench: Bench;

  beforeAll(async () => {
    if (!runs) return;
    bench = makeBench(isPostgres ? await createDatabase() : undefined);
    const payload = (salt: string) => ({
      payloadSalt: salt,
      requestHash: "asked",
      responseHash: "answered",
      payloadDigest: digestPayloads(salt, "asked", "answered"),
    });
    await bench.write(async ({ ledger }) => {
      for (let number = 1; number <= 9; number++) await ledger.add(makeCall(number, payload(`salt-${number}`)));
      await ledger.add(makeCall(10, { modelAsked: "b\uFFFDd", latencyMs: 0, units: { images: 0.5, tiny: 1e-7 } }));
    });
  });
  afterAll(() => bench?.desk.close());

  const find = async (...changes: string[]) =>
    (await tryChanges(bench, changes)).map(({ kind, seq, to_seq: to }) => (seq === to ? [kind, seq] : [kind, seq, to]));

  const ON_SQLITE = [
    `attempts = replace(attempts, '","', '", "')`,
    `attempts = attempts || ' '`,
    `attempts = char(10) || attempts`,
    `units = '{"images":2.0}'`,
    `units = '{"images": 2}'`,
    `units = '{"\\u0069mages":2}'`,
    `attempts = json_array(json_object('provider', 'openai', 'model', 'gpt-4o', 'status', 200, 'errorKind', null,
       'upstreamRequestId', attempts ->> '$[0].upstreamRequestId', 'latencyMs', 99.5, 'usageRaw', attempts ->> '$[0].usageRaw'))`,
    "attempts = cast(attempts as blob)",
    "tags = cast(tags as blob)",
    "endpoint = cast(endpoint as blob)",
    `dropped = dropped || ',"x":1'`,
  ];
  const ON_POSTGRES = [
    `units = '{"images":2.0}'`,
    `units = '{"images":2.00000000000000000001}'`,
    `attempts = jsonb_set(attempts, '{0,latencyMs}', '99.50')`,
    `attempts = jsonb_set(attempts, '{0,latencyMs}', '99.500000000000000000000001')`,
    `tags = tags || '"more"'::jsonb`,
  ];

  test.skipIf(!runs).each(isPostgres ? ON_POSTGRES : ON_SQLITE)("a row with %s is named alone", async (change) => {
    expect(await find(`update ledger_entries set ${change} where seq = 4`)).toEqual([["altered", 4]]);
  });

  test.skipIf(!runs)("numbers that look alike are told apart, and characters that stand for others", async () => {
    if (isPostgres) {
      expect(await find("update ledger_entries set latency_ms = '-0' where seq = 10")).toEqual([["altered", 10]]);
      const rounded = `jsonb_set(units, '{tiny}', '0.00000010000000000000000001')`;
      expect(await find(`update ledger_entries set units = ${rounded} where seq = 10`)).toEqual([["altered", 10]]);
      return;
    }
    const bytes = "cast(x'62ff64' as text)";
    expect(await find(`update ledger_entries set model_asked = ${bytes} where seq = 10`)).toEqual([["altered", 10]]);
    expect(await find("update ledger_entries set created_at = created_at + 0.5 where seq = 10")).toEqual([
      ["altered", 10],
    ]);
  });

  test.skipIf(!runs)("hashes of payloads that are not there are missed, and none passes for another", async () => {
    const set = (change: string, where: string) => find(`update ledger_entries set ${change} where ${where}`);
    const nothing = "request_hash = null, response_hash = null, payload_salt = null";
    expect(await set(nothing, "seq in (2, 3, 4, 7)")).toEqual([
      ["payload_removed", 2, 4],
      ["payload_removed", 7],
    ]);
    for (const change of ["payload_salt = null", "request_hash = null", "response_hash = ''", "payload_salt = ''"])
      expect(await set(change, "seq = 5")).toEqual([["payload_altered", 5]]);
    expect(await set("request_hash = 'x'", "seq = 10")).toEqual([["payload_altered", 10]]);
    expect(await set("request_hash = 'answered', response_hash = 'asked'", "seq = 5")).toEqual([
      ["payload_altered", 5],
    ]);
  });

  test.skipIf(!runs)("a word on hashes that had their time is not believed without its signature", async () => {
    const nothing =
      "update ledger_entries set request_hash = null, response_hash = null, payload_salt = null where seq <= 2";
    const chain = "(select chain from ledger_chains)";
    const columns = "id, chain, seq, hash, reason, signed_at, previous, public_key, signature";
    const copy = (reason: string) => `insert into ledger_heads (${columns})
      select ${chain} || '/2/${reason}', chain, 2, (select hash from ledger_entries where seq = 2), '${reason}', signed_at, previous, public_key, signature
      from ledger_heads where reason = 'shutdown'`;
    expect(await find(nothing, copy("forget"))).toEqual([
      ["head_altered", 2],
      ["payload_removed", 1, 2],
    ]);
    expect(await find(copy("cut"), "delete from ledger_entries where seq <= 2")).toEqual([
      ["head_altered", 2],
      ["removed", 1, 2],
    ]);
    const marks = "insert into ledger_marks (chain, seq, hashes_seq) select chain, 0, 10 from ledger_chains";
    expect(await find(nothing, marks)).toEqual([
      ["payload_removed", 1, 2],
      ["chain_altered", null],
    ]);
    await bench.tamper("delete from ledger_marks");
  });

  test.skipIf(!runs)(
    "what a chain says of itself is attested: its time, its key, and the spelling of both",
    async () => {
      const [state] = await bench.query<{ public_key: string }>("select public_key from ledger_chains");
      const [head] = await bench.query<{ id: string; signature: string }>(
        "select id, signature from ledger_heads where reason = 'shutdown'",
      );
      const later = isPostgres ? "started_at + interval '1 ms'" : "started_at + 1";
      expect(await find(`update ledger_chains set started_at = ${later}`)).toEqual([["chain_altered", null]]);
      const word = "replace(continues, '0', '1')";
      expect((await find(`update ledger_chains set continues = ${word}`)).map(([kind]) => kind)).toContain(
        "head_altered",
      );
      expect(await find("update ledger_chains set continues = null")).toEqual([["head_altered", 0]]);
      const spelled = respell(state?.public_key ?? "");
      expect(Buffer.from(spelled, "base64url")).toEqual(Buffer.from(state?.public_key ?? "", "base64url"));
      expect(await find(`update ledger_chains set public_key = '${spelled}'`)).toEqual([["key_replaced", null]]);
      const signature = respell(head?.signature ?? "");
      expect(await find(`update ledger_heads set signature = '${signature}' where id = '${head?.id}'`)).toEqual([
        ["head_altered", 10],
      ]);
      expect(await find("update ledger_chains set key_id = upper(key_id)")).toEqual([["key_replaced", null]]);
    },
  );

  test.skipIf(!runs)("untouched, they are as they were", async () => {
    expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 10 });
  });
});
