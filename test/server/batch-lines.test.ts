// What stands in the file of a batch is the caller's own, too: nobody reads another's objects by having a batch name them.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const ANSWER = {
  id: "resp_1",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "gpt-4o",
  output: [{ type: "message", id: "msg_1", role: "assistant", status: "completed", content: [] }],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
};

let serial = 0;

/** `file`: what every file holds; a status where it is not given back. */
async function open(file: () => string | number) {
  const gateway = await makeRig({
    upstream({ method, url }) {
      const told = file();
      if (url.endsWith("/content"))
        return typeof told === "string" ? new Response(told) : new Response("", { status: told });
      if (method === "GET") return Response.json({ data: [] });
      if (url.endsWith("/responses")) return Response.json(ANSWER);
      return Response.json({ id: `${url.split("/").at(-1)}-${++serial}`, status: "validating" });
    },
  });
  rig = gateway;
  const [owner, other] = [(await gateway.issue()).token, (await gateway.issue()).token];
  const upload = async (token: string): Promise<string> => {
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new Blob(["x"]), "x.jsonl");
    const body = new Response(form);
    const headers = { "content-type": body.headers.get("content-type") ?? "" };
    return (await readJson(await gateway.send("/v1/files", { token, headers, body: await body.text() }))).id;
  };
  const start = async (token: string, endpoint: string) => {
    const input_file_id = await upload(token);
    const body = { input_file_id, endpoint, completion_window: "24h" };
    const response = await gateway.send("/v1/batches", { token, body });
    return [response.status, (await readJson(response)).error?.code ?? null];
  };
  return { gateway, owner, other, upload, start };
}

const line = (body: object): string =>
  `${JSON.stringify({ custom_id: "a", method: "POST", url: "/v1/responses", body })}\n`;

test("a line names another's objects, answers and items in no way, and its owner's as he likes", async () => {
  let file = "";
  const { gateway, owner, other, upload, start } = await open(() => line({ model: "gpt-4o", input: "x" }) + file);
  const id = await upload(owner);
  expect((await gateway.send("/v1/responses", { token: owner, body: { model: "gpt-4o", input: "x" } })).status).toBe(
    200,
  );
  const ask = { model: "gpt-4o", input: "x" };
  for (const text of [
    line({ ...ask, tools: [{ type: "code_interpreter", container: { type: "auto", file_ids: [id] } }] }),
    line({ ...ask, previous_response_id: "resp_1" }),
    line({ ...ask, input: [{ type: "item_reference", id: "msg_1" }] }),
    line({ ...ask, input: [{ id: "msg_1" }] }),
  ]) {
    file = text;
    const batches = () => gateway.calls.filter(({ url }) => url.endsWith("/batches")).length;
    const before = batches();
    expect([text, (await start(other, "/v1/responses"))[0]]).toEqual([text, 404]);
    expect(batches()).toBe(before);
    expect([text, ...(await start(owner, "/v1/responses"))]).toEqual([text, 200, null]);
  }
  file = line({ ...ask, file_ids: [id] }).replace("[", `[],"file_ids":[`);
  expect(await start(owner, "/v1/chat/completions")).toEqual([400, "repeated_field"]);
});

test("a file that a server does not give back is passed over where it gives none, in so many words, and else tried again", async () => {
  let status = 404;
  const { gateway, owner, start, upload } = await open(() => status);
  for (status of [404, 405, 501]) {
    expect(await start(owner, "/v1/responses")).toEqual([200, null]);
    expect(gateway.log.join("")).toContain(`does not give back the file of a batch (HTTP ${status})`);
  }
  const body = { input_file_id: await upload(owner), endpoint: "/v1/responses", completion_window: "24h" };
  const response = await gateway.send("/v1/batches", { token: owner, body });
  expect([response.status, response.headers.get("x-tokligence-warning")]).toEqual([200, "lines_unread"]);
  status = 429;
  expect((await start(owner, "/v1/responses"))[0]).toBeGreaterThanOrEqual(500);
});

test.each([
  ["a number that is none", (text: string) => text.replace("{", '{"x":NaN,')],
  ["a mark before it", (text: string) => `${line({ model: "gpt-4o" })}\uFEFF${text}`],
  ["wider characters", (text: string) => Buffer.from(text.trim(), "utf16le").toString("latin1")],
  ["brackets without end", (text: string) => text.replace("{", `{"x":${"[".repeat(700_000)}`)],
  ["too many levels", (text: string) => text.replace("{", `{"x":${"[".repeat(300)}${"]".repeat(300)},`)],
])("a line that others may read otherwise is nobody's to work on: %s", async (_what, spoil) => {
  const good = line({ model: "gpt-4o", input: "x" });
  let file = good;
  const { gateway, owner, other, upload, start } = await open(() => file);
  const id = await upload(owner);
  const named = line({ model: "gpt-4o", input: "x", tools: [{ container: { file_ids: [id] } }] });
  file = spoil(named);
  expect(await start(other, "/v1/chat/completions")).toEqual([400, "invalid_line"]);
  expect(gateway.calls.filter(({ url }) => url.endsWith("/batches"))).toEqual([]);
  const { token } = await gateway.issue("gateway_user", { allowedModels: ["gpt-4o"] });
  file = spoil(good);
  expect(await start(token, "/v1/chat/completions")).toEqual([400, "invalid_line"]);
  file = good;
  expect(await start(token, "/v1/chat/completions")).toEqual([200, null]);
});
