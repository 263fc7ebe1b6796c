// Bills against books: what a provider's export says beside what really went through a gateway. The bills are written by hand, from what the
// scripted provider was told to report, at OpenAI's list prices (https://platform.openai.com/docs/pricing).

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type AuditScene, DAY_MS, FIRST_DAY, SECOND_DAY, makeAuditScene } from "./scene.ts";

interface Line {
  day: string;
  model_billed: string[];
  model_booked: string[];
  key: string | null;
  verdict: string;
  tokens: Record<string, { billed: number; booked: number; difference: number }>;
  billed_usd: string | null;
  booked_usd: string | null;
  difference_usd: string | null;
  billed_for: Record<string, string>;
  booked_for: Record<string, string>;
  off_in: string[];
}

interface Report {
  agrees: boolean;
  matched_by: string[];
  lines: Line[];
  counts: Record<string, number>;
  totals: Line;
  notes: string[];
}

const GPT = "gpt-4o-2024-08-06";
const MINI = "gpt-4o-mini-2024-07-18";

/** One result of the Usage API. */
interface Used {
  day: string;
  model: string;
  input: number;
  cached?: number;
  output: number;
  key?: string;
}

function printUsage(lines: readonly Used[]): string {
  const buckets = lines.map(({ day, model, input, cached = 0, output, key }) => ({
    object: "bucket",
    start_time: Date.parse(`${day}T00:00:00Z`) / 1000,
    end_time: Date.parse(`${day}T00:00:00Z`) / 1000 + 86_400,
    results: [
      {
        object: "organization.usage.completions.result",
        input_tokens: input,
        input_cached_tokens: cached,
        output_tokens: output,
        num_model_requests: 1,
        model,
        api_key_id: key ?? null,
        project_id: null,
      },
    ],
  }));
  return JSON.stringify({ object: "page", data: buckets, has_more: false, next_page: null });
}

function printCost(lines: readonly { day: string; item: string; usd: string }[]): string {
  const head = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id";
  const rows = lines.map(({ day, item, usd }) => {
    const start = Date.parse(`${day}T00:00:00Z`) / 1000;
    return `${start},${start + 86_400},${day}T00:00:00+00:00,,${usd},usd,"${item}",proj_x`;
  });
  return [head, ...rows].join("\n");
}

let scene: AuditScene;

async function reconcile(flags: readonly string[]): Promise<{ code: number; report: Report; err: string }> {
  const { code, out, err } = await scene.run(["audit", "reconcile", "--provider", "openai", ...flags, "--json"]);
  return { code, report: out === "" ? (null as never) : JSON.parse(out), err };
}

/** Two days of calls to two models, 1,000,000 tokens of a kind where money counts. */
async function serveTwoDays(): Promise<void> {
  await scene.call("gpt-4o", { prompt: 600_000, cached: 200_000, completion: 10_000 }, GPT);
  await scene.call("gpt-4o", { prompt: 400_000, cached: 100_000, completion: 20_000 }, GPT);
  await scene.call("gpt-4o-mini", { prompt: 5_000, completion: 500 }, MINI);
  scene.rig.clock.advance(DAY_MS);
  await scene.call("gpt-4o", { prompt: 7_000, completion: 300 }, GPT);
}

const USAGE: readonly Used[] = [
  { day: FIRST_DAY, model: GPT, input: 1_000_000, cached: 300_000, output: 30_000 },
  { day: FIRST_DAY, model: MINI, input: 5_000, output: 500 },
  { day: SECOND_DAY, model: GPT, input: 7_000, output: 300 },
];

/** 2.50, 1.25 and 10.00 a million; mini 0.15, 0.075 and 0.60. */
const COST = [
  { day: FIRST_DAY, item: `${GPT}, input`, usd: "1.75" },
  { day: FIRST_DAY, item: `${GPT}, cached input`, usd: "0.375" },
  { day: FIRST_DAY, item: `${GPT}, output`, usd: "0.3" },
  { day: FIRST_DAY, item: `${MINI}, input`, usd: "0.00075" },
  { day: FIRST_DAY, item: `${MINI}, output`, usd: "0.0003" },
  { day: SECOND_DAY, item: `${GPT}, input`, usd: "0.0175" },
  { day: SECOND_DAY, item: `${GPT}, output`, usd: "0.003" },
];

function writeFiles(usage: readonly Used[], cost: typeof COST): string {
  return `${scene.write("usage.json", printUsage(usage))},${scene.write("cost.csv", printCost(cost))}`;
}

describe("tokens and money of two files, on SQLite", () => {
  beforeEach(async () => {
    scene = await makeAuditScene();
    await serveTwoDays();
  });
  afterEach(() => scene.close());

  test("a bill that is right agrees to the last token and nano-dollar", async () => {
    const { code, report } = await reconcile(["--file", writeFiles(USAGE, COST)]);
    expect(report.lines.filter(({ verdict }) => verdict !== "agrees")).toEqual([]);
    expect(code).toBe(EXIT.ok);
    expect(report.matched_by).toEqual(["day", "model"]);
    expect(report.counts["agrees"]).toBe(3);
    expect(report.totals).toMatchObject({ billed_usd: "2.44655", booked_usd: "2.44655", difference_usd: "0" });
    expect(report.totals.tokens).toEqual({
      fresh: { billed: 712_000, booked: 712_000, difference: 0 },
      cache_read: { billed: 300_000, booked: 300_000, difference: 0 },
      output: { billed: 30_800, booked: 30_800, difference: 0 },
    });
  });

  test("three per cent more, a line too many, one too few, and a cache read at full price: each is named with its figures", async () => {
    const usage = [
      { day: FIRST_DAY, model: GPT, input: 1_000_000, cached: 300_000, output: 30_000 },
      // Never asked for.
      { day: FIRST_DAY, model: "o1-2024-12-17", input: 900, output: 100 },
      // 3 % more; the model of the first day's third line is not there at all.
      { day: SECOND_DAY, model: GPT, input: 7_210, output: 309 },
    ];
    const cost = [
      { day: FIRST_DAY, item: `${GPT}, input`, usd: "1.75" },
      { day: FIRST_DAY, item: `${GPT}, cached input`, usd: "0.75" },
      { day: FIRST_DAY, item: `${GPT}, output`, usd: "0.3" },
      { day: FIRST_DAY, item: "o1-2024-12-17, input", usd: "0.0135" },
      { day: FIRST_DAY, item: "o1-2024-12-17, output", usd: "0.006" },
      { day: SECOND_DAY, item: `${GPT}, input`, usd: "0.018025" },
      { day: SECOND_DAY, item: `${GPT}, output`, usd: "0.00309" },
    ];
    const { code, report, err } = await reconcile(["--file", writeFiles(usage, cost)]);
    expect(code).toBe(EXIT.conflict);
    expect(JSON.parse(err.trim().split("\n").at(-1) ?? "")).toMatchObject({
      error: {
        message: "The export and the books do not agree: 1 missing, 1 extra, 1 with other tokens, 1 mispriced.",
      },
    });
    const found = new Map(report.lines.map((line) => [line.verdict, line]));
    expect(found.get("mispriced")).toMatchObject({
      day: FIRST_DAY,
      model_billed: [GPT],
      billed_usd: "2.8",
      booked_usd: "2.425",
      difference_usd: "0.375",
      billed_for: { fresh: "1.75", cache_read: "0.75", output: "0.3" },
      booked_for: { fresh: "1.75", cache_read: "0.375", output: "0.3" },
      off_in: ["cache_read"],
    });
    expect(found.get("missing")).toMatchObject({
      day: FIRST_DAY,
      model_billed: ["o1-2024-12-17"],
      model_booked: [],
      difference_usd: "0.0195",
      tokens: {
        fresh: { billed: 900, booked: 0, difference: 900 },
        output: { billed: 100, booked: 0, difference: 100 },
      },
    });
    expect(found.get("extra")).toMatchObject({
      day: FIRST_DAY,
      model_billed: [],
      model_booked: [MINI],
      difference_usd: "-0.00105",
    });
    expect(found.get("tokens")).toMatchObject({
      day: SECOND_DAY,
      difference_usd: "0.000615",
      tokens: { fresh: { billed: 7_210, booked: 7_000, difference: 210 }, output: { difference: 9 } },
    });
    expect(report.totals).toMatchObject({ billed_usd: "2.840615", booked_usd: "2.44655", difference_usd: "0.394065" });
  });

  test("of a long prompt it is named what is off, at the prices of long prompts", async () => {
    await scene.call("gpt-5.4", { prompt: 300_000, cached: 100_000, completion: 10_000 }, "gpt-5.4");
    const usage: Used[] = [{ day: SECOND_DAY, model: "gpt-5.4", input: 300_000, cached: 100_000, output: 10_000 }];
    const cost = [
      { day: SECOND_DAY, item: "gpt-5.4, input", usd: "1" },
      { day: SECOND_DAY, item: "gpt-5.4, cached input", usd: "0.5" },
      { day: SECOND_DAY, item: "gpt-5.4, output", usd: "0.225" },
    ];
    const { report } = await reconcile(["--file", writeFiles(usage, cost), "--from", SECOND_DAY]);
    expect(report.lines.find(({ model_billed: [model] }) => model === "gpt-5.4")).toMatchObject({
      verdict: "mispriced",
      booked_for: { fresh: "1", cache_read: "0.05", output: "0.225" },
      off_in: ["cache_read"],
    });
  });

  test("searches are billed beside the models that made them, and held against the books so", async () => {
    await scene.call("gpt-4.1", { prompt: 1_000, completion: 100, searches: 3 }, "gpt-4.1");
    const usage: Used[] = [{ day: SECOND_DAY, model: "gpt-4.1", input: 1_000, output: 100 }];
    const cost = [
      { day: SECOND_DAY, item: "gpt-4.1, input", usd: "0.002" },
      { day: SECOND_DAY, item: "gpt-4.1, output", usd: "0.0008" },
    ];
    const bill = async (items: typeof cost) => {
      const files = writeFiles([...USAGE, ...usage], [...COST, ...items]);
      return (await reconcile(["--file", files])).report;
    };
    const search = { day: SECOND_DAY, item: "web search tool calls", usd: "0.03" };
    expect((await bill([...cost, search])).counts).toMatchObject({ agrees: 5, missing: 0, mispriced: 0 });
    const dearer = await bill([...cost, { ...search, usd: "0.04" }]);
    expect(dearer.lines.find(({ verdict }) => verdict === "mispriced")).toMatchObject({
      model_billed: ["web search tool calls"],
      model_booked: ["gpt-4.1"],
      difference_usd: "0.01",
      off_in: ["tools"],
    });
    // An export that has no line for them has forgotten them.
    const forgotten = await bill(cost);
    expect(forgotten.lines.find(({ verdict }) => verdict === "mispriced")).toMatchObject({
      model_billed: ["gpt-4.1"],
      difference_usd: "-0.03",
      off_in: ["tools"],
    });
  });

  test("what the books know no price of is booked at an unknown sum, and not at nought", async () => {
    await scene.call("gpt-unheard-of-9", { prompt: 1_000, completion: 100 }, "gpt-unheard-of-9");
    const usage: Used[] = [{ day: SECOND_DAY, model: "gpt-unheard-of-9", input: 1_000, output: 100 }];
    const files = writeFiles(usage, [{ day: SECOND_DAY, item: "gpt-unheard-of-9, input", usd: "0.5" }]);
    const { report } = await reconcile(["--file", files]);
    const line = report.lines.find(({ model_billed: [model] }) => model === "gpt-unheard-of-9");
    expect(line).toMatchObject({ verdict: "unpriced", billed_usd: "0.5", booked_usd: null, difference_usd: null });
    const { out } = await scene.run(["audit", "reconcile", "--provider", "openai", "--file", files]);
    expect(out).toMatch(/gpt-unheard-of-9\s+unpriced\s.*\s0\.5\s+-\s+-/u);
    expect(report.notes).toContain("1 call is booked without a price: see tokligence ledger reprice.");
  });

  test("a page that was saved twice is told of", async () => {
    const page = printUsage(USAGE);
    const { code, report } = await reconcile(["--file", scene.write("usage.json", `${page}\n${page}`)]);
    expect({ code, counts: report.counts }).toMatchObject({ code: EXIT.conflict, counts: { tokens: 3 } });
    expect(report.notes.join("\n")).toContain("3 lines of the export are the same as another one in every cell");
  });

  test("a page that says there are more is told of, unless they come behind it", async () => {
    const note = "The last page of OpenAI usage says that there are more";
    const pages = USAGE.map((line, index) =>
      scene.write(`page${index}.json`, printUsage([line]).replace('"has_more":false', `"has_more":${index < 2}`)),
    );
    const cut = await reconcile(["--file", pages.slice(0, 2).join(",")]);
    expect(cut.report.notes.join("\n")).toContain(note);
    const { code, report } = await reconcile(["--file", pages.join(",")]);
    expect({ code, told: report.notes.join("\n").includes(note) }).toEqual({ code: EXIT.ok, told: false });
  });

  test("within the tolerance figures agree, beyond it they do not", async () => {
    const usage = USAGE.map((line) => ({ ...line, input: line.input * 1.03, output: line.output * 1.03 }));
    const cost = COST.map((line) => ({ ...line, usd: (Number(line.usd) * 1.03).toFixed(12) }));
    const files = writeFiles(usage, cost);
    expect((await reconcile(["--file", files, "--tolerance", "2.5"])).code).toBe(EXIT.conflict);
    expect((await reconcile(["--file", files, "--tolerance", "5%"])).code).toBe(EXIT.ok);
  });

  test("calls around midnight that the provider counts to the next day are shifted, not disputed", async () => {
    const usage = [
      { day: FIRST_DAY, model: GPT, input: 600_000, cached: 200_000, output: 10_000 },
      { day: FIRST_DAY, model: MINI, input: 5_000, output: 500 },
      { day: SECOND_DAY, model: GPT, input: 407_000, cached: 100_000, output: 20_300 },
    ];
    const { code, report } = await reconcile(["--file", scene.write("usage.json", printUsage(usage))]);
    expect({ code, counts: report.counts }).toMatchObject({ code: EXIT.ok, counts: { shifted: 2, agrees: 1 } });
  });

  test("a day that the export says was empty is held against the books like any other", async () => {
    const page = JSON.parse(printUsage(USAGE.slice(0, 2)));
    const start = Date.parse(`${SECOND_DAY}T00:00:00Z`) / 1000;
    page.data.push({ object: "bucket", start_time: start, end_time: start + 86_400, results: [] });
    const { report } = await reconcile(["--file", scene.write("usage.json", JSON.stringify(page))]);
    expect(report.counts).toMatchObject({ agrees: 2, extra: 1 });
  });

  test("a span of days leaves out what the export and the books hold beyond it", async () => {
    const files = writeFiles(USAGE.slice(0, 2), COST.slice(0, 5));
    expect((await reconcile(["--file", files, "--to", SECOND_DAY])).report.counts).toMatchObject({
      agrees: 2,
      extra: 1,
    });
    expect((await reconcile(["--file", files])).code).toBe(EXIT.ok);
    const span = ["--from", SECOND_DAY, "--to", SECOND_DAY];
    expect((await reconcile(["--file", writeFiles(USAGE, COST), ...span])).report.counts).toMatchObject({ agrees: 1 });
  });

  test("other spellings of a model are the same model, and an alias says what no rule can", async () => {
    const map = ["--map", "day=Day,model=Model,input=In,output=Out,cost=Cost"];
    const file = scene.write(
      "own.csv",
      `Day;Model;In;Out;Cost\n${FIRST_DAY};openai/GPT-4o;1000000;30000;$2.425\n${FIRST_DAY};house model;5000;500;0.00105\n${SECOND_DAY};openai/GPT-4o;7000;300;0.0205\n`,
    );
    const without = await reconcile(["--file", file, ...map]);
    expect(without.report.counts).toMatchObject({ agrees: 2, missing: 1, extra: 1 });
    const withAlias = await reconcile(["--file", file, ...map, "--alias", "house model=gpt-4o-mini"]);
    expect(withAlias.code).toBe(EXIT.ok);
  });

  test("keys are told apart where somebody says whose they are", async () => {
    await scene.call("eu/gpt-4o", { prompt: 50, completion: 5 }, GPT);
    const lines = [
      ...USAGE.map((line) => ({ ...line, key: "key_a" })),
      { day: SECOND_DAY, model: GPT, input: 50, output: 5, key: "key_b" },
      { day: SECOND_DAY, model: GPT, input: 1, output: 1, key: "key_elsewhere" },
    ];
    const file = scene.write("usage.json", printUsage(lines));
    const both = ["audit", "reconcile", "--provider", "openai,openai-eu", "--file", file, "--json"];
    const keyed = await scene.run([...both, "--keys", "key_a=openai,key_b=openai-eu,key_elsewhere=-"]);
    const report: Report = JSON.parse(keyed.out);
    expect(report.matched_by).toEqual(["day", "model", "key"]);
    expect({ code: keyed.code, counts: report.counts }).toMatchObject({ code: EXIT.ok, counts: { agrees: 4 } });
    const swapped = await scene.run([...both, "--keys", "key_a=openai-eu,key_b=openai,key_elsewhere=-"]);
    expect(swapped.code).toBe(EXIT.conflict);
    // A bill of money by model alone.
    const costs = scene.write("cost.csv", printCost(COST));
    const mixed = await scene.run([
      ...both.with(5, `${file},${costs}`),
      "--keys",
      "key_a=openai,key_b=openai-eu,key_elsewhere=-",
    ]);
    expect(JSON.parse(mixed.out).notes.join()).toContain("for some lines of the export name none");
    const merged = await scene.run(both);
    expect(JSON.parse(merged.out).counts).toMatchObject({ agrees: 2, tokens: 1 });
  });

  test("keys of one provider are told apart by their labels", async () => {
    for (const prompt of [50, 70]) await scene.call("openai-pool/gpt-4o", { prompt, completion: 5 }, GPT);
    const lines = [
      { day: SECOND_DAY, model: GPT, input: 50, output: 5, key: "key_a" },
      { day: SECOND_DAY, model: GPT, input: 70, output: 5, key: "key_b" },
    ];
    const file = scene.write("usage.json", printUsage(lines));
    const line = ["audit", "reconcile", "--provider", "openai-pool", "--file", file, "--json"];
    const keyed = await scene.run([...line, "--keys", "key_a=openai-pool#a,key_b=openai-pool#b"]);
    expect(keyed.code).toBe(EXIT.ok);
    expect((JSON.parse(keyed.out) as Report).counts).toMatchObject({ agrees: 2 });
    const swapped = await scene.run([...line, "--keys", "key_a=openai-pool#b,key_b=openai-pool#a"]);
    expect(swapped.code).toBe(EXIT.conflict);
  });

  test("for people: what is off, the totals, and how to prove it", async () => {
    const { code, out, err } = await scene.run([
      "audit",
      "reconcile",
      "--provider",
      "openai",
      "--file",
      writeFiles(USAGE.slice(0, 2), COST),
      "-o",
      `${scene.folder}/report.csv`,
    ]);
    expect(code).toBe(EXIT.conflict);
    expect(out).toContain(`${SECOND_DAY}  ${GPT}`);
    expect(out).toContain("tokens");
    expect(out).toContain("2 of 3 lines agree.");
    expect(err).toContain("tokligence audit pack --provider openai");
    const csv = await Bun.file(`${scene.folder}/report.csv`).text();
    expect(csv.split("\r\n")[0]).toStartWith("day,model_billed,model_booked,key,verdict");
    expect(csv).toContain(`\r\n${FIRST_DAY},${GPT},${GPT},,agrees,1,2,`);
    expect(csv).toContain("\r\ntotal,,,,differs,");
  });
});

test.skipIf(!hasPostgres)("on PostgreSQL the same bill agrees", async () => {
  scene = await makeAuditScene(await createDatabase());
  try {
    await serveTwoDays();
    await scene.rig.rows();
    const { code, report } = await reconcile(["--file", writeFiles(USAGE, COST)]);
    expect({ code, counts: report.counts }).toMatchObject({ code: EXIT.ok, counts: { agrees: 3 } });
  } finally {
    await scene.close();
  }
});
