// What a provider sends is no page of the gateway's own, whatever it calls itself: a key in the address, which may be anybody's, brings it before a
// browser that holds an administrator's session.

import { afterEach, expect, test } from "bun:test";
import { type Rig, type Upstream, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const SCRIPT = "<script>parent.postMessage(1)</script>";
const CHAT = { model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] };
const ANSWER = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: SCRIPT }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

async function open(upstream: Upstream): Promise<Rig> {
  rig = await makeRig({ upstream });
  return rig;
}

function expectNoPage(response: Response): void {
  expect(response.headers.get("content-security-policy")).toContain("sandbox");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
}

const asPage = (body: unknown, status = 200, type = "text/html"): Response =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers: { "content-type": type } });

test("a file's content runs nothing, and no cache keeps it for others", async () => {
  const gateway = await open(({ method }) => {
    if (method === "POST") return Response.json({ id: "file-1", object: "file" });
    const headers = { "content-type": "text/html", "last-modified": "Mon, 02 Nov 2026 10:00:00 GMT" };
    return new Response(SCRIPT, { headers });
  });
  const { token } = await gateway.issue();
  const form = new FormData();
  form.set("purpose", "user_data");
  form.set("file", new File([SCRIPT], "page.html", { type: "text/html" }));
  const made = await gateway.fetch("http://gateway.test/v1/files", {
    method: "POST",
    body: form,
    headers: { authorization: `Bearer ${token}` },
  });
  expect([made.status, (await readJson(made)).id]).toEqual([200, "file-1"]);
  const response = await gateway.send(`/v1/files/file-1/content?key=${token}`, { token: null });
  expect([response.status, await response.text()]).toEqual([200, SCRIPT]);
  expectNoPage(response);
  expect(response.headers.get("cache-control")).toBe("no-store");
});

test("nor does what is passed through, a refusal, an answer of JSON or one in bytes", async () => {
  const gateway = await open(({ url }) => {
    if (url.endsWith("/refused")) return asPage(SCRIPT, 404);
    if (url.endsWith("/speech")) return asPage(SCRIPT, 200, "application/xhtml+xml");
    return url.endsWith("/chat/completions") ? asPage(ANSWER) : asPage(SCRIPT);
  });
  const { token } = await gateway.issue("gateway_admin");
  for (const [path, body] of [
    ["/passthrough/openai/page", undefined],
    ["/passthrough/openai/refused", undefined],
    ["/v1/audio/speech", { model: "gpt-4o-mini-tts", input: "Hello", voice: "alloy" }],
    ["/v1/chat/completions", CHAT],
  ] as const) {
    const response = await gateway.send(path, { token, body });
    expect([path, (await response.text()).includes(SCRIPT)]).toEqual([path, true]);
    expectNoPage(response);
  }
});

test("nor a chat's refusal, nor an answer that is given again", async () => {
  const gateway = await open(({ text }) =>
    text.includes("refuse")
      ? asPage({ error: { message: SCRIPT, type: "invalid_request_error" } }, 400)
      : asPage(ANSWER),
  );
  const refused = await gateway.chat({ ...CHAT, user: "refuse" });
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(SCRIPT)]);
  expectNoPage(refused);
  for (const word of ["off", "shared"]) {
    const response = await gateway.chat(CHAT, { headers: { "idempotency-key": "once" } });
    expect([response.headers.get("x-tokligence-cache"), await response.text()]).toEqual([
      word,
      expect.stringContaining(SCRIPT),
    ]);
    expectNoPage(response);
  }
});

test("a provider says nothing of all the gateway's addresses, and nothing in the gateway's name", async () => {
  const said = {
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=31536000",
    "clear-site-data": '"*"',
    "content-security-policy": "script-src *",
    nel: '{"report_to":"x","max_age":1}',
    "report-to": '{"group":"x"}',
    "service-worker-allowed": "/",
    "strict-transport-security": "max-age=1; includeSubDomains",
    "x-tokligence-cost-usd": "-5",
    "x-tokligence-provider": "another",
    "x-vendor": "v",
  };
  const gateway = await open(() => Response.json({}, { headers: said }));
  const { token } = await gateway.issue("gateway_user", { scopes: ["passthrough"] });
  const { headers } = await gateway.send("/passthrough/openai/x", { token });
  const left = Object.entries(said).filter(([name, value]) => headers.get(name) === value);
  expect(left).toEqual([["x-vendor", "v"]]);
  expect([headers.get("x-tokligence-provider"), headers.get("cache-control")]).toEqual(["openai", "no-store"]);
});

test("no cache between keeps what a key or a session alone brings", async () => {
  const gateway = await open(() => Response.json({}));
  const { token } = await gateway.issue();
  for (const path of ["/v1/models", "/api/v1/profile", "/api/v1/api-keys", "/api/v1/usage/logs"]) {
    const { status, headers } = await gateway.send(path, { token: null, headers: { "x-api-key": token } });
    expect([path, status, headers.get("cache-control")]).toEqual([path, 200, "no-store"]);
  }
});

test("nor is a refusal, which may be over tomorrow", async () => {
  const gateway = await open(() => Response.json({}));
  const { token } = await gateway.issue();
  const kept: [string, number, string | null][] = [];
  for (const path of ["/api/v1/admin/users", "/api/v1/nowhere", "/api/v1/usage/summary?tz=Mars", "/v1/models/none"]) {
    const { status, headers } = await gateway.send(path, { token });
    kept.push([path, status, headers.get("cache-control")]);
  }
  expect(kept).toEqual([
    ["/api/v1/admin/users", 403, "no-store"],
    ["/api/v1/nowhere", 404, "no-store"],
    ["/api/v1/usage/summary?tz=Mars", 422, "no-store"],
    ["/v1/models/none", 404, "no-store"],
  ]);
});
