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
