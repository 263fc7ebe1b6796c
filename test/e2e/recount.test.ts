// Counting again in the compiled executable: its thread is found in it, the operator's own tokenizer is read from its file, and the command
// tells what came of it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WORKERS, ROOT } from "../../scripts/compile.ts";
import { makeTokenizerFile } from "../audit/tokenizer-file.ts";
import { type Served, issueKey, makeFolder, serve } from "./binary.ts";
import { type Upstream, startUpstream } from "./upstream.ts";

let upstream: Upstream;
let gateway: Served;

/** By model: what the provider says that it used. */
const USAGE: Readonly<Record<string, { prompt_tokens: number; completion_tokens: number }>> = {
  "gpt-4o": { prompt_tokens: 11, completion_tokens: 2 },
  "gpt-4o-mini": { prompt_tokens: 500, completion_tokens: 900 },
  // "Say hi in Portuguese" is 20 tokens there, "Oi!" three; a template adds some.
  "tiny-1": { prompt_tokens: 31, completion_tokens: 3 },
};

beforeAll(async () => {
  upstream = startUpstream(({ body }) => {
    const model = String(body["model"]);
    const message = { role: "assistant", content: "Oi!" };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return Response.json({ id: "c", object: "chat.completion", created: 1, model, choices, usage: USAGE[model] });
  });
  const folder = makeFolder();
  mkdirSync(join(folder, "tokenizers"));
  writeFileSync(join(folder, "tokenizers/tiny.json"), makeTokenizerFile());
  gateway = await serve({
    folder,
    config: "recount_tolerance_percent = 1\n[tokenizer.tiny]\nmodels = tiny-*\nfile = tokenizers/tiny.json\n",
    env: { OPENAI_API_KEY: "sk-test-openai-key", OPENAI_BASE_URL: `${upstream.url}/v1` },
  });
  const { token } = await issueKey(gateway);
  for (const model of Object.keys(USAGE)) {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: `openai/${model}`,
        messages: [{ role: "user", content: "Say hi in Portuguese" }],
      }),
    });
    expect(response.status).toBe(200);
  }
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** The report, once all calls are counted. */
async function report(...flags: string[]): Promise<Record<string, never>> {
  for (;;) {
    const { code, out, err } = await gateway.run(["audit", "tokens", "--json", ...flags]);
    if (code !== 0) throw new Error(err);
    const told = JSON.parse(out);
    if (told.total.counted === Object.keys(USAGE).length) return told;
  }
}

test("calls are counted by the thread inside the executable, and by the operator's own tokenizer", async () => {
  const { groups, flagged } = (await report("--by", "model", "--flagged")) as Record<string, unknown>;
  expect(groups).toMatchObject([
    { model: "gpt-4o", exact: 1, flagged_over: 0, our_tokens: 13 },
    { model: "gpt-4o-mini", exact: 1, flagged_over: 1, our_tokens: 13, difference_tokens: { sum: 1_387 } },
    { model: "tiny-1", exact: 1, flagged_over: 0, flagged_under: 0, our_tokens: 30 },
  ]);
  expect(flagged).toMatchObject([{ model: "gpt-4o-mini", verdict: "over", tokenizer: "o200k_base" }]);
}, 60_000);

test("people read a table, and are told where to look", async () => {
  await report();
  const { out, err, code } = await gateway.run(["audit", "tokens"]);
  expect(code).toBe(0);
  expect(out).toContain("gpt-4o-mini");
  expect(out.trimEnd().split("\n").at(-1)).toMatch(/^total/u);
  expect(err).toContain("1 call lies outside of what our count allows; --flagged lists it");
  const { out: list } = await gateway.run(["audit", "tokens", "--flagged"]);
  expect(list).toMatch(/over +exact +500 of 11 +900 of 2…3 +1387/u);
  const wrong = await gateway.run(["audit", "tokens", "--by", "weather"]);
  expect([wrong.code, wrong.out]).toEqual([2, ""]);
}, 60_000);

test("every thread's file is an entry of the build", async () => {
  const files = [...new Bun.Glob("src/**/*worker.ts").scanSync(ROOT)];
  expect(files.length).toBeGreaterThan(0);
  const listed: readonly string[] = WORKERS;
  for (const file of files) expect(listed).toContain(file.replaceAll("\\", "/"));
});
