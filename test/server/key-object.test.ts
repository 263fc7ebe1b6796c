// What a provider keeps is kept for the key that made it: who comes back for it is led to the same one, whatever the turn.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, type UpstreamCall, makeRig, readJson } from "../rig.ts";
import { refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const labelOf = ({ headers }: UpstreamCall): string => (headers.get("authorization") ?? "").slice(-1);
const used = ({ calls }: Rig): string => calls.map(labelOf).join("");

async function open(upstream: Upstream): Promise<Rig> {
  const keys = ["a", "b"].map((label) => ({ label, apiKey: `sk-canary-pool-${label}`, weight: 1 }));
  rig = await makeRig({
    upstream,
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 3 },
      providers: config.providers.map((each) =>
        each.name === "openai" ? { ...each, apiKey: "sk-canary-pool-a", keys } : each,
      ),
    }),
  });
  return rig;
}

const answer = (id: string): object => ({
  id,
  object: "response",
  created_at: 1,
  status: "completed",
  model: "gpt-4o",
  output: [
    {
      id: `msg_${id}`,
      type: "message",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "Hi", annotations: [] }],
    },
  ],
  usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
});

test("a conversation goes on with the key that keeps it", async () => {
  let count = 0;
  const gateway = await open(() => Response.json(answer(`resp_${++count}`)));
  const ask = async (previous?: string): Promise<string> => {
    const body = {
      model: "gpt-4o",
      input: "Hello",
      ...(previous === undefined ? {} : { previous_response_id: previous }),
    };
    const response = await gateway.send("/v1/responses", { body });
    expect(response.status).toBe(200);
    return (await readJson(response)).id;
  };
  const [first, second] = [await ask(), await ask()];
  expect(used(gateway)).toBe("ab");
  for (const previous of [first, second, second, first]) await ask(previous);
  expect(used(gateway)).toBe("ababba");
  expect(gateway.calls.slice(2).every(({ body }) => "previous_response_id" in (body as object))).toBe(true);
  for (const id of [second, first]) await gateway.send(`/v1/responses/${id}`, { method: "DELETE" });
  expect(used(gateway).slice(6)).toBe("ba");
});

describe("files", () => {
  const upload = async (gateway: Rig): Promise<Response> => {
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new File(["{}"], "x.jsonl"));
    return gateway.send("/v1/files", { body: form });
  };
  const file = (id: string): Response =>
    Response.json({ id, object: "file", bytes: 2, created_at: 1, filename: "x", purpose: "batch" });

  test("are made with one key while it is taken, and found with the one that made them", async () => {
    let isRevoked = false;
    const gateway = await open((call) => {
      if (isRevoked && labelOf(call) === "a" && call.method === "POST") return refusal(401);
      return file(call.method === "POST" ? `file-${labelOf(call)}` : (call.url.split("/").at(-1) ?? ""));
    });
    expect([(await upload(gateway)).status, (await upload(gateway)).status]).toEqual([200, 200]);
    expect(used(gateway)).toBe("aa");
    isRevoked = true;
    // One try is all there is for what is streamed on; the next one goes by another key.
    expect([(await upload(gateway)).status, (await upload(gateway)).status]).toEqual([401, 200]);
    expect(used(gateway)).toBe("aaab");
    for (const label of ["b", "a"]) expect((await gateway.send(`/v1/files/file-${label}`)).status).toBe(200);
    expect(used(gateway)).toBe("aaabba");
    expect((await gateway.rows()).map(({ attempts }) => attempts[0]?.account)).toContain("b");
  });
});

describe("a list", () => {
  /** Each key has files of its own, newest first; half of the first key's are another user's. */
  function makeAccounts(parked: { a: boolean }): Upstream {
    const kept: Record<string, string[]> = { a: [], b: [] };
    return (call) => {
      const label = labelOf(call);
      const files = kept[label] ?? [];
      if (parked.a && label === "a" && call.method === "POST") return refusal(429, { "retry-after": "600" });
      const make = (id: string): object => ({ id, object: "file", bytes: 2, created_at: 1, filename: "x" });
      if (call.method === "POST") {
        files.unshift(`file-${label}${files.length}`);
        return Response.json(make(files[0] ?? ""));
      }
      const query = new URL(call.url).searchParams;
      const [after, before] = [query.get("after"), query.get("before")];
      for (const cursor of [after, before]) if (cursor !== null && !files.includes(cursor)) return refusal(400);
      const found = before === null ? files.slice(after === null ? 0 : files.indexOf(after) + 1) : files;
      const data = (before === null ? found : found.slice(0, files.indexOf(before))).map(make);
      return Response.json({ object: "list", data, has_more: false });
    };
  }
  const upload = async (gateway: Rig, token?: string): Promise<string> => {
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new File(["{}"], "x.jsonl"));
    const owner = token === undefined ? {} : { token };
    return (await readJson(await gateway.send("/v1/files", { body: form, ...owner }))).id;
  };
  const list = async (gateway: Rig, query: string) => readJson(await gateway.send(`/v1/files${query}`));
  const idsOf = ({ data }: { data: { id: string }[] }): string[] => data.map(({ id }) => id);

  test("holds what was made with any key, whichever is taken now, page by page in both directions", async () => {
    const parked = { a: false };
    const gateway = await open(makeAccounts(parked));
    const { token } = await gateway.issue();
    for (let round = 0; round < 3; round++) {
      await upload(gateway);
      await upload(gateway, token);
    }
    parked.a = true;
    // That one learns that the first key is limited.
    await upload(gateway);
    for (let round = 0; round < 2; round++) await upload(gateway);
    const all = ["file-a4", "file-a2", "file-a0", "file-b1", "file-b0"];
    expect(await list(gateway, "")).toMatchObject({ data: all.map((id) => ({ id })), has_more: false });
    const forward: string[] = [];
    for (let query = "?limit=2"; query !== "";) {
      const page = await list(gateway, query);
      forward.push(...idsOf(page));
      query = page.has_more === true ? `?limit=2&after=${page.last_id}` : "";
    }
    expect(forward).toEqual(all);
    expect(idsOf(await list(gateway, "?after=file-a0"))).toEqual(["file-b1", "file-b0"]);
    const back = await list(gateway, "?before=file-b0&limit=2");
    expect([idsOf(back), back.has_more]).toEqual([["file-a0", "file-b1"], true]);
    expect(idsOf(await list(gateway, "?before=file-a0"))).toEqual(["file-a4", "file-a2"]);
    expect((await gateway.rows())[0]?.attempts.map(({ account }) => account)).toEqual(["a"]);
  });
});

test("what leaves nothing behind goes by turns", async () => {
  const gateway = await open(() => Response.json({ id: "m", model: "omni-moderation-latest", results: [] }));
  for (let call = 0; call < 4; call++) {
    expect(
      (await gateway.send("/v1/moderations", { body: { input: "x", model: "omni-moderation-latest" } })).status,
    ).toBe(200);
  }
  expect(used(gateway)).toBe("abab");
});

test("the list of models is read by a key that is taken", async () => {
  const gateway = await open((call) =>
    labelOf(call) === "a"
      ? refusal(401)
      : Response.json({ object: "list", data: [{ id: "special", object: "model", created: 1, owned_by: "x" }] }),
  );
  const { data } = await readJson(await gateway.send("/v1/models"));
  expect(data.map(({ id }: { id: string }) => id)).toContain("special");
});

test("whatever else is passed through goes by the first key that may be used, once, and what is said of the key there is remembered", async () => {
  const gateway = await open((call) => (labelOf(call) === "a" ? refusal(401) : Response.json({})));
  const { token } = await gateway.issue("gateway_user", { scopes: ["passthrough"] });
  const ask = async () => (await gateway.send("/passthrough/openai/v1/organization/costs", { token })).status;
  expect([await ask(), await ask()]).toEqual([401, 200]);
  expect(used(gateway)).toBe("ab");
});
