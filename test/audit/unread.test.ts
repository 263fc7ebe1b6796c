// Exports that cannot be read: what is wrong with them is said, and what to do.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { type AuditScene, makeAuditScene } from "./scene.ts";

let scene: AuditScene;

beforeEach(async () => {
  scene = await makeAuditScene();
});
afterEach(() => scene.close());

const fails = async (text: string, ...flags: string[]): Promise<string> => {
  const { code, out, err } = await scene.run([
    "audit",
    "reconcile",
    "--provider",
    "openai",
    "--file",
    scene.write("a.csv", text),
    ...flags,
  ]);
  expect({ code, out }).toEqual({ code: EXIT.usage, out: "" });
  return err;
};

test("columns nobody knows are named, with the way out", async () => {
  const err = await fails("Datum,Betrag\n2026-01-01,3\n");
  expect(err).toContain('Its columns are: "Datum", "Betrag".');
  expect(err).toContain("--map day=Date");
});

test("a new column that may hold tokens is not passed over", async () => {
  const text =
    "utc_date,model,api_key_name,type,price,amount,surcharge_cost\n20260101,deepseek-chat,a,output_tokens,1,5,9\n";
  expect(await fails(text)).toContain('"DeepSeek usage export", which has no column "surcharge_cost"');
  const { err } = await scene.run([
    "audit",
    "reconcile",
    "--provider",
    "openai",
    "--file",
    scene.write("a.csv", text),
    "--ignore",
    "surcharge_cost",
  ]);
  expect(err).toContain("error: The export and the books do not agree: 1 missing.");
});

test.each([
  ["Day,Cost\n2026-01-01,1\n", "--map day=Day,cost=Price", 'has no column "Price"'],
  ["Day,Cost\n2026-01-01,1\n", "--map cost=Cost", "--map needs day=COLUMN"],
  ["Day,Cost\n2026-01-01,1\n", "--map day=Day,colour=Cost", '"colour=Cost" is no pair'],
  [
    'Day,Cost\n2026-01-01,"0,19"\n',
    "--map day=Day,cost=Cost",
    'a.csv, line 2: "Cost" is "0,19", which is no amount of money',
  ],
  ["Day,Cost\nyesterday,1\n", "--map day=Day,cost=Cost", 'line 2: "Day" is "yesterday", which is no day'],
  ["Day,In\n2026-01-01,many\n", "--map day=Day,input=In", '"In" is "many", which is no count'],
  ["", "", "is empty"],
  ['{"data":[{"object":"bucket","start_time":1,', "", "ends in the middle of its JSON"],
  ["utc_date,model,wallet_type,cost,currency\n2026-01-01,a,Paid,1,CNY\n", "", "no currency that the books know"],
])("%j with %j: %s", async (text, flags, message) => {
  expect(await fails(text, ...flags.split(" ").filter((word) => word !== ""))).toContain(message);
});

test.each([
  ["--tolerance lots", "no percentage"],
  ["--from yesterday", "no day"],
  ["--time-zone Mars/Olympus", "there is no zone"],
  ["--keys a", "is no pair"],
])("%s", async (flags, message) => {
  expect(await fails("utc_date,model,cost,currency\n2026-01-01,a,1,USD\n", ...flags.split(" "))).toContain(message);
});

test("a file that is not there", async () => {
  const { code, err } = await scene.run(["audit", "reconcile", "--provider", "openai", "--file", "/nowhere.csv"]);
  expect({ code, isNamed: err.includes("/nowhere.csv is not there.") }).toEqual({
    code: EXIT.notFound,
    isNamed: true,
  });
});
