// The capability matrix over HTTP: for everyone with a key, narrowed by its query, and for one model as it is routed here.

import { afterEach, expect, test } from "bun:test";
import { FEATURES, SURFACES } from "../../src/gateway/index.ts";
import { listSampleProviders } from "../../src/provider/sample.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function ask(query: string): Promise<{ status: number; body: Awaited<ReturnType<typeof readJson>> }> {
  rig ??= await makeRig();
  const response = await rig.send(`/v1/capabilities${query}`);
  return { status: response.status, body: await readJson(response) };
}

test("all of it, with what the words of its rows mean", async () => {
  const { status, body } = await ask("");
  expect(status).toBe(200);
  expect(body.object).toBe("list");
  expect(body.features).toEqual(FEATURES);
  expect(body.surfaces.map((surface: { id: string }) => surface.id)).toEqual(SURFACES.map(({ id }) => id));
  expect(body.data).toHaveLength(listSampleProviders().length * SURFACES.length * FEATURES.length);
});

test("narrowed by surface, provider and feature", async () => {
  const { body } = await ask("?surface=openai-chat&provider=anthropic&feature=seed");
  for (const cell of body.data) {
    expect(cell).toMatchObject({ surface: "openai-chat", provider: "anthropic", feature: "seed" });
    expect(cell).toMatchObject({ outcome: "dropped", note: "seed" });
  }
  expect(body.data.length).toBeGreaterThan(0);
  const unknown = await ask("?feature=telepathy");
  expect(unknown.status).toBe(400);
  expect(unknown.body.error).toMatchObject({ param: "feature", message: expect.stringContaining("json-schema") });
  expect((await ask("?surface=fax")).body.error.param).toBe("surface");
  const nobody = await ask("?provider=nobody");
  expect([nobody.status, nobody.body.error.param]).toEqual([400, "provider"]);
});

test("for a model, by the provider that it leads to here", async () => {
  rig = await makeRig({
    config: (config) => ({ ...config, aliases: [{ pattern: "house", target: "claude-opus-4-6", origin: "t" }] }),
  });
  const { body } = await ask("?model=house&surface=openai-chat&feature=several");
  expect(body.data).toEqual([
    {
      surface: "openai-chat",
      provider: "anthropic",
      model: "claude-opus-4-6",
      feature: "several",
      outcome: "refused",
      note: expect.stringContaining("'n'"),
    },
  ]);
  const unknown = await ask("?model=nobody-has-it");
  expect([unknown.status, unknown.body.error.code]).toEqual([404, "model_not_found"]);
});
