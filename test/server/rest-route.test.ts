// Routes as requests meet them that are no chat: the first target that can be asked and is not left alone is, and conditions hold there, too.

import { afterEach, expect, test } from "bun:test";
import { readRoute } from "../../src/config/route.ts";
import { type Rig, type Upstream, makeProviderSettings, makeRig } from "../rig.ts";
import { hostOf } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const spare = (name: string, apiKey: string | null) =>
  makeProviderSettings({ name, kind: "openai", baseUrl: `http://${name}.test/v1`, apiKey, needsApiKey: true });

async function open(fields: Record<string, string>, upstream: Upstream): Promise<Rig> {
  const origin = "test";
  const { rules, faults } = readRoute("paint", new Map(Object.entries(fields)), {
    providers: ["bare", "one", "two", "anthropic"],
    origin,
  });
  expect(faults).toEqual([]);
  rig = await makeRig({
    upstream,
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers,
        spare("bare", null),
        spare("one", "sk-one-0123456789"),
        spare("two", "sk-two-0123456789"),
      ],
      routes: rules,
    }),
  });
  return rig;
}

const picture = (): Response => Response.json({ created: 1, data: [{ url: "http://x.test/1.png" }] });
const paint = (headers: Record<string, string> = {}) =>
  rig?.send("/v1/images/generations", { body: { model: "paint", prompt: "A fox" }, headers });
const asked = (): unknown[] =>
  (rig?.calls ?? []).map(({ url, body }) => [hostOf(url), (body as { model: string }).model]);

test("targets that lack a setting, or do not offer it, are passed over", async () => {
  await open({ targets: "bare/a, anthropic/b, one/c, two/d" }, picture);
  expect((await paint())?.status).toBe(200);
  expect(asked()).toEqual([["one", "c"]]);
  expect(await rig?.row()).toMatchObject({ provider: "one", modelAsked: "paint" });
});

test("one that fails again and again is left alone for a while, and asked again after it", async () => {
  const upstream: Upstream = ({ url }) => (hostOf(url) === "one" ? new Response("down", { status: 500 }) : picture());
  await open({ targets: "one/c, two/d" }, upstream);
  for (let call = 0; call < 5; call++) expect((await paint())?.status).toBe(500);
  expect((await paint())?.status).toBe(200);
  rig?.clock.advance(15_000);
  expect((await paint())?.status).toBe(500);
});

test("conditions hold by the name of the operation", async () => {
  await open({ targets: "one/c", endpoint: "images.*", "header.x-team": "a" }, picture);
  expect((await paint({ "x-team": "a" }))?.status).toBe(200);
  // Where none leads anywhere, the first that offers it is asked.
  expect((await paint({ "x-team": "b" }))?.status).toBe(200);
  expect(asked()).toEqual([
    ["one", "c"],
    ["openai", "paint"],
  ]);
});

test.each(["form", "JSON"])("what is made and kept is asked for by its model as well, sent as a %s", async (kind) => {
  await open({ targets: "two/sora-2" }, () => Response.json({ id: "video_1", object: "video", status: "queued" }));
  const fields = { prompt: "A fox", model: "paint" };
  const form = new FormData();
  form.set("prompt", fields.prompt);
  form.set("input_reference", new File(["x".repeat(100_000)], "a.png"));
  form.set("model", fields.model);
  const response = await rig?.send("/v1/videos", { body: kind === "form" ? form : fields });
  expect(response?.status).toBe(200);
  expect(rig?.calls.map(({ url }) => hostOf(url))).toEqual(["two"]);
  expect(rig?.calls[0]?.text).toContain("sora-2");
  expect(rig?.calls[0]?.text).not.toContain("paint");
  expect(await rig?.row()).toMatchObject({ endpoint: "videos.create", provider: "two", modelAsked: "paint" });
});
