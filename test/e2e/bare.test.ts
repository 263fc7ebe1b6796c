// The executable where little is: no folder for temporary files, as under a root that is only to be read, or in an image with nothing in it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type Served, issueKey, serve } from "./binary.ts";

const upstream = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    await request.arrayBuffer();
    return Response.json({ text: "heard" });
  },
});

let gateway: Served;
let key = "";

beforeAll(async () => {
  gateway = await serve({
    config: `[provider.acme]\ntype = compatible\nbase_url = http://127.0.0.1:${upstream.port}/v1\napi_key = sk-acme-000000`,
    env: { TMPDIR: "/nowhere/at/all" },
  });
  ({ token: key } = await issueKey(gateway));
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop(true);
});

async function transcribe(bytes: number): Promise<Response> {
  const body = new FormData();
  body.set("file", new Blob([new Uint8Array(bytes)]), "a.wav");
  body.set("model", "acme/whisper");
  const headers = { authorization: `Bearer ${key}` };
  return fetch(`${gateway.url}/v1/audio/transcriptions`, { method: "POST", headers, body });
}

test("an upload that needs a temporary file is refused in words, and the log names the folder", async () => {
  expect((await transcribe(100_000)).status).toBe(200);
  const response = await transcribe(3_000_000);
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  expect([response.status, error.code]).toEqual([503, "no_room_for_upload"]);
  expect(error.message).toContain("TMPDIR");
  expect(gateway.log()).toContain("/nowhere/at/all");
});

test("the doctor says so beforehand", async () => {
  const { code, out } = await gateway.run(["doctor", "--offline", "--json"]);
  const { findings } = JSON.parse(out) as { findings: { subject: string; level: string; remedy: string }[] };
  const found = findings.find(({ subject }) => subject === "/nowhere/at/all");
  expect([code, found?.level]).toEqual([6, "error"]);
  expect(found?.remedy).toContain("TMPDIR");
});

test("commands that need one name it", async () => {
  const stdin = "email\na@example.com\n";
  const imported = await gateway.run(["admin", "users", "import", "--file", "-"], { stdin });
  expect([imported.code, imported.err.split("\n")[0]]).toEqual([
    1,
    expect.stringContaining("error: Nothing can be held in /nowhere/at/all"),
  ]);
  expect(imported.err).toContain("TMPDIR");
  const file = await Bun.write(join(gateway.folder, "users.csv"), stdin).then(() => join(gateway.folder, "users.csv"));
  expect((await gateway.run(["admin", "users", "import", "--file", file])).code).toBe(0);
});
