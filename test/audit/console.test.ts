// Exports as consoles give them to people, held against what really went through a gateway.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { type AuditScene, FIRST_DAY, makeAuditScene } from "./scene.ts";

const GPT = "gpt-4o-2024-08-06";

let scene: AuditScene;

beforeEach(async () => {
  scene = await makeAuditScene();
});
afterEach(() => scene.close());

interface Report {
  matched_by: string[];
  counts: Record<string, number>;
  lines: { key: string | null; verdict: string }[];
  notes: string[];
}

async function reconcile(file: string, ...flags: string[]): Promise<{ code: number; report: Report }> {
  const line = ["audit", "reconcile", "--provider", "openai,openai-eu", "--file", file, ...flags, "--json"];
  const { code, out, err } = await scene.run(line);
  if (out === "") throw new Error(err);
  return { code, report: JSON.parse(out) };
}

test("a key goes by its name as well as by its id where an export has both", async () => {
  await scene.call("gpt-4o", { prompt: 1_000, completion: 100 }, GPT);
  await scene.call("eu/gpt-4o", { prompt: 50, completion: 5 }, GPT);
  const start = Date.parse(`${FIRST_DAY}T00:00:00Z`) / 1000;
  const head =
    "start_time,end_time,model,api_key_id,api_key_name,api_key_redacted,num_model_requests,input_tokens,output_tokens";
  const lines = [
    `${start},,${GPT},key_a,Agent One,sk-proj-...aaaa,1,1000,100`,
    `${start},,${GPT},key_b,Agent Two,sk-proj-...bbbb,1,50,5`,
  ];
  const file = scene.write("usage.csv", [head, ...lines].join("\n"));
  for (const keys of ["Agent One=openai,key_b=openai-eu", "key_a=openai,bbbb=openai-eu"]) {
    const { code, report } = await reconcile(file, "--keys", keys);
    expect(report).toMatchObject({ matched_by: ["day", "model", "key"], counts: { agrees: 2 } });
    expect(code).toBe(EXIT.ok);
  }
  const { report } = await reconcile(file, "--keys", "Agent One=openai");
  expect(report.lines.map(({ key, verdict }) => `${key} ${verdict}`).toSorted()).toEqual([
    "key_b missing",
    "openai agrees",
    "openai-eu extra",
  ]);
});

test("of an export that begins and ends within a day, only that part of it is held against the books", async () => {
  const [before, within, after] = [1_000, 50, 7];
  const start = scene.rig.clock.wallMs();
  for (const prompt of [before, within, after]) {
    await scene.call("gpt-4o", { prompt, completion: 1 }, GPT);
    scene.rig.clock.advance(600_000);
  }
  const line = { input_tokens: within, output_tokens: 1, num_model_requests: 1, model: GPT, api_key_id: null };
  const [from, to] = [start + 300_000, start + 900_000].map((moment) => Math.floor(moment / 1000));
  const bucket = { object: "bucket", start_time: from, end_time: to, results: [line] };
  const file = scene.write("usage.json", JSON.stringify({ object: "page", data: [bucket], has_more: false }));
  const { code, report } = await reconcile(file);
  expect(report.counts).toMatchObject({ agrees: 1, tokens: 0 });
  expect(code).toBe(EXIT.ok);
  expect(report.notes.join("\n")).toContain("The export tells of the time from 2023-11-14T22:18:20.000Z until");
});

test("a day that is not over is told of", async () => {
  await scene.call("gpt-4o", { prompt: 50, completion: 5 }, GPT);
  const today = new Date().toISOString().slice(0, 10);
  const file = scene.write("own.csv", `Day,Model,In\n${FIRST_DAY},${GPT},50\n${today},${GPT},1\n`);
  const { report } = await reconcile(file, "--map", "day=Day,model=Model,input=In");
  expect(report.notes.join("\n")).toContain(`${today} is not over yet`);
  const cut = await reconcile(file, "--map", "day=Day,model=Model,input=In", "--to", FIRST_DAY);
  expect({ code: cut.code, told: cut.report.notes.join("\n").includes("not over") }).toEqual({ code: 0, told: false });
});

test("a bill without a line about models is refused, unless somebody says which days it is of", async () => {
  await scene.call("gpt-4o", { prompt: 50, completion: 5 }, GPT);
  const head =
    "lineItem/LineItemType,lineItem/UsageStartDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UnblendedCost";
  const file = scene.write("cur.csv", `${head}\nUsage,${FIRST_DAY}T08:00:00Z,AmazonEC2,BoxUsage,0.01\n`);
  const bedrock = ["--format", "aws-usage-report"];
  await expect(reconcile(file, ...bedrock)).rejects.toThrow("none of the 1 lines in it is about tokens or money");
  const { report } = await reconcile(file, ...bedrock, "--from", FIRST_DAY, "--to", FIRST_DAY);
  expect(report).toMatchObject({ counts: { agrees: 0, extra: 1 } });
  const page = {
    object: "page",
    data: [{ object: "bucket", start_time: 1_699_920_000, results: [] }],
    has_more: false,
  };
  const empty = scene.write("empty.json", JSON.stringify(page));
  await expect(reconcile(empty)).rejects.toThrow("it says that nothing was used");
});

test("days that the export is not about are in the books alone, and agree with nothing", async () => {
  await scene.call("gpt-4o", { prompt: 50, completion: 5 }, GPT);
  const file = scene.write("own.csv", `Day,Model,In,USD\n2023-10-01,${GPT},50,1\n`);
  const map = ["--map", "day=Day,model=Model,input=In,cost=USD"];
  const { code, report } = await reconcile(file, ...map, "--from", FIRST_DAY, "--to", FIRST_DAY);
  expect(report).toMatchObject({ counts: { agrees: 0, extra: 1 } });
  expect(code).toBe(EXIT.conflict);
});
