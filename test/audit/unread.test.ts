// Exports that cannot be read: what is wrong with them is said, and what to do.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { EXIT } from "../../src/cli/error.ts";
import { type AuditScene, makeAuditScene } from "./scene.ts";

let scene: AuditScene;

const FIXTURES = join(import.meta.dir, "../fixtures/export");
const OPENROUTER = `${FIXTURES}/openrouter-activity.json`;

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

test("what was not unpacked to its end is told of as what it is", async () => {
  const packed = gzipSync(await Bun.file(OPENROUTER).bytes());
  for (const bytes of [packed.subarray(0, -9), Buffer.concat([packed.subarray(0, 30), Buffer.alloc(60)])]) {
    const path = scene.write("cut.json.gz", "");
    await Bun.write(path, bytes);
    const asked = ["--provider", "openai", "--format", "openrouter-activity", "--file", path];
    const { code, err } = await scene.run(["audit", "reconcile", ...asked]);
    expect({ code, err }).toEqual({ code: EXIT.usage, err: expect.stringContaining("cut.json.gz cannot be unpacked") });
  }
});

test("columns nobody knows are named, with the way out", async () => {
  const err = await fails("Datum,Betrag\n2026-01-01,3\n");
  expect(err).toContain('Its columns are: "Datum", "Betrag".');
  expect(err).toContain("--map day=Date");
});

test("a new column that may hold tokens is not passed over", async () => {
  const text =
    "utc_date,model,api_key_name,type,price,amount,surcharge_cost\n20260101,deepseek-chat,a,output_tokens,1,5,9\n";
  const isDeepseek = ["--format", "deepseek-amount"];
  expect(await fails(text, ...isDeepseek)).toContain('"DeepSeek usage export", which has no column "surcharge_cost"');
  const { err } = await scene.run([
    "audit",
    "reconcile",
    "--provider",
    "openai",
    "--file",
    scene.write("a.csv", text),
    "--ignore",
    "surcharge_cost",
    ...isDeepseek,
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
  ["Day,Cost\n2026-02-30,1\n", "--map day=Day,cost=Cost", 'line 2: "Day" is "2026-02-30", which is no day'],
  ["Day,In\n2026-01-01,many\n", "--map day=Day,input=In", '"In" is "many", which is no count'],
  ["", "", "is empty"],
  ['{"data":[{"object":"bucket","start_time":1,', "", "ends in the middle of its JSON"],
  [
    "Day,In,Cost\n2026-01-01,9,1\n2026-01-02,12",
    "--map day=Day,input=In,cost=Cost",
    "a.csv ends in the middle of line 3: it was not saved completely",
  ],
  [
    "utc_date,model,wallet_type,cost,currency\n2026-01-01,a,Paid,1,CNY\n",
    "--format deepseek-cost",
    "no currency that the books know",
  ],
])("%j with %j: %s", async (text, flags, message) => {
  expect(await fails(text, ...flags.split(" ").filter((word) => word !== ""))).toContain(message);
});

describe("another provider's export", () => {
  const FOREIGN = "anthropic-usage.json";
  const run = (flags: string) =>
    scene.run(["audit", "reconcile", "--file", `${FIXTURES}/${FOREIGN}`, "--json", ...flags.split(" ")]);

  test("is refused, with who sends such bills and what to say instead", async () => {
    const { code, out, err } = await run("--provider openai");
    expect({ code, out }).toEqual({ code: EXIT.usage, out: "" });
    expect(err).toContain('taken for \\"Anthropic usage\\", a bill by anthropic');
    expect(err).toContain("openai (billed by openai)");
    expect(err).toContain("--provider anthropic for it; if it is the right file, say --format anthropic-usage");
    const aggregated = scene.run(["audit", "reconcile", "--provider", "anthropic", "--file", OPENROUTER]);
    expect((await aggregated).err).toContain("(the configuration has none)");
  });

  test.each([
    "--provider anthropic",
    "--provider openai,anthropic",
    // Nobody knows whose servers these are.
    "--provider not-configured",
    "--provider openai --format anthropic-usage",
  ])("is read with %s", async (flags) => {
    const { code, out } = await run(flags);
    expect({ code, missing: JSON.parse(out).counts.missing }).toEqual({ code: EXIT.conflict, missing: 1 });
  });

  test("is read with any provider where its columns are mapped", async () => {
    const map = "day=date,model=model_permaslug,input=prompt_tokens,output=completion_tokens,cost=usage";
    const { code } = await scene.run([
      "audit",
      "reconcile",
      "--provider",
      "openai",
      "--file",
      OPENROUTER,
      "--map",
      map,
    ]);
    expect(code).toBe(EXIT.conflict);
  });

  test("of a kind that nobody knows is refused with the kinds", async () => {
    const { code, err } = await run("--provider openai --format parquet");
    expect({ code, lists: err.includes("anthropic-usage, aws-cost-explorer") }).toEqual({
      code: EXIT.usage,
      lists: true,
    });
  });
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
